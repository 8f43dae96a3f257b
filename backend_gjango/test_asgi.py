"""One port for everything: hooks are taken here, the rest goes to the Django server's socket."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from tempfile import TemporaryDirectory

import pytest

from tests.hearing import Running, receiver

pytestmark = pytest.mark.django_db(transaction=True)

APPLICATION = "backend_gjango.asgi:application"


class _Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent, in two pieces."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = self.headers["Content-Length"]
        body = self.rfile.read(int(length)) if length else self._chunks()
        whole = {"target": self.path, "headers": dict(self.headers), "size": len(body)}
        answer = json.dumps({**whole, "method": self.command}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(answer)))
        # A server that ends takes its kept connections along; a thread of this one would not.
        self.send_header("Connection", "close")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(answer[:10])
        self.wfile.write(answer[10:])

    def _chunks(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return b""
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def django_server(path: Path) -> Iterator[None]:
    with ThreadingUnixStreamServer(str(path), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            path.unlink()


@pytest.fixture(scope="module")
def socket_path() -> Iterator[Path]:
    with TemporaryDirectory(prefix="gj-") as folder:
        yield Path(folder) / "api.sock"


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, socket_path: Path, django_db_setup: None
) -> Iterator[Running]:
    with receiver(
        tmp_path_factory.mktemp("front"),
        application=APPLICATION,
        GJANGO_PROXY=str(socket_path),
        TRUSTED_PROXIES="192.0.2.1",
    ) as running:
        yield running


def test_what_is_no_hook_is_streamed_to_django_and_back(server: Running, socket_path: Path) -> None:
    with django_server(socket_path):
        answer = server.http.post(
            "/продажи/?a=%D1%8F&b=1",
            content=(b"x" * 10_000 for _ in range(20)),
            headers={"host": "till.example:80", "x-forwarded-for": "6.6.6.6", "x-a": "1"},
        )
        got = server.http.get("/sales/")

    assert answer.status_code == 201
    seen = answer.json()
    assert seen["target"] == "/%D0%BF%D1%80%D0%BE%D0%B4%D0%B0%D0%B6%D0%B8/?a=%D1%8F&b=1"
    assert seen["size"] == 200_000
    headers = {name.lower(): value for name, value in seen["headers"].items()}
    assert headers["host"] == "till.example:80"
    assert headers["x-a"] == "1"
    # Not a trusted proxy: what it says of others is dropped.
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-host"] == "till.example:80"
    assert headers["x-forwarded-proto"] == "http"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (got.status_code, got.json()["method"]) == (201, "GET")


def test_django_away_is_503_in_json_and_hooks_are_still_answered(server: Running) -> None:
    away = server.http.get("/sales/")
    hook = server.http.post("/hooks/unknown")

    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
    assert away.headers["retry-after"]
    assert (hook.status_code, hook.json()["code"]) == (404, "not_found")


def test_django_that_comes_back_is_used_without_a_restart(
    server: Running, socket_path: Path
) -> None:
    for _ in range(2):
        with django_server(socket_path):
            assert server.http.get("/").status_code == 201
        assert server.http.get("/").status_code == 503


def test_without_a_proxy_the_answer_says_where_the_api_is(tmp_path: Path) -> None:
    with receiver(
        tmp_path, application=APPLICATION, PUBLIC_URL="https://shop.example", GJANGO_PROXY=""
    ) as alone:
        answer = alone.http.get("/sales/")

    assert answer.status_code == 404
    assert "https://shop.example/" in answer.json()["hint"]


def test_a_bound_that_is_no_number_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError) as failed,
        receiver(tmp_path, application=APPLICATION, GJANGO_BODY_BYTES="many"),
    ):
        pass

    assert "GJANGO_BODY_BYTES" in str(failed.value)
    assert "Traceback" not in str(failed.value)


def test_a_client_that_leaves_does_not_break_the_proxy(server: Running, socket_path: Path) -> None:
    with django_server(socket_path):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")

        assert server.http.get("/").status_code == 201
