"""The product as the stateful test drives it: a real receiver, staging, settlers and the API."""

import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import redis
from django.test import Client

from accounts.models import Account, Role, Source
from accounts.rls import scoped
from accounts.tokens import issue
from ingest import endpoints
from integrations.contract import Delivery, Secret
from integrations.registry import PROVIDERS
from tasks.actors import settle_deliveries
from tasks.source_secrets import default_kind
from tasks.sources import add_source, rotate_secret
from tests import hearing
from tests.faults import Point, environment
from tests.settling import child_environment

from ..arrivals import Site
from ..histories import site_of
from ..shops import SHOPS, Sent, Shop

PUBLIC_URL = "https://hooks.example"
#: Where a receiver can be killed: before its commit, and after it but before the answer.
RECEIVER_POINTS = {
    "before the commit": ("ingest.writer:Writer._stage", "before"),
    "after the commit": ("ingest.writer:Writer._answer", "before"),
}
#: Where a settler can be killed.
SETTLER_POINTS = {
    "between claim and work": ("tasks.loading:load", "before"),
    "before the commit": ("tasks.inbox:finish", "after"),
    "after the commit": ("tasks.metrics:settled", "before"),
}
_SETTLE = """
import sys, django
django.setup()
from uuid import UUID
from tasks.pipeline import settle
settle([UUID(one) for one in sys.argv[1:]])
"""


@dataclass
class Till:
    """A connected source, its provider from the inside, and what became of its deliveries."""

    site: Site
    source: Source
    token: str
    secret: str
    shop: Shop
    #: Secrets that hold no longer, and what was answered 200, cut off, or refused.
    ended: list[str] = field(default_factory=list)
    overlapping: list[str] = field(default_factory=list)
    acknowledged: list[bytes] = field(default_factory=list)
    cut: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)

    def request(self, sent: Sent, secret: str) -> Delivery:
        """Return a request as this till signs it now."""
        provider = self.site.provider
        path = f"/hooks/{self.token}{sent.path}"
        scheme = provider.scheme
        stale = scheme.headers | scheme.secret_headers
        headers = {name: text for name, text in sent.headers.items() if name not in stale}
        bare = Delivery(sent.method, sent.path, "", headers, sent.body, PUBLIC_URL + path)
        proof = scheme.sign(bare, Secret(secret, default_kind(provider)), time.time())
        return Delivery(sent.method, path, "", headers | dict(proof), sent.body, bare.url)


def digests(bodies: list[bytes]) -> list[bytes]:
    """Return the digests under which bodies are staged."""
    return [sha256(body).digest() for body in bodies]


class Product:
    """One receiver that is started again whenever it was killed, and whoever settles."""

    def __init__(self, folder: Path, valkey: str) -> None:
        self._folder = folder
        self._valkey = valkey
        self._stack = ExitStack()
        self._running: hearing.Running | None = None
        self._marks = {name: folder / name.replace(" ", "_") for name in RECEIVER_POINTS}
        for mark in self._marks.values():
            mark.touch()  # not armed

    def close(self) -> None:
        """End the receiver."""
        self._stack.close()

    def _receiver(self) -> hearing.Running:
        if self._running is None or self._running.process.poll() is not None:
            self._stack.close()
            points = [
                Point(at=at, when=when, nth=0, once=str(self._marks[name]))
                for name, (at, when) in RECEIVER_POINTS.items()
            ]
            more: dict[str, Any] = {
                "REDIS_URL": self._valkey,
                "PUBLIC_URL": PUBLIC_URL,
                "DATABASE_DIRECT_URL": hearing.database_url(),
                "GJANGO_SOURCE_CACHE_SECONDS": "0.001",
                **environment(*points),
            }
            self._running = self._stack.enter_context(
                hearing.receiver(
                    self._folder, application="backend_gjango.asgi:application", **more
                )
            )
        return self._running

    def send(self, till: Till, sent: Sent, secret: str) -> int | None:
        """Send a request; return the status of the answer, None where there was none."""
        asked = till.request(sent, secret)
        running = self._receiver()
        try:
            answer = running.http.request(
                asked.method, asked.path, content=asked.body, headers=dict(asked.headers)
            )
        except httpx.HTTPError:
            with suppress(subprocess.TimeoutExpired):
                running.process.wait(10)
            return None
        return answer.status_code

    def kill_receiver_at(self, point: str) -> None:
        """Let the next delivery kill the receiver there."""
        self._receiver()
        self._marks[point].unlink()

    def disarm(self) -> None:
        """Take back what was armed and did not strike."""
        for mark in self._marks.values():
            mark.touch()

    def crash_settler(self, point: str, ids: list[UUID]) -> int:
        """Settle in a process of its own that is killed at a point; return its exit code."""
        at, when = SETTLER_POINTS[point]
        faulty = environment(Point(at=at, when=when))
        return subprocess.run(
            [sys.executable, "-c", _SETTLE, *map(str, ids)],
            env={**child_environment(), **faulty},
            cwd=hearing.ROOT,
            capture_output=True,
            check=False,
        ).returncode

    def flush(self) -> None:
        """Forget all wake-ups."""
        redis.Redis.from_url(self._valkey).flushall()

    def wake(self) -> None:
        """Settle as a worker that gets the messages which are there."""
        from tasks.test_wakeup import messages

        found = messages(self._valkey)
        self.flush()
        for message in found:
            settle_deliveries.fn(*message["args"])


@dataclass
class Business:
    """An account with a till of every provider, and a person who edits."""

    account: Account
    tills: list[Till]
    token: str
    client: Client = field(default_factory=Client)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask the API as an editor."""
        return self.client.generic(
            method,
            path,
            "" if body is None else body,
            "application/json",
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )


def open_business(number: int) -> Business:
    """Make an account with a connected till of every simulated provider that tells by itself.

    Nobody asks here; what is asked for is played in ``tasks/test_fetching_truth.py``.
    """
    account = Account.objects.create(slug=f"business-{number}", title="Business")
    with scoped([account.pk]):
        tills = [
            _connect(account, slug, number) for slug in sorted(SHOPS) if not SHOPS[slug].is_asked
        ]
    return Business(account, tills, issue(account, Role.EDITOR)[0])


def _connect(account: Account, slug: str, number: int) -> Till:
    source, secret = add_source(
        account, PROVIDERS[slug], secret=secret_of(slug, number), columns={"title": slug}
    )
    token = endpoints.token_of(source)
    assert token is not None
    assert secret is not None
    site = site_of(slug, account.pk, source.pk)
    return Till(site, source, token, secret, SHOPS[slug](exact=True))


def secret_of(slug: str, number: int) -> str:
    """Return a secret that fits every scheme."""
    return f"whsec_{number:032d}"


def rotate(till: Till, value: str, overlap: timedelta) -> None:
    """Replace the secret of a till's source."""
    with scoped([till.site.account_id]):
        rotate_secret(till.source, value, overlap=overlap)
