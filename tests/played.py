"""Providers played by a local HTTP server: with limits, errors and a clock of their own.

``Played`` is the server; a test says what it answers. ``work`` asks it the way the product does.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db.models import Q
from django.db.models.functions import Now

from accounts.commandline import every_account
from backend_gjango.played.server import Answering, Request, Said, serving
from tasks.fetching.http import Bounds, Client
from tasks.fetching.work import Work
from tasks.models import Fetch
from tasks.understanding import Providers

__all__ = ["Answering", "Played", "Request", "Said", "ask_all", "playing"]


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
    with serving(played.handle) as port:
        played.url = f"http://127.0.0.1:{port}"
        yield played


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
