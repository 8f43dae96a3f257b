"""``python -m benchmarks.verifying``: ``verify`` on many deliveries: whole, resumed, and the news.

Deliveries, events and attempts are made by SQL as the superuser of an installation of its own: as
if each delivery had held one event that no sale came of. They are narrow, so that many fit; what a
pass takes on wide ones is the reading of their bodies besides.
"""

import argparse
import json
import time
from dataclasses import dataclass
from typing import Any

import psycopg

from backend_gjango import embedded
from tests.stack import Stack, running

from .replaying import say

#: Rows of one transaction while they are made.
PAGE = 200_000
#: The lines that walk along what is only added to.
APPENDED = ("I2.content", "I3.ledger", "I3.outcomes", "I3.settled", "I13.headers")
_STAGE = """
INSERT INTO ingest_delivery (received_at, account_id, source_id, origin, method, path, query,
                             content_type, headers, body, sha256, redacted)
SELECT now() - interval '1 hour', {account}, {source}, 'push', 'POST', '', '', 'application/json',
       '', body, sha256(body), ''
FROM (SELECT convert_to('{{"id":"' || n || '"}}', 'UTF8') AS body
      FROM generate_series({first}, {last}) AS n) AS made
RETURNING id, sha256
"""
_MAKE = (
    "WITH d AS ("
    + _STAGE
    + """), e AS (
  INSERT INTO tasks_event (account_id, source_id, key, sha256, type, delivery_id, created_at)
  SELECT {account}, {source}, id::text, sha256, 'shift', id, now() - interval '1 hour' FROM d)
INSERT INTO tasks_attempt (account_id, source_id, delivery_id, position, number, type, key, outcome,
                           mapper, error, path, created_at)
SELECT {account}, {source}, id, 0, 1, 'shift', id::text, 'ignored', 1, '', '',
       now() - interval '1 hour' FROM d
"""
)


@dataclass(frozen=True, slots=True)
class House:
    """An installation with one source, and its database as the superuser sees it."""

    stack: Stack
    account: int
    source: int
    database: psycopg.Connection[Any]

    def make(self, first: int, count: int) -> float:
        """Make deliveries with their events and attempts; return for how long (seconds)."""
        begun = time.perf_counter()
        for start in range(first, first + count, PAGE):
            last = min(start + PAGE, first + count) - 1
            made = _MAKE.format(account=self.account, source=self.source, first=start, last=last)
            self.database.execute(made)
            say(f"made {last + 1 - first} of {count}")
        self.database.execute("ANALYZE ingest_delivery, tasks_event, tasks_attempt")
        return time.perf_counter() - begun

    def verify(self, *arguments: str) -> tuple[float, dict[str, Any]]:
        """Run the command; return its seconds and what it told, line by line."""
        begun = time.perf_counter()
        told = json.loads(self.stack.manage("verify", *arguments, "--json", check=False))
        return time.perf_counter() - begun, {one["id"]: one for one in told["checks"]}


def measure(house: House, *, deliveries: int, budget: float) -> dict[str, float]:
    """Measure whole passes in portions, then of nothing new and of one delivery in a hundred."""
    making = house.make(0, deliveries)
    portions, longest, whole = 0, 0.0, 0.0
    left = {"before the first portion"}
    while left:
        # Each portion is a process of its own, which takes up where the last one ended.
        seconds, told = house.verify("--budget", str(budget))
        left = (left if portions else set(told)) - {n for n, one in told.items() if one["complete"]}
        portions, longest, whole = portions + 1, max(longest, seconds), whole + seconds
        say(f"portion {portions}: {seconds:.0f} s, not yet whole: {len(left)}")
    broken = [name for name, one in told.items() if one["state"] == "FAILED"]
    nothing, _ = house.verify()
    say(f"nothing new: {nothing:.1f} s")
    news = deliveries // 100
    house.make(deliveries, news)
    little, told = house.verify()
    return {
        "deliveries": deliveries,
        "made in, s": round(making),
        "whole pass, s": round(whole),
        "portions": portions,
        "budget, s": budget,
        "longest portion, s": round(longest, 1),
        "nothing new, s": round(nothing, 1),
        "new deliveries": news,
        "with them, s": round(little, 1),
        "rows examined then": sum(told[name]["examined"] for name in APPENDED),
        "broken lines": len(broken),
    }


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verifying", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=1_000_000, help="to make (1000000)")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of a portion (60)")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of a table")
    options = parser.parse_args()
    # The clock would verify as well.
    with running({"VERIFY_EVERY": "0"}) as stack:
        source = stack.manage_json("source", "add", "standard", "--account", "bench")
        url = embedded.State(stack.state).database_url(embedded.SUPERUSER, embedded.DATABASE)
        with psycopg.connect(url, autocommit=True) as database:
            ((account,),) = database.execute("SELECT id FROM accounts_account").fetchall()
            house = House(stack, account, int(source["id"]), database)
            figures = measure(house, deliveries=options.deliveries, budget=options.budget)
    lines = ["| figure | value |", "|---|---|", *(f"| {k} | {v:,} |" for k, v in figures.items())]
    print(json.dumps(figures) if options.json else "\n".join(lines))


if __name__ == "__main__":
    main()
