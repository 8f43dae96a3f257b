"""What is measured while it runs: the backlog, the memory, the log of the database."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from .house import House

_PARTS = ("receiver", "api", "worker", "clock")
_MEMORY_EVERY = 5.0
#: Replays that settling itself began, for an event that was received earlier than known, count too.
_BACKLOG = """
SELECT (SELECT count(*) FROM ingest_inbox WHERE due_at < 'infinity')
     + (SELECT count(*) FROM tasks_replay WHERE state = 'running')
"""
_WAL = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"


@dataclass(slots=True)
class Gauges:
    """Measured once a second, memory more rarely. Memory is in MB, by part."""

    house: House
    backlog: int = 0
    peak: int = 0
    rss: dict[str, float] = field(default_factory=dict)
    pss: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Measure until cancelled."""
        memory_at = 0.0
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                self.backlog = await asyncio.to_thread(backlog, self.house)
                self.peak = max(self.peak, self.backlog)
            if time.monotonic() >= memory_at:
                await asyncio.to_thread(self._memory)
                memory_at = time.monotonic() + _MEMORY_EVERY
            await asyncio.sleep(1.0)

    def _memory(self) -> None:
        for part in _PARTS:
            sums = {"Rss": 0.0, "Pss": 0.0}
            for pid in self.house.pids(part):
                with contextlib.suppress(OSError):
                    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                        name = line.partition(":")[0]
                        if name in sums:
                            sums[name] += int(line.split()[1]) / 1024
            self.rss[part] = max(self.rss.get(part, 0.0), sums["Rss"])
            self.pss[part] = max(self.pss.get(part, 0.0), sums["Pss"])


def backlog(house: House) -> int:
    """Return how many deliveries wait to be settled."""
    return number(house, _BACKLOG)


def wal(house: House) -> int:
    """Return how many bytes of log were ever written."""
    return number(house, _WAL)


def number(house: House, query: str) -> int:
    """Ask the database for one number, past proxies and policies."""
    with house.servers.superuser() as connection:
        row = connection.execute(query).fetchone()
    return int(str(row[0])) if row else 0
