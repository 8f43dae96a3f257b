"""What the greatest deliveries cost the others: ``python -m benchmarks.giants``.

Orders of 600 KB, one in our own schema and one of Toast, and a CRM's form of 5 000 fields come in
turns, half a second apart, while small receipts of
another source come at a steady rate. Told are by how many megabytes a worker grew at its greatest,
and the p99 of the small ones' acks beside that of the same rate alone. Windows with and without
take turns, so that whatever else the machine does meets both.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_plus
from uuid import UUID

import psutil

from integrations import samples
from integrations.contract import Delivery, Secret
from integrations.toast import PROVIDER

from . import load, receipts
from .__main__ import GRANIAN, WORKER
from .places import PYTHON, Place, free_port, place

ORDER_BYTES, FIELDS = 600_000, 5_000
TOAST_SECRET = "a-secret-of-a-subscription"
#: What is allowed: growth of a worker in megabytes, and how many times the p99.
MOST_MEGABYTES, MOST_RATIO = 50.0, 2.0
_WARM = 400
_LEFT = "SELECT count(*) FROM ingest_inbox"
_FAILED = "SELECT count(*) FROM tasks_deadletter"
_RESET_PEAK = "5"


@dataclass(slots=True)
class Seen:
    """Milliseconds of each window, statuses of the giants, and megabytes that a worker grew."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    giants: Counter[int] = field(default_factory=Counter)
    grown: float = 0.0
    failed: int = 0

    def figures(self) -> dict[str, float]:
        """Return what was measured, by name."""
        alone, beside = statistics.median(self.alone), statistics.median(self.beside)
        return {
            "giants taken": self.giants[200],
            "giants not taken": self.giants.total() - self.giants[200],
            "dead letters": self.failed,
            "a worker grew by, MB": round(self.grown, 1),
            "small acks alone, p99 ms": round(alone, 1),
            "small acks beside, p99 ms": round(beside, 1),
            "p99 ratio": round(beside / max(alone, 0.1), 2),
        }


def order(path: str, secret: str) -> bytes:
    """Return a signed request with a receipt of about 600 KB and a thousand lines."""
    return receipts.request(path, secret, lambda number: receipts.order(number, ORDER_BYTES))


def toast_order(path: str, number: int) -> bytes:
    """Return a signed request with an order of Toast of 600 KB: the recorded one, whose check has
    its selections again and again."""
    body = json.loads(samples.load("toast")["order_updated__paid"].body)
    kept = body["details"]["order"]
    body["guid"] = kept["guid"] = str(UUID(int=number))
    check = kept["checks"][0]
    every = 2 + ORDER_BYTES // len(json.dumps(check["selections"][0]))
    check["selections"] = [
        check["selections"][n % 2] | {"guid": str(UUID(int=n + 1))} for n in range(every)
    ]
    sent = json.dumps(body).encode()
    delivery = Delivery("POST", "", "", {}, sent, "")
    proof = PROVIDER.scheme.sign(delivery, Secret(TOAST_SECRET), time.time())
    signed = (f"{name}: {value}" for name, value in proof.items())
    return receipts.posted(path, sent, "application/json", *signed)


def form(path: str, number: int) -> bytes:
    """Return a request with a hook about one lead, of 5 000 fields."""
    lead = {"id": str(number), "status_id": "142", "last_modified": str(int(time.time()))}
    named = [(f"leads[status][0][{name}]", value) for name, value in lead.items()]
    named += [("account[id]", "1"), ("account[subdomain]", "bench")]
    left = FIELDS - len(named)
    custom = "leads[status][0][custom_fields]"
    named += [(f"{custom}[{n}][values][0][value]", f"значение {n}") for n in range(left)]
    body = "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in named)
    return receipts.posted(path, body.encode(), "application/x-www-form-urlencoded")


def _workers(where: Place) -> list[psutil.Process]:
    """Return the processes of the workers of this place."""
    root = str(where.state.root)
    found = psutil.process_iter(["cmdline", "environ"])
    return [
        one
        for one in found
        if "tasks.worker" in (one.info["cmdline"] or ())
        and (one.info["environ"] or {}).get("GJANGO_STATE") == root
    ]


def _peak(process: psutil.Process) -> int:
    """Return the greatest resident memory since it was reset, in bytes."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _window(port: int, small: Sequence[bytes], rate: float) -> float:
    return load.run_paced(port, small, rate=rate).percentile(0.99)


def _send(port: int, giants: Sequence[bytes], seen: Seen, ended: threading.Event) -> None:
    """Send one giant after the other, half a second apart, until the window ends."""
    for one in giants:
        seen.giants += load.run(port, [one], connections=1, limit=30).statuses
        if ended.wait(0.5):
            break


def _settled(where: Place) -> None:
    while where.count(_LEFT):
        time.sleep(0.1)


def measure(*, windows: int, seconds: float, rate: float) -> Seen:
    """Run a receiver and a worker, warm them up, and let windows take turns."""
    seen, port = Seen(), free_port()
    with place() as where:
        till = where.manage_json("source", "add", "standard", "--account", "small")
        chain = where.manage_json("source", "add", "standard", "--account", "great")
        crm = where.manage_json(
            *("source", "add", "amocrm", "--account", "great"),
            *("--setting", "subdomain=bench.amocrm.ru"),
        )
        toast = where.manage_json(
            "source", "add", "toast", "--account", "great", "--secret", TOAST_SECRET
        )
        receiver = (*GRANIAN, "--port", str(port), "backend_gjango.asgi:application")
        with where.running(receiver, WORKER, (PYTHON, "manage.py", "clock"), port=port):
            warm = receipts.requests(till["path"], till["secret"], _WARM)
            load.run_paced(port, warm, rate=rate)
            _settled(where)
            before = {one: one.memory_info().rss for one in _workers(where)}
            for one in before:
                Path(f"/proc/{one.pid}/clear_refs").write_text(_RESET_PEAK)
            for number in range(windows):
                _take_turns(where, port, seen, (till, chain, crm, toast), number, seconds, rate)
            seen.grown = max(_peak(one) - rss for one, rss in before.items()) / 2**20
        seen.failed = where.count(_FAILED)
    return seen


def _take_turns(
    where: Place,
    port: int,
    seen: Seen,
    sources: Sequence[dict[str, str]],
    number: int,
    seconds: float,
    rate: float,
) -> None:
    till, chain, crm, toast = sources
    count = int(rate * seconds)
    alone, beside = (receipts.requests(till["path"], till["secret"], count) for _ in "ab")
    seen.alone.append(_window(port, alone, rate))
    _settled(where)
    giants = [
        giant
        for turn in range(1, int(seconds) + 2)
        for giant in (
            order(chain["path"], chain["secret"]),
            form(crm["path"], number * 1000 + turn),
            toast_order(toast["path"], number * 1000 + turn),
        )
    ]
    ended = threading.Event()
    sending = threading.Thread(target=_send, args=(port, giants, seen, ended))
    sending.start()
    seen.beside.append(_window(port, beside, rate))
    ended.set()
    sending.join()
    _settled(where)


def main() -> int:
    """Measure once and print the figures; 1 where more than allowed, or something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.giants", description=__doc__)
    parser.add_argument("--windows", type=int, default=3, help="of each sort (3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a window (10)")
    parser.add_argument("--rate", type=float, default=100.0, help="small receipts a second (100)")
    options = parser.parse_args()
    seen = measure(windows=options.windows, seconds=options.seconds, rate=options.rate)
    figures = seen.figures()
    print(json.dumps(figures))
    lost = figures["giants not taken"] or figures["dead letters"] or not figures["giants taken"]
    over = figures["a worker grew by, MB"] > MOST_MEGABYTES or figures["p99 ratio"] > MOST_RATIO
    return 1 if lost or over else 0


if __name__ == "__main__":
    sys.exit(main())
