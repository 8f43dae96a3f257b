"""Providers played by a local HTTP server: with limits, errors and a clock of their own.

``Played`` is the server; a test says what it answers. ``work`` asks it the way the product does.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.db.models import Q
from django.db.models.functions import Now

from accounts.commandline import every_account
from tasks.fetching.http import Bounds, Client
from tasks.fetching.work import Work
from tasks.models import Fetch
from tasks.understanding import Providers


@dataclass(frozen=True, slots=True)
class Request:
    """What the provider was asked, and when (monotonic seconds)."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Said:
    """What it answers: a JSON value, or bytes as they are."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[Request], Said]


@dataclass(slots=True)
class Played:
    """A provider's API on this machine. ``most`` is how many it was asked at once."""

    answer: Answering
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    running: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, request: Request) -> Said:
        """Note a request, and answer it."""
        with self.lock:
            self.requests.append(request)
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            return self.answer(request)
        finally:
            with self.lock:
                self.running -= 1

    @property
    def paths(self) -> list[str]:
        """The paths that were asked, in order."""
        return [one.path for one in self.requests]

    def client(self, *hosts: str, bounds: Bounds = Bounds()) -> Client:  # noqa: B008
        """Return a client that finds these hosts here."""
        return Client(bounds, dict.fromkeys(hosts, self.url))


@contextmanager
def playing(answer: Answering) -> Iterator[Played]:
    """Run a provider for the length of a block."""
    played = Played(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query))
            said = played.handle(
                Request(self.command, parts.path, query, headers, body, time.monotonic())
            )
            raw = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response_only(said.status)
            given = {name.lower() for name in said.headers}
            for name, value in said.headers.items():
                self.send_header(name, value)
            if "date" not in given:
                self.send_header("Date", self.date_time_string())
            if "content-length" not in given:
                self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    played.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield played
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def working(providers: Providers, client: Client, *, threads: int = 8) -> Iterator[Work]:
    """Give what the leader's thread works with, to be turned by the test."""
    work = Work(providers, client, threads=threads)
    try:
        yield work
    finally:
        work.close()


def turn_until(work: Work, holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Let it work until something is true; say whether it became so in time."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        work.turn(rest=0.02)
    return holds()


def ask_all(providers: Providers, client: Client, seconds: float = 30) -> None:
    """Ask for everything that is due, until nothing is."""
    with working(providers, client) as work:
        turn_until(work, lambda: not work.running and not due_reads(), seconds)


def due_reads() -> int:
    """Count the reads that are due now, or under way."""
    with every_account():
        return Fetch.objects.filter(Q(due_at__lte=Now()) | Q(token__isnull=False)).count()
