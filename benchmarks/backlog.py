"""A backlog of one account, and what it costs the others: ``python -m benchmarks.backlog``.

The backlog is staged by SQL, with the wake-ups that a receiver would have rung, in the order of
the deliveries. While workers drain it, single deliveries of other accounts, and of its own, are
staged and rung for. Nothing else runs: the sweep does not help.
"""

import argparse
import hashlib
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import redis
from dramatiq.brokers.redis import RedisBroker

from backend_gjango import embedded
from ingest.staging import Row, stage
from tasks.wakeup import MESSAGE_IDS, message

from . import receipts
from .__main__ import WORKER
from .places import Place, place

#: Other accounts; each is heard of once in so many seconds.
OTHERS = 10
EVERY = 2.0
_LEFT = "SELECT count(*) FROM ingest_inbox"
_HEADERS = b"content-type: application/json\r\n"
_numbers = itertools.count(10**12)


@dataclass(slots=True)
class Drained:
    """Rows per second and the seconds that single deliveries waited, by whose they were."""

    deliveries: int
    rate: float = 0.0
    waits: dict[str, list[float]] = field(default_factory=dict)
    heap_only: float = 0.0

    def line(self) -> str:
        """Return the figures as text."""
        told = [f"{self.deliveries:,} deliveries, {self.rate:,.0f} settled/s"]
        for name, waits in self.waits.items():
            ordered = sorted(waits) or [0.0]
            told.append(
                f"{name}: {len(waits)} waited {ordered[len(ordered) // 2]:.2f} s (median),"
                f" {ordered[-1]:.2f} s (longest)"
            )
        told.append(f"HOT updates of the inbox {self.heap_only:.0%}")
        return "; ".join(told)


class Till:
    """Stages deliveries of sources past the receiver, and rings for them."""

    def __init__(self, where: Place) -> None:
        url = where.state.database_url(embedded.APP_ROLE)
        self._database = psycopg.connect(url, autocommit=True)
        self._broker = RedisBroker(
            client=redis.Redis.from_url(where.state.redis_url), middleware=[]
        )  # type: ignore[no-untyped-call]

    def stage(self, source: tuple[int, int], count: int) -> list[UUID]:
        """Stage so many receipts of a source (account, id) in one commit."""
        bodies = [receipts.body(next(_numbers)) for _ in range(count)]
        rows = [
            Row(
                *(*source, "push", "POST", "", b"", "application/json", _HEADERS, body),
                hashlib.sha256(body).digest(),
            )
            for body in bodies
        ]
        with self._database.cursor() as cursor:
            return stage(cursor, rows)

    def ring(self, ids: Sequence[UUID]) -> None:
        """Tell the workers, in as many messages as the receiver would."""
        for start in range(0, len(ids), MESSAGE_IDS):
            self._broker.enqueue(message(ids[start : start + MESSAGE_IDS]))

    def waiting(self, ids: Sequence[UUID]) -> set[UUID]:
        """Return those that are not settled."""
        found = self._database.execute(
            "SELECT delivery_id FROM ingest_inbox WHERE delivery_id = ANY(%s)", [list(ids)]
        )
        return {row[0] for row in found}


def _sources(where: Place) -> list[tuple[int, int]]:
    for number in range(OTHERS + 1):
        where.manage_json("source", "add", "standard", "--account", f"account-{number}")
    found = where.rows("SELECT account_id, id FROM accounts_source ORDER BY id")
    return [(int(str(account)), int(str(source))) for account, source in found]


def _watch(where: Place, till: Till, seen: Drained, sources: Sequence[tuple[int, int]]) -> None:
    """Stage single deliveries and note how long each waits, until the backlog is gone."""
    started: dict[UUID, tuple[str, float]] = {}
    due = itertools.cycle([*sources[1:], sources[0]])
    begun = at = time.monotonic()
    before, left = where.count(_LEFT), 1
    while left > len(started):
        now = time.monotonic()
        if now >= at:
            source, at = next(due), at + EVERY / len(sources)
            name = "its own newest" if source == sources[0] else "others' newest"
            ids = till.stage(source, 1)
            till.ring(ids)
            started[ids[0]] = (name, now)
        still = till.waiting(list(started))
        for one in started.keys() - still:
            name, since = started.pop(one)
            seen.waits.setdefault(name, []).append(time.monotonic() - since)
        left = where.count(_LEFT)
        time.sleep(0.02)
    seen.rate = before / (time.monotonic() - begun)


def measure(deliveries: int, *, workers: int = 1) -> Drained:
    """Stage a backlog of one account and drain it with so many worker processes."""
    seen = Drained(deliveries)
    command = list(WORKER)
    command[command.index("--processes") + 1] = str(workers)
    with place() as where:
        sources = _sources(where)
        till = Till(where)
        for start in range(0, deliveries, 2000):
            till.ring(till.stage(sources[0], min(2000, deliveries - start)))
        with where.running(command):
            before = where.count(_LEFT)
            while where.count(_LEFT) >= before:
                time.sleep(0.02)
            _watch(where, till, seen, sources)
        updates = "sum(n_tup_hot_upd)::float8 / greatest(sum(n_tup_upd), 1)"
        found: Any = where.rows(
            f"SELECT {updates} FROM pg_stat_user_tables WHERE relname = 'ingest_inbox'"
        )
        seen.heap_only = float(found[0][0])
    return seen


def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backlog", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=200_000, help="the backlog (200000)")
    parser.add_argument("--workers", type=int, default=1, help="processes of two threads (1)")
    options = parser.parse_args()
    print(measure(options.deliveries, workers=options.workers).line())


if __name__ == "__main__":
    main()
