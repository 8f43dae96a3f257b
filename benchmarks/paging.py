"""Do acks wait while a client pages long lists? Their p99 with such a client and without.

Windows with and without it take turns, so that whatever else the machine does meets both. Run as
a program it is the client: a process of its own, as reading must not slow who measures.
"""

import http.client
import json
import select
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.stack import ROOT, Stack

from . import load, receipts
from .places import PYTHON

#: The longest page there is.
FIRST = "/sales/?limit=500"


@dataclass(slots=True)
class Paging:
    """The p99 of each window in milliseconds, and how many pages the client has read."""

    without: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    pages: int = 0

    @property
    def quiet(self) -> float:
        """The p99 without the client: the middle window."""
        return statistics.median(self.without)

    @property
    def paged(self) -> float:
        """The p99 while lists are paged: the best window, as a busy machine makes none better."""
        return min(self.during)


def measure(
    stack: Stack, source: Mapping[str, Any], token: str, *, rate: float, seconds: float
) -> Paging:
    """Offer receipts at a steady rate in three windows of each sort."""
    found = Paging()
    for _ in range(3):
        found.without.append(_window(stack, source, rate, seconds))
        client = subprocess.Popen(
            [PYTHON, "-m", "benchmarks.paging", stack.url, token],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            found.during.append(_window(stack, source, rate, seconds))
            out, _ = client.communicate(timeout=60)
        finally:
            client.kill()
        found.pages += int(out)
    return found


def _window(stack: Stack, source: Mapping[str, Any], rate: float, seconds: float) -> float:
    wanted = receipts.requests(source["path"], source["secret"], int(rate * seconds))
    return load.run_paced(stack.port, wanted, rate=rate).percentile(0.99)


def _read(url: str, token: str) -> int:
    """Page through the list, again and again, until stdin ends; return how many pages."""
    host = urlsplit(url).netloc
    connection, path, pages = http.client.HTTPConnection(host, timeout=60), FIRST, 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        page = json.loads(connection.getresponse().read())
        path = page["next"] or FIRST
        pages += 1
    return pages


if __name__ == "__main__":
    print(_read(*sys.argv[1:]))
