"""Starting a receiver as a process, and sending to it: over httpx, or raw bytes."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from django.conf import settings
from django.db import connection

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.models import Delivery

from .chaos import Upstream
from .receiver_providers import HEADER, signature

ROOT = Path(__file__).resolve().parent.parent
PUBLIC_URL = "https://hooks.example"
SECRET = "s3cret-of-the-test-source"
#: Nobody listens there.
NO_REDIS = "redis://127.0.0.1:1/0"


def free_port() -> int:
    """Return a port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url(host: str | None = None, port: int | None = None) -> str:
    """Return the URL of the test database as the application's role."""
    now = connection.settings_dict
    where = str(host or now["HOST"]).replace("%", "%25").replace("/", "%2F")
    password = f":{now['PASSWORD']}" if now["PASSWORD"] else ""
    given = f"&port={port or now['PORT']}" if port or now["PORT"] else ""
    return f"postgresql://{now['USER']}{password}@/{now['NAME']}?host={where}{given}"


def owner() -> psycopg.Connection:
    """Connect as the owner of the tables, past any proxy."""
    now, role = connection.settings_dict, settings.DATABASE_OWNER
    assert role is not None
    return psycopg.connect(
        dbname=now["NAME"],
        user=role["USER"],
        password=role["PASSWORD"],
        host=now["HOST"],
        port=now["PORT"] or None,
        autocommit=True,
    )


def postgres() -> Upstream:
    """Return where the server of the test database listens, for a proxy in front of it."""
    now = connection.settings_dict
    port = int(now["PORT"] or 5432)
    host = str(now["HOST"])
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


@dataclass(frozen=True, slots=True)
class Address:
    """A source that a test may send to."""

    source_id: int
    account_id: int
    token: str
    secret: str = SECRET

    @property
    def path(self) -> str:
        return f"/hooks/{self.token}"

    def signed(self, body: bytes, path: str | None = None) -> dict[str, str]:
        """Return the header that proves a body sent to this address."""
        url = PUBLIC_URL + (path or self.path)
        return {HEADER: signature(body, self.secret, url).decode()}


def make_source(provider: str = "plain", *, slug: str = "shop", **columns: Any) -> Address:
    """Make an account with one source, its address and its secret."""
    account, _ = Account.objects.get_or_create(slug=slug, defaults={"title": slug})
    with scoped([account.id]):
        source = Source.objects.create(account=account, provider=provider, title=slug, **columns)
        token = endpoints.add_endpoint(source)
        endpoints.add_secret(source, SECRET)
    return Address(source.pk, account.pk, token)


def set_state(address: Address, state: str) -> None:
    """Change the state of a source, and let the receiver's (short) cache forget the former."""
    with scoped([address.account_id]):
        Source.objects.filter(pk=address.source_id).update(state=state)
    time.sleep(0.05)


def rotate(address: Address, value: str, overlap: timedelta) -> None:
    """Replace the secret of a source."""
    with scoped([address.account_id]):
        source = Source.objects.get(pk=address.source_id)
        endpoints.rotate_secret(source, value=value, overlap=overlap)
    time.sleep(0.05)


def head_of(
    address: Address, body: bytes, *lines: str, path: str = "", method: str = "POST"
) -> bytes:
    """Return a raw request head that signs a body, with these further header lines."""
    whole = address.path + path
    signed = [f"{name}: {value}" for name, value in address.signed(body, whole).items()]
    return "\r\n".join([f"{method} {whole} HTTP/1.1", "Host: x", *signed, *lines, "", ""]).encode()


def staged(address: Address) -> list[Delivery]:
    """Return what is in staging for the account of a source, oldest first."""
    with scoped([address.account_id]):
        return list(Delivery.objects.order_by("id"))


@dataclass(slots=True)
class Running:
    """A server process and where it listens."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    http: httpx.Client

    @property
    def url(self) -> str:
        """Where it listens, as ``--to`` takes it."""
        return f"http://127.0.0.1:{self.port}"

    def raw(self, data: bytes, *, wait: float = 2.0, end: bool = False) -> bytes:
        """Send bytes as they are; return what comes back until the end, or for so many seconds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as client:
            client.sendall(data)
            if end:
                client.shutdown(socket.SHUT_WR)
            return _all_of(client)


def _all_of(client: socket.socket) -> bytes:
    answer = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        while part := client.recv(65536):
            answer += part
    return answer


def granian(application: str, port: int, workers: int = 1) -> list[str]:
    """Return the command that serves an application as production does."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--http", "1", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)),
        *("--loop", "uvloop", "--http1-header-read-timeout", "5000"),
        *("--http1-buffer-size", "16384", "--backpressure", "16384"),
        *("--workers-kill-timeout", "15"),
        application,
    ]


@contextlib.contextmanager
def receiver(
    tmp_path: Path,
    *,
    application: str = "tests.receiver_app:application",
    workers: int = 1,
    **environment: str,
) -> Iterator[Running]:
    """Run a receiver on a free port until the block ends."""
    port, log = free_port(), tmp_path / "receiver.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            granian(application, port, workers),
            cwd=ROOT,
            env=_environment(environment),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=15) as client:
            yield Running(process, port, log, client)
    finally:
        _stop(process)


def attentive(tmp_path: Path) -> contextlib.AbstractContextManager[Running]:
    """Run the real receiver: it forgets a source's former settings at once, and keeps in
    quarantine all that it rejects."""
    return receiver(
        tmp_path,
        application="backend_gjango.asgi:application",
        PUBLIC_URL=PUBLIC_URL,
        GJANGO_SOURCE_CACHE_SECONDS="0.01",
        GJANGO_QUARANTINE_PER_MINUTE="1000",
    )


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": NO_REDIS,
        "GJANGO_KEYS": ",".join(settings.GJANGO_KEYS),
        **given,
    }


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"the receiver did not start: {log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
