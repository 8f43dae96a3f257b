"""``make bench``: one run on one machine, the same load for all, a table of ratios."""

import argparse
import json
import platform
import statistics
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from typing import Any

from sales.drafts import entity_id
from tests.stack import Stack, running

from . import limit, load, memory, paging, receipts
from .places import PYTHON, Place, free_port, place

GUNICORN = (
    PYTHON,
    "-m",
    "gunicorn",
    "--workers",
    "2",
    "--worker-class",
    "sync",
    "--log-level",
    "error",
    "--no-control-socket",
)
GRANIAN = (
    PYTHON,
    "-m",
    "granian",
    "--interface",
    "asgi",
    "--workers",
    "2",
    "--http",
    "1",
    "--no-ws",
    "--loop",
    "uvloop",
    "--log-level",
    "warning",
)
WORKER = (
    PYTHON,
    *"-m dramatiq tasks.worker --queues live fetch bulk --processes 1 --threads 2".split(),
    "--skip-logging",
)
NAIVE_WORKER = (
    PYTHON,
    "-m",
    "dramatiq",
    "benchmarks.naive.worker",
    "--processes",
    "2",
    "--threads",
    "1",
    "--skip-logging",
)


#: One in so many sales is looked for through the API.
EVERY = 200


@dataclass(slots=True)
class Report:
    """Everything that was measured, and the ratios of it."""

    seconds: float
    figures: dict[str, float] = field(default_factory=dict)
    setups: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float, setup: str = "") -> None:
        """Keep a figure and say it at once: a run takes minutes."""
        self.figures[name] = round(value, 3)
        if setup:
            self.setups[name] = setup
        print(f"  {name:<46}{value:>12,.1f}", file=sys.stderr, flush=True)


def _acks(report: Report, name: str, port: int, path: str, secret: str, *, setup: str) -> None:
    for connections in (32, 128):
        wanted = int(12_000 * report.seconds)
        requests = receipts.requests(path, secret, wanted)
        load.run(port, requests[:500], connections=connections, limit=2)
        got = load.run(port, requests[500:], connections=connections, limit=report.seconds)
        report.add(f"{name}, {connections} connections, acks/s", got.rate, setup)
        report.add(f"{name}, {connections} connections, p50 ms", got.percentile(0.5))
        report.add(f"{name}, {connections} connections, p99 ms", got.percentile(0.99))
        strange = {status: n for status, n in got.statuses.items() if status != 200}
        if strange:
            report.add(f"{name}, {connections} connections, not 200", sum(strange.values()))


def _baselines(report: Report, where: Place) -> None:
    port = free_port()
    gunicorn = (*GUNICORN, "--bind", f"127.0.0.1:{port}", "benchmarks.naive.wsgi")
    secret = where.environment["BENCH_SECRET"]
    with where.running(gunicorn, port=port):
        _acks(report, "Django view", port, "/plain", secret, setup=" ".join(gunicorn[1:]))
        _acks(report, "naive", port, "/naive", secret, setup=" ".join(gunicorn[1:]))
    port = free_port()
    noop = (*GRANIAN, "--port", str(port), "benchmarks.noop:application")
    with where.running(noop, port=port):
        _acks(report, "no-op", port, "/", secret, setup=" ".join(noop[1:]))
    _drain(
        report,
        "naive, settled/s",
        where,
        NAIVE_WORKER,
        left="SELECT count(*) FROM naive_delivery WHERE NOT settled",
        database="bench",
    )


def _drain(
    report: Report, name: str, where: Place, *commands: tuple[str, ...], left: str, database: str
) -> None:
    """Measure how fast a backlog shrinks, between two looks after the start-up."""
    with where.running(*commands):
        before = where.count(left, database)
        deadline = time.monotonic() + 30
        while where.count(left, database) >= before and time.monotonic() < deadline:
            time.sleep(0.1)
        start, begun = where.count(left, database), time.perf_counter()
        while where.count(left, database) and time.perf_counter() - begun < report.seconds * 2:
            time.sleep(0.2)
        done = start - where.count(left, database)
        report.add(name, done / (time.perf_counter() - begun), " ".join(commands[0][1:]))


def _ours(report: Report, where: Place) -> None:
    source = where.manage_json("source", "add", "standard", "--account", "bench")
    port = free_port()
    receiver = (*GRANIAN, "--port", str(port), "backend_gjango.asgi:application")
    setup = " ".join(receiver[1:])
    with where.running(receiver, port=port):
        _acks(report, "ours", port, source["path"], source["secret"], setup=setup)
    clock = (PYTHON, "manage.py", "clock")
    _drain(
        report,
        "ours, settled/s",
        where,
        WORKER,
        clock,
        left="SELECT count(*) FROM ingest_inbox",
        database="gjango",
    )
    report.add("SQL limit, deliveries/s", limit.rate(where), "bulk upserts of the same rows")


def _probe(
    stack: Stack, token: str, sent: list[tuple[str, float]], source: int, seen: list[float]
) -> None:
    """Ask for each sampled sale by its id until it is there."""
    for external_id, acked in sent:
        url = f"{stack.url}/sales/{entity_id(source, 'sale', external_id)}/"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        while time.perf_counter() - acked < 30:
            try:
                with urllib.request.urlopen(request, timeout=5):
                    seen.append(time.perf_counter() - acked)
                    break
            except urllib.error.HTTPError:
                # Asking oftener would measure how the API answers 404.
                time.sleep(0.05)


def _visibility(report: Report, rate: float) -> None:
    """Measure ack → visible with the whole stack running at a third of the settling rate."""
    begun = time.perf_counter()
    with running() as stack:
        report.add("first start, s", time.perf_counter() - begun)
        time.sleep(3)
        parts = memory.by_process(str(stack.state))
        for name, pss in sorted(parts.items(), key=lambda item: -item[1]):
            report.add(f"PSS MB: {name}", pss / 2**20)
        report.add("idle stack, PSS MB", sum(parts.values()) / 2**20)
        source: dict[str, Any] = stack.manage_json("source", "add", "standard", "--account", "b")
        token = stack.manage_json("token", "add", "--account", "b", "--role", "analyst")["token"]
        requests = receipts.requests(
            source["path"], source["secret"], int(rate / 3 * report.seconds * 2)
        )
        _sampled(report, stack, token, source, requests, rate / 3)
        read = paging.measure(stack, source, token, rate=100, seconds=report.seconds)
        report.add("ack p99 while lists are paged, ms", read.paged, "500 rows a page, 100 acks/s")
        report.add("ack p99 without, ms", read.quiet)
        _later_start(report, stack)


def _sampled(
    report: Report,
    stack: Stack,
    token: str,
    source: dict[str, Any],
    requests: list[bytes],
    rate: float,
) -> None:
    seen: list[float] = []
    sampled = [requests[index] for index in range(0, len(requests), EVERY)]
    rest = [request for index, request in enumerate(requests) if index % EVERY]
    pace = threading.Thread(
        target=lambda: results.append(load.run_paced(stack.port, rest, rate=rate * (1 - 1 / EVERY)))
    )
    results: list[load.Load] = []
    pace.start()
    probes = []
    for request in sampled:
        load.run(stack.port, [request], connections=1, limit=10)
        name = request.split(b'"data":{"id":"', 1)[1].split(b'"', 1)[0].decode()
        probe = threading.Thread(
            target=_probe,
            args=(stack, token, [(name, time.perf_counter())], int(source["id"]), seen),
        )
        probe.start()
        probes.append(probe)
        time.sleep(EVERY / rate)
    for probe in (*probes, pace):
        probe.join()
    ordered = sorted(seen)
    report.add("ack → visible, offered/s", rate, "make run's processes, all of them")
    report.add("ack → visible, sampled", len(ordered))
    report.add("ack → visible, p50 ms", statistics.median(ordered) * 1000)
    report.add("ack → visible, p99 ms", ordered[int(len(ordered) * 0.99)] * 1000)
    report.add("ack at that load, p99 ms", results[0].percentile(0.99))


def _later_start(report: Report, stack: Stack) -> None:
    stack.stop()
    begun = time.perf_counter()
    stack.start()
    report.add("later start, s", time.perf_counter() - begun)


RATIOS = (
    (
        "ack: ours / Django view",
        "ours, 128 connections, acks/s",
        "Django view, 128 connections, acks/s",
        "≥ 5",
    ),
    ("ack: ours / naive", "ours, 128 connections, acks/s", "naive, 128 connections, acks/s", ""),
    (
        "ack: ours / no-op",
        "ours, 128 connections, acks/s",
        "no-op, 128 connections, acks/s",
        "≥ 0.25, goal 0.35",
    ),
    ("settling: ours / naive", "ours, settled/s", "naive, settled/s", "≥ 10"),
    ("settling: ours / SQL limit", "ours, settled/s", "SQL limit, deliveries/s", "≥ 0.4"),
    (
        "ack p99: while lists are paged / without",
        "ack p99 while lists are paged, ms",
        "ack p99 without, ms",
        "≤ 2",
    ),
)


def table(report: Report) -> str:
    """Return the ratios and the figures as Markdown."""
    lines = [
        f"Python {platform.python_version()}, {platform.machine()}",
        "",
        "| ratio | measured | wanted |",
        "|---|---|---|",
    ]
    for name, ours, other, wanted in RATIOS:
        value = report.figures[ours] / max(report.figures[other], 1e-9)
        lines.append(f"| {name} | {value:.2f} | {wanted} |")
    lines += ["", "| figure | value |", "|---|---|"]
    lines += [f"| {name} | {value:,.1f} |" for name, value in report.figures.items()]
    lines += ["", "| contender | configuration |", "|---|---|"]
    seen = dict.fromkeys((name.split(",")[0], setup) for name, setup in report.setups.items())
    return "\n".join([*lines, *(f"| {name} | `{setup}` |" for name, setup in seen)])


def main() -> None:
    """Run every contender in turn and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each ack run (6)")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the table")
    options = parser.parse_args()
    report = Report(options.seconds)
    with place() as where:
        _baselines(report, where)
        _ours(report, where)
    _visibility(report, report.figures["ours, settled/s"])
    print(json.dumps(asdict(report)) if options.json else table(report))


if __name__ == "__main__":
    main()
