"""A bounded load generator: keep-alive connections that each send the next prepared request.

Raw sockets and prepared bytes, because it shares the cores with what it measures. It sends to the
loopback only, at most the requests it is given.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Load:
    """What one run saw. Latencies in seconds, in no order."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return 200s per second."""
        return self.statuses[200] / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Return a latency in milliseconds: 0.5 is the median."""
        ordered = sorted(self.latencies) or [0.0]
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read one answer; return its status and whether the connection stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    start = lower.find(b"content-length:")
    if start >= 0:
        await reader.readexactly(int(lower[start + 15 : lower.index(b"\r\n", start)]))
    return int(head[9:12]), start >= 0 and b"connection: close" not in lower


async def _connection(port: int, requests: Iterator[bytes], load: Load, deadline: float) -> None:
    writer = None
    for request in requests:
        if time.perf_counter() > deadline:
            break
        begun = time.perf_counter()
        if writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        status, stays = await _answer(reader)
        load.latencies.append(time.perf_counter() - begun)
        load.statuses[status] += 1
        if not stays:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()


async def _run(port: int, requests: Sequence[bytes], connections: int, limit: float) -> Load:
    load = Load()
    shared = iter(requests)
    begun = time.perf_counter()
    await asyncio.gather(
        *(_connection(port, shared, load, begun + limit) for _ in range(connections))
    )
    load.seconds = time.perf_counter() - begun
    return load


def run(port: int, requests: Sequence[bytes], *, connections: int, limit: float) -> Load:
    """Send the requests over so many connections, for at most ``limit`` seconds."""
    try:
        import uvloop

        return uvloop.run(_run(port, requests, connections, limit))
    except ImportError:
        return asyncio.run(_run(port, requests, connections, limit))


async def _paced(port: int, requests: Sequence[bytes], rate: float) -> Load:
    """Offer requests at a steady rate over 32 connections, whatever the answers take."""
    load = Load()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (request := await queue.get()) is not None:
            begun = time.perf_counter()
            writer.write(request)
            status, _ = await _answer(reader)
            load.latencies.append(time.perf_counter() - begun)
            load.statuses[status] += 1
        writer.close()

    workers = [asyncio.create_task(worker()) for _ in range(32)]
    begun = time.perf_counter()
    for index, request in enumerate(requests):
        wait = begun + index / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        queue.put_nowait(request)
    for _ in workers:
        queue.put_nowait(None)
    await asyncio.gather(*workers)
    load.seconds = time.perf_counter() - begun
    return load


def run_paced(port: int, requests: Sequence[bytes], *, rate: float) -> Load:
    """Offer the requests at ``rate`` a second."""
    return asyncio.run(_paced(port, requests, rate))
