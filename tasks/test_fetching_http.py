"""One request to a provider: to its own host and no other, bounded in time and size."""

import gzip
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations.asking import Call
from tasks.fetching import addresses
from tasks.fetching.addresses import AddressRefused, is_public, resolve
from tasks.fetching.failures import Cause, Failed
from tasks.fetching.http import Bounds, Client
from tests.played import Played, Said, playing

HOST = "api.played.example"
LOCALS = ["127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.9", "169.254.169.254", "0.0.0.0",  # noqa: S104
          "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1",
          "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
          "2002:7f00:1::", "2002:c0a8:101::1", "fe80::1%lo"]  # fmt: skip


@pytest.fixture
def played() -> Iterator[Played]:
    with playing(lambda request: Said(200, {"path": request.path})) as one:
        yield one


def refused(client: Client, host: str = HOST, **call: Any) -> Failed:
    with pytest.raises(Failed) as caught:
        client.send(host, Call(**{"path": "/", **call}))
    return caught.value


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let the resolver give these addresses, each time; return the names it was asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port))
            for one in answers
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("address", LOCALS)
def test_an_address_of_the_inside_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_an_address_of_the_internet_is_not(address: str) -> None:
    assert is_public(address)


def test_one_bad_address_of_several_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "93.184.216.34", "10.0.0.1")

    with pytest.raises(AddressRefused):
        resolve(HOST, 443)


def test_what_is_connected_to_is_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, "93.184.216.34")
    connected: list[Any] = []

    def create_connection(address: Any, timeout: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", create_connection)

    failed = refused(Client())

    assert failed.cause is Cause.FAILED
    assert (asked, connected) == ([HOST], [("93.184.216.34", 443)])


def test_no_host_of_this_machine_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1")

    assert "address of the inside" in refused(Client()).reason


def test_no_proxy_of_the_environment_leads_a_real_client_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.3)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setattr(addresses, "resolve", lambda *_: ["127.0.0.1"])

        refused(Client(Bounds(connect=0.5, total=1)))

        with pytest.raises(TimeoutError):
            proxy.accept()


def test_the_clock_of_a_real_process_knows_no_local_hosts() -> None:
    code = (
        "import django; django.setup()\n"
        "from tasks.fetching.work import Work\n"
        "from integrations.registry import PROVIDERS\n"
        "print(dict(Work(PROVIDERS).client.local))"
    )
    hostile = {f"{prefix}LOCAL": "x" for prefix in ("FETCH_", "GJANGO_", "GJANGO_FETCH_", "")}

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **hostile, "DJANGO_SETTINGS_MODULE": "backend_gjango.settings"},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert done.stdout.strip() == "{}"
    sources = Path(addresses.__file__).parent.glob("*.py")
    # For the demonstration alone, and only under its own settings: backend_gjango/played.
    assert [one.name for one in sources if "local=" in one.read_text()] == ["lines.py"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "user@api.example", "api.example:8443", "api.example/x", "::1",
     "api.example#", "api.пример", "", "a b.example", "api.example\n", "0x7f.1", "API.example"],
)  # fmt: skip
def test_what_is_no_plain_name_is_no_host(host: str) -> None:
    assert refused(Client(), host).cause is Cause.SETTING


@pytest.mark.parametrize(
    "path", ["deals", "/a/../b", "/a/%2e%2E/b", "/a?b=c", "/a b", "/a\r\nX: y", "/а", "/a#b", "//"]
)
def test_what_is_no_plain_path_is_not_sent(played: Played, path: str) -> None:
    client = played.client(HOST)
    if path == "//":
        assert client.send(HOST, Call(path=path)).status == 200  # an empty segment, same host
        return

    refused(client, path=path)

    assert played.requests == []


def test_a_call_becomes_a_request_and_no_header_of_ours_changes(played: Played) -> None:
    call = Call(
        path="/deals/%D0%B0",
        query=(("a", "1"), ("b", "x y&z")),
        method="POST",
        headers={"Authorization": "Bearer x", "Host": "evil.example", "Accept-Encoding": "br"},
        body=b"{}",
    )

    raw = played.client(HOST).send(HOST, call)

    (request,) = played.requests
    assert raw.status == 200
    assert (request.method, request.path, request.query) == (
        "POST", "/deals/%D0%B0", {"a": "1", "b": "x y&z"},
    )  # fmt: skip
    assert request.headers["authorization"] == "Bearer x"
    assert request.headers["host"] == played.url.removeprefix("http://")
    assert request.headers["accept-encoding"] == "gzip"
    assert request.body == b"{}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(status: int) -> None:
    with playing(lambda _: Said(status, {}, {"Location": "/elsewhere"})) as played:
        raw = played.client(HOST).send(HOST, Call(path="/"))

    assert raw.status == status
    assert played.paths == ["/"]


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_that_is_too_long_is_cut_off(packed: bool) -> None:
    body = b" " * 3_000_000
    said = (
        Said(200, gzip.compress(body), {"Content-Encoding": "gzip"}) if packed else Said(200, body)
    )
    with playing(lambda _: said) as played:
        short = Bounds(answer_bytes=1_000_000)

        assert "longer than 1000000 bytes" in refused(played.client(HOST, bounds=short)).reason
        whole = played.client(HOST).send(HOST, Call(path="/")).body

    assert whole == body


def dripping(head: bytes, drip: bytes) -> Iterator[str]:
    """Serve a head at once, and then a little every so often, for ever."""
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        one, _ = server.accept()
        with one:
            one.sendall(head)
            while not ended.wait(0.1):
                try:
                    one.sendall(drip)
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    ended.set()
    thread.join()
    server.close()


@pytest.mark.parametrize(
    ("head", "drip"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        (b"", b""),
    ],
    ids=["status", "headers", "body", "endless", "silence"],
)
def test_an_answer_that_takes_too_long_is_cut_off(head: bytes, drip: bytes) -> None:
    server = dripping(head, drip)
    client = Client(Bounds(read=5, total=0.8), {HOST: next(server)})
    begun = time.monotonic()

    failed = refused(client)

    assert "no answer in time" in failed.reason
    assert time.monotonic() - begun < 4
    next(server, None)


def test_a_certificate_that_nobody_vouches_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda _: True)
    port = serve_tls(tmp_path)
    resolving(monkeypatch, "127.0.0.1")
    real = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda _, timeout: real(("127.0.0.1", port), timeout)
    )

    failed = refused(Client())

    assert "SSLError" in failed.reason


def serve_tls(tmp_path: Path) -> int:
    """Serve TLS with a certificate of our own making; return the port."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    both = tmp_path / "both.pem"
    both.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        one, _ = server.accept()
        try:
            with context.wrap_socket(one, server_side=True) as wrapped:
                wrapped.recv(1000)
        except OSError:
            pass
        server.close()

    threading.Thread(target=serve, daemon=True).start()
    return int(server.getsockname()[1])


def test_a_failure_says_nothing_of_the_request() -> None:
    client = Client(Bounds(connect=1), {HOST: "http://127.0.0.1:1"})

    failed = refused(client, path="/rest/1/token-of-the-portal/crm")

    assert "token-of-the-portal" not in str(failed)
    assert failed.cause is Cause.FAILED
