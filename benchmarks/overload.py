"""Offered more than it can take: ``python -m benchmarks.overload``.

The receiver and PostgreSQL (and nginx) share one core and the senders have another, as if they
were far away.
The best rate is measured before each round, by the same senders with so few connections that they
wait for each other: the ratios are of one round, since what the machine can do changes. Times are
the server's own, from the last byte of a request to its answer; how late requests went out for want
of a free connection stands in a column of its own.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from backend_gjango import embedded
from tests import nginx
from tests.chaos import Mode, chaos
from tests.stack import free_port

from . import receipts
from .__main__ import GRANIAN
from .openloop import Offered, offer
from .places import Place, place, wait_for

#: Beyond any receiver: the connections bound it.
FLOOD = 40_000.0
#: Of the best rate.
SHARES = (0.5, 1.0, 2.0)
CONNECTIONS = 2048
FEW = 240
ROUNDS = 3
#: Seconds by which everything that passes to or from a slow database is late.
LATE = 0.05


@dataclass(slots=True)
class Seen:
    """The rounds of one scenario, by share of the best rate; memory in bytes."""

    best: list[float] = field(default_factory=list)
    offered: dict[float, list[Offered]] = field(default_factory=dict)
    ratios: dict[float, list[float]] = field(default_factory=dict)
    thrift: dict[float, list[float]] = field(default_factory=dict)
    memory: dict[float, int] = field(default_factory=dict)


class Watched:
    """Processor time and peak memory of the receiver, and the time of PostgreSQL with it."""

    def __init__(self, port: int, place: Place) -> None:
        listening = {
            one.pid
            for one in psutil.net_connections("tcp")
            if one.laddr and one.laddr.port == port and one.status == "LISTEN" and one.pid
        }
        pidfile = place.state.postgres_data / "postmaster.pid"
        postgres = psutil.Process(int(pidfile.read_text().split("\n", 1)[0]))
        self._receiver = [psutil.Process(pid) for pid in listening]
        self._all = [*self._receiver, postgres, *postgres.children()]

    def spent(self) -> float:
        """Return the seconds of processor time so far."""
        return sum(sum(one.cpu_times()[:2]) for one in self._all)

    @contextlib.contextmanager
    def peak(self) -> Iterator[list[int]]:
        """Keep the receiver's greatest resident memory of a block in the list."""
        found, over = [0], threading.Event()

        def look() -> None:
            while not over.wait(0.1):
                found[0] = max(found[0], sum(one.memory_info().rss for one in self._receiver))

        thread = threading.Thread(target=look)
        thread.start()
        yield found
        over.set()
        thread.join()


@contextlib.contextmanager
def _on(core: int) -> Iterator[set[int]]:
    """Start what is started inside on one core; where there is a single one, on that."""
    before = os.sched_getaffinity(0)
    wanted = {sorted(before)[core % len(before)]}
    os.sched_setaffinity(0, wanted)
    try:
        yield wanted
    finally:
        os.sched_setaffinity(0, before)


def _round(seen: Seen, watched: Watched, port: int, requests: list[bytes], seconds: float) -> None:
    with _on(1) as cores:
        before = watched.spent()
        # Fewer than nginx lets through: the best is to be without refusals.
        full = offer(port, requests, rate=FLOOD, seconds=seconds, connections=FEW, cores=cores)
        best, price = full.rate(), (watched.spent() - before) / len(full.took[200])
        seen.best.append(best)
        for share in SHARES:
            before = watched.spent()
            with watched.peak() as peak:
                got = offer(
                    port,
                    requests,
                    rate=best * share,
                    seconds=seconds,
                    connections=CONNECTIONS,
                    cores=cores,
                )
            spent = watched.spent() - before
            seen.offered.setdefault(share, []).append(got)
            seen.ratios.setdefault(share, []).append(got.rate() / best)
            taken = len(got.took.get(200, ()))
            seen.thrift.setdefault(share, []).append(taken * price / max(spent, 1e-9))
            seen.memory[share] = max(seen.memory.get(share, 0), peak[0])


def _scenario(
    where: Place,
    receiver: tuple[str, ...],
    source: dict[str, str],
    *,
    seconds: float,
    behind: str | None = None,
) -> Seen:
    """Measure a receiver; ``behind`` is the program of an nginx in front of it."""
    port, seen = free_port(), Seen()
    with contextlib.ExitStack() as stack:
        with _on(0):
            stack.enter_context(where.running((*receiver, "--port", str(port)), port=port))
            front = port if behind is None else stack.enter_context(_nginx(behind, port))
        requests = receipts.requests(source["path"], source["secret"], 4000)
        offer(front, requests, rate=1000, seconds=1, connections=64)
        watched = Watched(port, where)
        for _ in range(ROUNDS):
            _round(seen, watched, front, requests, seconds)
    return seen


@contextlib.contextmanager
def _nginx(program: str, receiver: int) -> Iterator[int]:
    """Run the nginx of deploy/ in front of a receiver, and give its port."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="gjn-") as name:
        behind = f"127.0.0.1:{receiver}"
        main = nginx.configuration(Path(name), port=port, receiver=behind, api=behind)
        with nginx.served(program, main, port):
            yield port


def measure(seconds: float) -> dict[str, Seen]:
    """Measure the receiver as it is, behind nginx, and with a slow database."""
    receiver = (*GRANIAN, "--backpressure", "16384", "backend_gjango.asgi:application")
    with contextlib.ExitStack() as stack:
        with _on(0):
            where = stack.enter_context(place())
        source = where.manage_json("source", "add", "standard", "--account", "bench")
        found = {"as it is": _scenario(where, receiver, source, seconds=seconds)}
        if (program := nginx.find()) is not None:
            found["behind nginx"] = _scenario(
                where, receiver, source, seconds=seconds, behind=program
            )
        network = stack.enter_context(chaos(f"{where.state.sockets}/.s.PGSQL.5432"))
        wait_for(network.port)
        network.set(Mode.LATENCY, LATE)
        where.environment["DATABASE_DIRECT_URL"] = (
            f"postgresql://{embedded.APP_ROLE}@127.0.0.1:{network.port}/{embedded.DATABASE}"
        )
        name = f"database {LATE:g} s late"
        found[name] = _scenario(where, receiver, source, seconds=seconds)
        return found


def table(found: dict[str, Seen]) -> str:
    """Return the medians of the rounds as Markdown; milliseconds and megabytes."""
    lines = [
        "| | offered | taken / best | per CPU second / best | 200 p50, p99 | 503 p50, p99 |"
        " no answer | without Retry-After | sent late p50, p99 | not sent | peak MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, seen in found.items():
        lines.append(f"| {name}: best {statistics.median(seen.best):,.0f}/s | | | | | | | | | | |")
        lines += [_line(seen, share) for share in SHARES]
    return "\n".join(lines)


def _line(seen: Seen, share: float) -> str:
    rounds = seen.offered[share]

    def middle(status: int, part: float) -> float:
        return statistics.median(one.percentile(status, part) for one in rounds)

    times = [f"{middle(status, 0.5):,.0f}, {middle(status, 0.99):,.0f}" for status in (200, 503)]
    ratio, thrift = (statistics.median(one[share]) for one in (seen.ratios, seen.thrift))
    silent = sum(len(one.took.get(0, ())) for one in rounds)
    bare, unsent = (sum(one) for one in zip(*((o.bare, o.unsent) for o in rounds), strict=True))
    late = ", ".join(
        f"{statistics.median(one.lateness(part) for one in rounds):,.0f}" for part in (0.5, 0.99)
    )
    memory = seen.memory[share] / 2**20
    return (
        f"| | {share:g} x | {ratio:.2f} | {thrift:.2f} | {times[0]} | {times[1]} |"
        f" {silent} | {bare} | {late} | {unsent} | {memory:.0f} |"
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each offer (4)")
    print(table(measure(parser.parse_args().seconds)))


if __name__ == "__main__":
    main()
