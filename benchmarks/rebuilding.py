"""``python -m benchmarks.rebuilding``: how fast a rebuild is, in how much memory, and who waits.

The whole product runs as ``make run`` starts it, live sales arrive at a steady rate.
"""

import argparse
import json
import subprocess
import sys
import threading
import time

import psutil

from tests.stack import ROOT, Stack

from .replaying import Target, milliseconds, say, target_of, visibility


def _watch(stack: Stack, found: dict[str, float]) -> None:
    """Run ``rebuild`` to its end; keep its seconds, its exit code and its greatest memory."""
    begun, peak = time.perf_counter(), 0
    command = [sys.executable, "manage.py", "rebuild", "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, env=stack.environment, stdout=subprocess.DEVNULL
    ) as running:
        watched = psutil.Process(running.pid)
        while running.poll() is None:
            peak = max(peak, watched.memory_info().rss)
            time.sleep(0.1)
    found |= {"seconds": time.perf_counter() - begun, "code": running.returncode, "rss": peak}


def measure(target: Target, *, deliveries: int, rate: float, seconds: float) -> dict[str, float]:
    """Stage and settle a history, then measure without and with a rebuild of all of it."""
    target.fill(deliveries)
    calm = visibility(target, rate=rate, seconds=seconds)
    found: dict[str, float] = {}
    watching = threading.Thread(target=_watch, args=(target.stack, found))
    watching.start()
    busy: list[float] = []
    while watching.is_alive():
        busy += visibility(target, rate=rate, seconds=5)
    busy.sort()
    say("rebuilt")
    return {
        "deliveries": deliveries,
        "offered/s": rate,
        "exit code": found["code"],
        "rebuild, s": round(found["seconds"], 1),
        "rebuild, deliveries/s": round(deliveries / found["seconds"], 1),
        "rebuild, greatest RSS MB": round(found["rss"] / 2**20, 1),
        "calm p99 ms": milliseconds(calm, 0.99),
        "rebuilding p99 ms": milliseconds(busy, 0.99),
        "p99 ratio": round(milliseconds(busy, 0.99) / max(milliseconds(calm, 0.99), 0.1), 2),
    }


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebuilding", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=100_000, help="in staging (100000)")
    parser.add_argument("--rate", type=float, default=60.0, help="live deliveries a second (60)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the calm phase (30)")
    options = parser.parse_args()
    with target_of() as target:
        figures = measure(
            target, deliveries=options.deliveries, rate=options.rate, seconds=options.seconds
        )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
