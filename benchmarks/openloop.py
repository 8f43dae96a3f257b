"""An open-loop load generator: what is offered does not depend on how it is answered.

A closed loop slows down with whom it measures and so never overloads anybody. Here each request
has its time; its latency counts from then, also where no connection was free. Bounded in time and
connections, to the loopback only, in processes of its own, on raw sockets and prepared bytes.
"""

import contextlib
import multiprocessing
import os
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

#: Seconds that a sender waits for its answer, as most providers do.
PATIENCE = 5.0


@dataclass(slots=True)
class Offered:
    """What one run saw: seconds by status, 0 where no answer came.

    ``inside`` counts the answers that came while requests were offered, ``bare`` the 503s without
    Retry-After, ``waits`` those with one, by its value.
    """

    seconds: float = 0.0
    asked: int = 0
    took: dict[int, list[float]] = field(default_factory=dict)
    inside: Counter[int] = field(default_factory=Counter)
    waits: Counter[int] = field(default_factory=Counter)
    bare: int = 0

    def rate(self, status: int = 200) -> float:
        """Return answers of a status per second, of those that came while it was offered."""
        return self.inside[status] / self.seconds

    def percentile(self, status: int, share: float) -> float:
        """Return a latency in milliseconds: 0.5 is the median."""
        ordered = sorted(self.took.get(status, ())) or [0.0]
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    def add(self, other: "Offered") -> None:
        """Take in what another process saw at the same time."""
        self.seconds = max(self.seconds, other.seconds)
        self.asked += other.asked
        for status, took in other.took.items():
            self.took.setdefault(status, []).extend(took)
        self.inside += other.inside
        self.waits += other.waits
        self.bare += other.bare


class _Line:
    """One keep-alive connection and the request that it carries."""

    __slots__ = ("buffer", "due", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.due = 0.0


class _Sender:
    def __init__(self, port: int, requests: Sequence[bytes], *, most: int) -> None:
        self._port = port
        self._requests = requests
        self._most = most
        self._idle: list[_Line] = []
        self._busy: set[_Line] = set()
        self._late: deque[float] = deque()
        self._selector = selectors.DefaultSelector()
        self._end = 0.0
        self.seen = Offered()

    def run(self, rate: float, seconds: float) -> Offered:
        """Offer ``rate`` requests a second for so many seconds, then wait for the last answers."""
        begun = time.perf_counter()
        self._end = begun + seconds
        total = int(rate * seconds)
        asked = 0
        while (now := time.perf_counter()) < begun + seconds + PATIENCE:
            while asked < total and begun + asked / rate <= now:
                self._late.append(begun + asked / rate)
                asked += 1
            self._send(now)
            if asked == total and not self._busy and not self._late:
                break
            self._receive(0.0 if self._late else 0.001)
        self.seen.seconds = seconds
        self.seen.asked = total
        unanswered = len(self._busy) + len(self._late)
        self.seen.took.setdefault(0, []).extend([PATIENCE] * unanswered)
        for line in (*self._idle, *self._busy):
            line.socket.close()
        return self.seen

    def _send(self, now: float) -> None:
        while self._late and now - self._late[0] > PATIENCE:
            self._late.popleft()
            self.seen.took.setdefault(0, []).append(PATIENCE)
        while self._late and (line := self._free()) is not None:
            line.due = self._late.popleft()
            self.seen.asked += 1
            self._busy.add(line)
            with contextlib.suppress(OSError):
                line.socket.send(self._requests[self.seen.asked % len(self._requests)])

    def _free(self) -> _Line | None:
        if self._idle:
            return self._idle.pop()
        if len(self._busy) >= self._most:
            return None
        with contextlib.suppress(OSError):
            line = _Line(self._port)
            self._selector.register(line.socket, selectors.EVENT_READ, line)
            return line
        return None

    def _receive(self, wait: float) -> None:
        for key, _ in self._selector.select(wait):
            line: _Line = key.data
            try:
                part = line.socket.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                part = b""
            line.buffer += part
            if not part:
                self._done(line, 0, stays=False)
            elif (end := line.buffer.find(b"\r\n\r\n")) >= 0:
                self._read(line, line.buffer[:end].lower(), end + 4)

    def _read(self, line: _Line, head: bytes, end: int) -> None:
        start = head.find(b"content-length:") + 15
        length = int(head[start:].split(b"\r\n", 1)[0])
        if len(line.buffer) < end + length:
            return
        status = int(head[9:12])
        if status == 503:
            at = head.find(b"retry-after:")
            if at < 0:
                self.seen.bare += 1
            else:
                self.seen.waits[int(head[at + 12 :].split(b"\r\n", 1)[0])] += 1
        self._done(line, status, stays=b"connection: close" not in head)

    def _done(self, line: _Line, status: int, *, stays: bool) -> None:
        if line in self._busy:
            self._busy.discard(line)
            now = time.perf_counter()
            self.seen.took.setdefault(status, []).append(now - line.due)
            self.seen.inside[status] += now <= self._end
        line.buffer = b""
        if stays:
            self._idle.append(line)
            return
        self._selector.unregister(line.socket)
        line.socket.close()
        with contextlib.suppress(ValueError):
            self._idle.remove(line)


def _one(
    port: int,
    requests: Sequence[bytes],
    plan: tuple[float, float, int],
    cores: Collection[int],
) -> Offered:
    if cores:
        os.sched_setaffinity(0, cores)
    rate, seconds, most = plan
    return _Sender(port, requests, most=most).run(rate, seconds)


def offer(
    port: int,
    requests: Sequence[bytes],
    *,
    rate: float,
    seconds: float,
    connections: int = 512,
    processes: int = 1,
    cores: Collection[int] = (),
) -> Offered:
    """Offer ``rate`` requests a second over at most so many connections; repeat the requests."""
    plan = (rate / processes, seconds, connections // processes)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        parts = [
            pool.submit(_one, port, requests[number::processes], plan, cores)
            for number in range(processes)
        ]
        whole = Offered()
        for part in parts:
            whole.add(part.result())
    return whole
