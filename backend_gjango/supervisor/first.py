"""What a start needs before and after the processes: the port, the database, the first words."""

import contextlib
import json
import socket
import subprocess
from dataclasses import dataclass

from .. import env
from ..start import StartError
from .plan import manage, run

DEMO_DONE = "demo.done"


def check_port(host: str, port: int) -> None:
    """Raise StartError where nothing can listen there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise StartError(
            f"На HOST={host} PORT={port} слушать нельзя ({error.strerror}): освободите порт или "
            f"задайте другой, например PORT={port + 1} make run. / Cannot listen on HOST={host} "
            f"PORT={port} ({error.strerror}): free it, or take another: PORT={port + 1} make run."
        ) from error


def prepare() -> subprocess.Popen[bytes]:
    """Start what migrates the database, makes partitions and the first owner.

    Its stdout is a pipe, never a file: a password may come through it.
    """
    return run("prepare", manage("prepare", "--owner", "--json"), answer=subprocess.PIPE)


def answer_of(process: subprocess.Popen[bytes]) -> dict[str, str | None]:
    """Return what ``prepare`` answered."""
    assert process.stdout is not None  # noqa: S101
    with process.stdout as pipe:
        answer: dict[str, str | None] = json.loads(pipe.read())
    return answer


@dataclass(frozen=True, slots=True)
class Readiness:
    """What GET /ready answered: its status, 0 for no answer, and its body."""

    status: int
    body: str

    def __bool__(self) -> bool:
        return self.status == 200


def ask_ready() -> Readiness:
    """Ask the receiver's port whether everything is ready."""
    # By hand: http.client and its e-mail parser cost more memory than the rest of us.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(env.HOST, env.HOST)  # noqa: S104
    said = b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection((host, env.PORT), timeout=2) as client,
    ):
        client.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while part := client.recv(65536):
            said += part
    head, _, body = said.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return Readiness(status, body.decode(errors="replace"))


def greeting(answer: dict[str, str | None]) -> str:
    """Return what a person sees when everything is ready."""
    url = env.PUBLIC_URL
    lines = ["", f"  Готово / ready: {url}", ""]
    if answer.get("password"):
        lines += [
            f"  вход / sign in       {answer['owner']} · {answer['password']}"
            "   (показан один раз / shown once)",
        ]
    lines += [
        f"  продажи / sales      {url}/продажи/   ({url}/sales/)",
        f"  админка / admin      {url}/admin/",
        "  документация / docs  README.md, docs/",
        "  конец / end          Ctrl-C",
        "",
    ]
    return "\n".join(lines)


def wants_demo() -> bool:
    """Say whether the demonstration is still to be made: once, with our own database only."""
    return env.plays_demo() and not (env.STATE.root / DEMO_DONE).exists()


def demo() -> subprocess.Popen[bytes]:
    """Start what sends the recorded samples through the real endpoints."""
    return run("demo", manage("demo", "add"))


def demo_is_done() -> None:
    """Remember that the demonstration was made, so that a removed one stays removed."""
    (env.STATE.root / DEMO_DONE).touch()
