"""One scenario through the whole product, in this process: deliver, settle, edit, replay, sweep.

Whoever acts repeats until told that it is done, as senders, people and operators do, and notes
that in a journal, so that after a crash another process goes on where this one was.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.test import Client

from accounts.models import Source
from accounts.rls import scoped
from ingest.receiver import Application, ReceiverConfig, create_app
from sales.drafts import entity_id
from tasks import actors, replays
from tasks.clock import Clock
from tasks.wakeup import Doorbell
from tests.catalogue.till import envelope, proof, refund, sale
from tests.hearing import database_url

from .injection import leases_end, waiting

#: How often anybody tries again before the test gives up.
PATIENCE = 8
BODIES = {
    "sale": sale(number="1"),
    "refund": refund(),
    "customer": envelope("customer.created", {"id": "c1", "name": "Анна"}),
}
CREATED = {"id": "by-hand", "occurred_at": "2026-09-14T12:00:00Z", "currency": "RUB", "total": "5"}


@dataclass(slots=True)
class Scenario:
    """A source, a person with a token, and what was acknowledged so far."""

    source: Source
    address: str
    token: str
    redis_url: str
    journal: Path
    #: Answers of the API and the receiver, the last ones included.
    statuses: set[int] = field(default_factory=set)

    def acknowledged(self) -> set[str]:
        """Return what somebody was told to be done."""
        return set(self.journal.read_text().split()) if self.journal.exists() else set()

    def run(self) -> None:
        """Do what is not done yet, in order."""
        steps: dict[str, Callable[[], bool]] = {
            "delivered": self._deliver,
            "settled": self._settle,
            "swept": self._sweep,
            "edited": self._edit,
            "created": self._create,
            "replayed": self._replay,
            "swept-again": self._sweep,
        }
        for name, step in steps.items():
            for _ in range(PATIENCE):
                if name in self.acknowledged():
                    break
                if step():
                    self._note(name)
            assert name in self.acknowledged(), f"{name} was never done: {self.statuses}"

    def _note(self, name: str) -> None:
        with self.journal.open("a") as file:
            file.write(f"{name}\n")

    def _deliver(self) -> bool:
        bell = Doorbell(self.redis_url, limit_seconds=2.0)
        config = ReceiverConfig(
            database_url=database_url(),
            keys=settings.GJANGO_KEYS,
            public_url="https://hooks.example",
            on_staged=bell.ring,
        )
        asyncio.run(self._send_all(create_app(config)))
        bell.close(5)
        return BODIES.keys() <= self.acknowledged()

    async def _send_all(self, receiver: Application) -> None:
        async with _Living(receiver):
            for name in BODIES.keys() - self.acknowledged():
                for _ in range(PATIENCE):
                    status = await _send(receiver, self.address, name)
                    self.statuses.add(status)
                    if status == 200:
                        self._note(name)
                        break

    def _settle(self) -> bool:
        """Take what the doorbell has left, as a worker does; nothing there is no failure."""
        for message in waiting(self.redis_url):
            close_old_connections()
            actors.settle_deliveries.fn(*json.loads(message)["args"])
            close_old_connections()
        return True

    def _sweep(self) -> bool:
        clock = Clock()
        clock._tick()
        clock._leadership.step_down()
        return not clock._away

    def _ask(self, method: str, path: str, body: object, **headers: str) -> int:
        close_old_connections()
        answer = _client().generic(
            method,
            path,
            json.dumps(body).encode(),
            "application/json",
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )
        close_old_connections()
        self.statuses.add(answer.status_code)
        return answer.status_code

    def _edit(self) -> bool:
        key = entity_id(self.source.pk, "sale", "s1")
        status = self._ask("PATCH", f"/sales/{key}/", {"number": "77"})
        if status == 404:  # its settling was cut off: the clock comes round again
            leases_end()
            self._sweep()
        return status == 200

    def _create(self) -> bool:
        status = self._ask("POST", "/sales/", CREATED, **{"Idempotency-Key": "once"})
        return status in (200, 201)

    def _replay(self) -> bool:
        try:
            replays.replay([deliveries(self.source)[0][0]])
        except (DatabaseError, InterfaceError):
            close_old_connections()
            return False
        return True


def deliveries(source: Source) -> list[tuple[UUID, bytes]]:
    """Return id and digest of what is staged of a source, oldest first."""
    with scoped([source.account_id]), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, sha256 FROM ingest_delivery WHERE source_id = %s ORDER BY id", [source.pk]
        )
        return [(row[0], bytes(row[1])) for row in cursor.fetchall()]


@cache
def _client() -> Client:
    """Return the client of all runs: loading the middlewares takes longer than a request."""
    return Client(raise_request_exception=False)


Message = MutableMapping[str, Any]


class _Living:
    """The lifespan of an ASGI application around a block."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        scope = {"type": "lifespan"}
        life: Awaitable[None] = self._application(scope, self._events.get, self._answers.put)
        self._task = asyncio.ensure_future(life)
        await self._events.put({"type": "lifespan.startup"})
        await self._answers.get()

    async def __aexit__(self, *_: object) -> None:
        await self._events.put({"type": "lifespan.shutdown"})
        await self._answers.get()
        if self._task is not None:
            await self._task


async def _send(receiver: Application, address: str, name: str) -> int:
    """Send a body as a provider does, signed anew; return the status."""
    body, said = BODIES[name], []
    pairs = [(key.encode(), value.encode()) for key, value in proof(body, name=name).items()]
    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": address.encode(),
        "query_string": b"",
        "headers": [*pairs, (b"content-length", b"%d" % len(body))],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    await receiver(scope, receive, send)
    return int(said[0]["status"])
