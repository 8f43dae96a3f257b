"""An open-loop load generator: what is offered does not depend on how it is answered.

A closed loop slows down with whom it measures and so never overloads anybody. Here each request
has its time. How late it went out, for want of a free connection or of the sender's own processor,
is told apart from how long the server had it: from its last byte into the socket until the kernel
had the answer. Bounded in time and connections, to the loopback only, in processes of its own, on
raw sockets and prepared bytes.
"""

import contextlib
import multiprocessing
import os
import selectors
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

#: Seconds that a sender waits for its answer, as most providers do.
PATIENCE = 5.0
#: Linux: when the kernel had what is read, in seconds and nanoseconds of the wall clock.
SO_TIMESTAMPNS = 35
_STAMP = struct.Struct("@qq")


@dataclass(slots=True)
class Offered:
    """What one run saw: seconds at the server by status, 0 where no answer came.

    ``late`` are the seconds by which requests went out after their time, ``unsent`` counts those
    that did not go out at all: the server never saw them. ``inside`` counts the answers that came
    while requests were offered, ``bare`` the 503s without Retry-After, ``waits`` those with one,
    by its value.
    """

    seconds: float = 0.0
    asked: int = 0
    unsent: int = 0
    late: list[float] = field(default_factory=list)
    took: dict[int, list[float]] = field(default_factory=dict)
    inside: Counter[int] = field(default_factory=Counter)
    waits: Counter[int] = field(default_factory=Counter)
    bare: int = 0

    def rate(self, status: int = 200) -> float:
        """Return answers of a status per second, of those that came while it was offered."""
        return self.inside[status] / self.seconds

    def percentile(self, status: int, share: float) -> float:
        """Return a latency in milliseconds: 0.5 is the median."""
        return _percentile(self.took.get(status, ()), share)

    def lateness(self, share: float) -> float:
        """Return by how many milliseconds requests went out late: 0.5 is the median."""
        return _percentile(self.late, share)

    def add(self, other: "Offered") -> None:
        """Take in what another process saw at the same time."""
        self.seconds = max(self.seconds, other.seconds)
        self.asked += other.asked
        self.unsent += other.unsent
        self.late += other.late
        for status, took in other.took.items():
            self.took.setdefault(status, []).extend(took)
        self.inside += other.inside
        self.waits += other.waits
        self.bare += other.bare


def _percentile(seconds: Collection[float], share: float) -> float:
    ordered = sorted(seconds) or [0.0]
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


class _Line:
    """One keep-alive connection and since when (wall clock) it carries a request."""

    __slots__ = ("buffer", "sent", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.buffer = b""
        self.sent = 0.0


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
        """Offer ``rate`` requests a second for so many seconds, then wait for the last answers.

        Nothing is sent after those seconds: what has not gone out by then was never asked.
        """
        self._open()
        begun = time.time()
        self._end = begun + seconds
        total = int(rate * seconds)
        due = 0
        while (now := time.time()) < self._end:
            while due < total and begun + due / rate <= now:
                self._late.append(begun + due / rate)
                due += 1
            self._send(now)
            self._receive(0.0 if self._late else 0.001)
        while self._busy and time.time() < self._end + PATIENCE:
            self._receive(0.01)
        self.seen.seconds = seconds
        self.seen.unsent += total - due + len(self._late)
        self.seen.took.setdefault(0, []).extend([PATIENCE] * len(self._busy))
        for line in (*self._idle, *self._busy):
            line.socket.close()
        return self.seen

    def _open(self) -> None:
        """Open all connections before the clock runs: keep-alive senders had theirs already."""
        self._idle = [line for _ in range(self._most) if (line := self._connected())]

    def _send(self, now: float) -> None:
        while self._late and now - self._late[0] > PATIENCE:
            self._late.popleft()
            self.seen.unsent += 1
        while self._late and (line := self._free()) is not None:
            self.seen.asked += 1
            self._busy.add(line)
            with contextlib.suppress(OSError):
                line.socket.send(self._requests[self.seen.asked % len(self._requests)])
            line.sent = time.time()
            self.seen.late.append(line.sent - self._late.popleft())

    def _free(self) -> _Line | None:
        if self._idle:
            return self._idle.pop()
        return None if len(self._busy) >= self._most else self._connected()

    def _connected(self) -> _Line | None:
        with contextlib.suppress(OSError):
            line = _Line(self._port)
            self._selector.register(line.socket, selectors.EVENT_READ, line)
            return line
        return None

    def _receive(self, wait: float) -> None:
        for key, _ in self._selector.select(wait):
            line: _Line = key.data
            try:
                part, notes, _, _ = line.socket.recvmsg(65536, 64)
            except BlockingIOError:
                continue
            except OSError:
                part, notes = b"", []
            line.buffer += part
            at = _stamp(notes)
            if not part:
                self._done(line, 0, at=at, stays=False)
            elif (end := line.buffer.find(b"\r\n\r\n")) >= 0:
                self._read(line, line.buffer[:end].lower(), end + 4, at=at)

    def _read(self, line: _Line, head: bytes, end: int, *, at: float) -> None:
        start = head.find(b"content-length:") + 15
        length = int(head[start:].split(b"\r\n", 1)[0])
        if len(line.buffer) < end + length:
            return
        status = int(head[9:12])
        if status == 503:
            named = head.find(b"retry-after:")
            if named < 0:
                self.seen.bare += 1
            else:
                self.seen.waits[int(head[named + 12 :].split(b"\r\n", 1)[0])] += 1
        self._done(line, status, at=at, stays=b"connection: close" not in head)

    def _done(self, line: _Line, status: int, *, at: float, stays: bool) -> None:
        if line in self._busy:
            self._busy.discard(line)
            self.seen.took.setdefault(status, []).append(max(at - line.sent, 0.0))
            self.seen.inside[status] += at <= self._end
        line.buffer = b""
        if stays:
            self._idle.append(line)
            return
        self._selector.unregister(line.socket)
        line.socket.close()
        with contextlib.suppress(ValueError):
            self._idle.remove(line)


def _stamp(notes: Sequence[tuple[int, int, bytes]]) -> float:
    """Return when the kernel had what was read; now where it does not say."""
    for _, kind, value in notes:
        if kind == SO_TIMESTAMPNS:
            whole, rest = _STAMP.unpack(value)
            return float(whole + rest / 1e9)
    return time.time()


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
