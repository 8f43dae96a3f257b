"""A real nginx with the configuration of deploy/, on free ports and private directories."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .stack import ROOT

_FOLDER = ROOT / "deploy" / "nginx"
_ROOM = "max_conns=256"


def find() -> str | None:
    """Return the program, None where it is not installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def configuration(
    folder: Path, *, port: int, receiver: str, api: str, most: int | None = None
) -> Path:
    """Write nginx's whole configuration around ours; ``most`` is the room of the receiver."""
    server = (_FOLDER / "gjango.conf").read_text()
    upstreams = (_FOLDER / "upstreams.conf").read_text()
    assert _ROOM in upstreams
    (folder / "gjango.conf").write_text(
        server.replace("listen 80;", f"listen 127.0.0.1:{port} backlog=4096;")
    )
    (folder / "upstreams.conf").write_text(
        upstreams.replace("127.0.0.1:8000", receiver)
        .replace("unix:/run/gjango/api.sock", api)
        .replace(_ROOM, _ROOM if most is None else f"max_conns={most}")
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"{'user root;' if os.getuid() == 0 else ''} worker_rlimit_nofile 20000;\n"
        "events { worker_connections 8192; }\n"
        f"http {{ access_log {folder}/access.log; {paths}"
        f"include {folder}/upstreams.conf; include {folder}/gjango.conf; }}\n"
    )
    return main


@contextmanager
def served(program: str, main: Path, port: int) -> Iterator[None]:
    """Run nginx for the length of a block."""
    process = subprocess.Popen([program, "-c", str(main), "-p", str(main.parent)])
    try:
        deadline = time.monotonic() + 10
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(10)
