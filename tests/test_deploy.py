"""deploy/: the same processes as ``make run``, and a delivery through a real nginx to a sale."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend_gjango import embedded
from backend_gjango.supervisor import plan

from . import nginx
from .stack import ROOT, free_port, running

DEPLOY = ROOT / "deploy"
_OWN = {"--host", "--port", "--bind", "--worker-shutdown-timeout"}


@pytest.mark.parametrize("name", ["receiver", "api", "worker", "clock"])
def test_units_and_compose_run_what_make_run_runs(name: str) -> None:
    command = {part.name: part.command for part in plan.processes()}[name][1:]
    unit = (DEPLOY / "systemd" / f"gjango-{name}.service").read_text()
    compose = (DEPLOY / "compose.yaml").read_text()

    for before, word in zip(("", *command), command, strict=False):
        if before in _OWN or word.endswith("manage.py"):
            continue
        assert word in unit.partition("ExecStart=")[2].splitlines()[0].split(), word
        assert re.search(rf"(?:^|[\s,\[]){re.escape(word)}(?:$|[\s,\]])", compose, re.M), word


def test_every_setting_is_documented() -> None:
    told = (ROOT / "docs" / "settings.md").read_text()
    read = re.compile(
        r"""(?:env\.(?:str|bool|list|int|float)|number|environ\.get|_secret)\(\s*"([A-Z_]{3,})\""""
    )
    found = {
        name
        for folder in ("backend_gjango", "accounts", "sales", "ingest", "tasks")
        for file in (ROOT / folder).rglob("*.py")
        if not file.name.startswith("test_")
        for name in read.findall(file.read_text())
    }
    # Between our own processes; nobody sets them by hand.
    internal = {
        *("GJANGO_PLAYED_PORT", "GJANGO_PROXY", "GJANGO_SUPERVISED", "GJANGO_PROCESS"),
        "XDG_RUNTIME_DIR",
    }

    assert {"DATABASE_URL", "GJANGO_WORKERS", "PUBLIC_URL"} <= found
    assert sorted(name for name in found - internal if f"`{name}`" not in told) == []


def test_the_example_environment_has_only_documented_names() -> None:
    told = (ROOT / "docs" / "settings.md").read_text()
    compose = (DEPLOY / "compose.yaml").read_text()
    names = re.findall(r"^#?([A-Z_]+)=", (DEPLOY / "env.example").read_text(), re.M)

    assert len(names) == len(set(names)) > 20
    assert [n for n in names if f"`{n}`" not in told and f"${{{n}:" not in compose] == []


def _nginx() -> str:
    found = nginx.find()
    if found is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    return found


def _signed(secret: str, body: bytes) -> dict[str, str]:
    number, moment = "msg_through_nginx", str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = hmac.new(key, b".".join([number.encode(), moment.encode(), body]), hashlib.sha256)
    return {
        "webhook-id": number,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(said.digest()).decode()}",
        "content-type": "application/json",
    }


def _ask(url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


_SALE = {
    "type": "sale.created",
    "timestamp": "2026-09-14T12:08:44Z",
    "data": {
        "id": "412",
        "occurred_at": "2026-09-14T15:08:44+03:00",
        "currency": "RUB",
        "total": "620.00",
        "lines": [{"name": "Капучино", "quantity": "2", "unit_price": "310.00", "total": "620.00"}],
        "payments": [{"id": "1", "type": "cash", "amount": "620.00"}],
    },
}


@pytest.mark.slow
def test_a_signed_delivery_goes_through_nginx_and_becomes_a_sale() -> None:
    program, port = _nginx(), free_port()
    public = f"http://127.0.0.1:{port}"
    body = json.dumps(_SALE, ensure_ascii=False).encode()

    with running({"PUBLIC_URL": public}) as stack, _folder() as folder:
        api = f"unix:{stack.state}/run/api.sock"
        main = nginx.configuration(folder, port=port, receiver=f"127.0.0.1:{stack.port}", api=api)
        subprocess.run([program, "-t", "-c", str(main)], check=True, capture_output=True)
        source = stack.manage_json("source", "add", "standard", "--account", "shop")
        token = stack.manage_json("token", "add", "--account", "shop", "--role", "analyst")["token"]
        reader = {"Authorization": f"Bearer {token}"}
        with nginx.served(program, main, port):
            good = _ask(public + source["path"], _signed(source["secret"], body), body)
            bad = _ask(public + source["path"], _signed(source["secret"], body), body + b" ")
            large = _ask(public + source["path"], {}, b"x" * (5 * 1024 * 1024 + 1))
            metrics = _ask(f"{public}/metrics", {})
            sales = _sales(public, reader)

        assert good[0] == 200, good
        assert (bad[0], large[0], metrics[0]) == (401, 413, 404)
        assert [(one["external_id"], one["total"]) for one in sales] == [("412", "620.00")]
        assert source["path"] not in (folder / "access.log").read_text()


def _sales(public: str, reader: dict[str, str]) -> list[dict[str, str]]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        status, said = _ask(f"{public}/sales/", reader)
        assert status == 200, said
        if found := json.loads(said)["results"]:
            return list(found)
        time.sleep(0.2)
    return []


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gjn-") as name:
        yield Path(name)


@pytest.mark.slow
def test_nginx_says_503_and_when_to_come_again_while_nobody_is_behind() -> None:
    program, port = _nginx(), free_port()

    with _folder() as folder:
        dead = f"127.0.0.1:{free_port()}"
        main = nginx.configuration(folder, port=port, receiver=dead, api=dead)
        with nginx.served(program, main, port):
            status, said = _ask(f"http://127.0.0.1:{port}/hooks/abc", {}, b"{}")
        log = (folder / "error.log").read_text()

    assert status == 503
    assert json.loads(said)["code"] == "unavailable"
    assert "/hooks/abc" not in log


@pytest.mark.slow
def test_nginx_refuses_at_once_what_the_receiver_has_no_room_for() -> None:
    program, port = _nginx(), free_port()

    with _folder() as folder, socket.create_server(("127.0.0.1", 0)) as silent:
        receiver = f"127.0.0.1:{silent.getsockname()[1]}"
        main = nginx.configuration(folder, port=port, receiver=receiver, api=receiver, most=2)
        with nginx.served(program, main, port), contextlib.ExitStack() as stack:
            held = [stack.enter_context(_post(port)) for _ in range(2)]
            taken = [stack.enter_context(silent.accept()[0]) for _ in held]
            refused = _answer(stack.enter_context(_post(port)))
            for one in taken:
                one.recv(65536)
                one.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            answered = [_answer(one) for one in held]

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert re.search(rb"\r\nRetry-After: (2|4|6|8|10)\r\n", refused)
    assert b'"unavailable"' in refused
    assert [one[:13] for one in answered] == [b"HTTP/1.1 200 "] * 2


def _post(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=5)
    line.sendall(b"POST /hooks/abc HTTP/1.1\r\nhost: shop\r\ncontent-length: 2\r\n\r\n{}")
    return line


def _answer(line: socket.socket) -> bytes:
    return line.recv(65536)


@pytest.mark.slow
def test_units_are_understood_by_systemd() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")

    with _folder() as folder:
        for unit in (DEPLOY / "systemd").iterdir():
            text = unit.read_text().replace("/opt/gjango/.venv/bin/python", "/bin/true")
            (folder / unit.name).write_text(text.replace("/opt/gjango", "/tmp"))
        done = subprocess.run(
            ["systemd-analyze", "verify", *sorted(map(str, folder.iterdir()))],
            capture_output=True,
            text=True,
            check=False,
        )

    ours = [line for line in done.stderr.splitlines() if "gjango" in line]
    assert ours == [], done.stderr


@pytest.mark.slow
def test_the_roles_file_makes_what_migrations_and_processes_need(tmp_path: Path) -> None:
    with _folder() as folder:
        state = embedded.State(folder)
        server = embedded.spawn_postgres(state)
        try:
            embedded.wait_for(embedded.postgres_answers, state, server, "postgres.log")
            for _ in range(2):
                _roles(state)
            owner = state.database_url("gjango_owner")
            with running(
                {**_production(), "DATABASE_URL": state.database_url(), "DATABASE_OWNER_URL": owner}
            ) as stack:
                assert stack.get("/ready")[1]["reasons"] == []
                assert "gjango.W" not in stack.manage("check", "--database", "default")
        finally:
            embedded.stop(server, signal.SIGINT)


def _roles(state: embedded.State) -> None:
    binaries = embedded.postgres_binaries()
    subprocess.run(
        [
            binaries / "psql",
            "-h",
            str(state.sockets),
            "-U",
            "postgres",
            "-q",
            "-f",
            str(DEPLOY / "roles.sql"),
        ],
        env={"GJANGO_OWNER_PASSWORD": "one", "GJANGO_APP_PASSWORD": "o'ther"},
        check=True,
        capture_output=True,
    )


def _production() -> dict[str, str]:
    key = base64.urlsafe_b64encode(os.urandom(32)).decode()
    return {"DJANGO_SECRET_KEY": "x" * 50, "GJANGO_KEYS": key}
