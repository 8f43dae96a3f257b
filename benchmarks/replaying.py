"""``python -m benchmarks.replaying``: do live sales wait for a replay? Visibility with and without.

The whole product runs as ``make run`` starts it. A sample is the time from the answer to the row
that a query finds; the ratio of the p99s is what counts.
"""

import argparse
import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from backend_gjango import embedded
from sales.drafts import entity_id
from tests.stack import Stack, running

from . import load, receipts

#: Seconds between two samples, and the longest wait for one.
EVERY = 0.03
LONGEST = 30.0
#: Seconds at most for which the replay then goes on without live sales.
ALONE = 30.0
PENDING = "SELECT count(*) FROM ingest_inbox"


@dataclass(frozen=True, slots=True)
class Target:
    """One source of a running stack, and a way to look into its tables."""

    stack: Stack
    source: int
    path: str
    secret: str
    database: psycopg.Connection[tuple[object, ...]]

    def number(self, query: str) -> int:
        """Return the one number of a query."""
        row = self.database.execute(query).fetchone()  # type: ignore[call-overload]
        return int(row[0])

    def fill(self, deliveries: int) -> None:
        """Stage a history of receipts, and wait until it is settled."""
        say(f"staging {deliveries}")
        history = receipts.requests(self.path, self.secret, deliveries)
        load.run(self.stack.port, history, connections=32, limit=3600)
        say(f"settled in {self.wait(PENDING, 3600):.0f} s more")

    def wait(self, query: str, limit: float) -> float:
        """Wait until a query counts nothing; return for how long (seconds)."""
        begun = time.perf_counter()
        while self.number(query) and time.perf_counter() - begun < limit:
            time.sleep(0.2)
        return time.perf_counter() - begun


def _sample(target: Target, request: bytes) -> float:
    """Send one receipt and return the seconds until its sale can be read."""
    load.run(target.stack.port, [request], connections=1, limit=10)
    acked = time.perf_counter()
    name = request.split(b'"data":{"id":"', 1)[1].split(b'"', 1)[0].decode()
    key = entity_id(target.source, "sale", name)
    found = "SELECT count(*) FROM sales_sale WHERE id = %s"
    while time.perf_counter() - acked < LONGEST:
        if target.database.execute(found, [key]).fetchone() == (1,):
            break
        time.sleep(0.002)
    return time.perf_counter() - acked


def visibility(target: Target, *, rate: float, seconds: float) -> list[float]:
    """Return sorted samples of ack → visible under a steady load."""
    wanted = receipts.requests(target.path, target.secret, int(rate * seconds))
    pace = threading.Thread(
        target=load.run_paced, args=(target.stack.port, wanted), kwargs={"rate": rate}
    )
    pace.start()
    seen = []
    while pace.is_alive():
        (request,) = receipts.requests(target.path, target.secret, 1)
        seen.append(_sample(target, request))
        time.sleep(EVERY)
    pace.join()
    return sorted(seen)


def milliseconds(seen: list[float], share: float) -> float:
    """Return a quantile of sorted seconds in milliseconds."""
    return round(seen[min(int(len(seen) * share), len(seen) - 1)] * 1000, 1)


def measure(target: Target, *, deliveries: int, rate: float, seconds: float) -> dict[str, float]:
    """Stage and settle a history, then measure without and with a replay of all of it."""
    target.fill(deliveries)
    calm = visibility(target, rate=rate, seconds=seconds)
    target.wait(PENDING, 60)
    run = target.stack.manage_json("replay", "--detach")["replay"]
    done = f"SELECT done FROM tasks_replay WHERE id = {run}"
    begun, before = time.perf_counter(), target.number(done)
    busy = visibility(target, rate=rate, seconds=seconds)
    replayed = (target.number(done) - before) / (time.perf_counter() - begun)
    begun, before = time.perf_counter(), target.number(done)
    target.wait(f"SELECT count(*) FROM tasks_replay WHERE id = {run} AND state = 'running'", ALONE)
    alone = (target.number(done) - before) / (time.perf_counter() - begun)
    target.stack.manage("replay", "cancel", str(run))
    return {
        "deliveries": deliveries,
        "offered/s": rate,
        "samples": len(calm) + len(busy),
        "replayed/s": round(replayed, 1),
        "replayed/s without live sales": round(alone, 1),
        **{f"calm p{n:g} ms": milliseconds(calm, n / 100) for n in (50, 99)},
        **{f"replaying p{n:g} ms": milliseconds(busy, n / 100) for n in (50, 99)},
        "p99 ratio": round(milliseconds(busy, 0.99) / max(milliseconds(calm, 0.99), 0.1), 2),
    }


def say(text: str) -> None:
    """Tell how far a run of minutes is."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def target_of() -> Iterator[Target]:
    """Run the whole product with one source of an account of its own."""
    with running() as stack:
        source = stack.manage_json("source", "add", "standard", "--account", "bench")
        url = embedded.State(stack.state).database_url(embedded.SUPERUSER, embedded.DATABASE)
        with psycopg.connect(url, autocommit=True) as database:
            yield Target(stack, int(source["id"]), source["path"], source["secret"], database)


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replaying", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=100_000, help="to replay (100000)")
    parser.add_argument("--rate", type=float, default=60.0, help="live deliveries a second (60)")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each phase (60)")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of a table")
    options = parser.parse_args()
    with target_of() as target:
        figures = measure(
            target, deliveries=options.deliveries, rate=options.rate, seconds=options.seconds
        )
    lines = ["| figure | value |", "|---|---|", *(f"| {k} | {v:,} |" for k, v in figures.items())]
    print(json.dumps(figures) if options.json else "\n".join(lines))


if __name__ == "__main__":
    main()
