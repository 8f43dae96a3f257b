"""A proxy that does to a connection what networks and crashed servers do, on command.

It stands between two of our processes, over TCP on the loopback, in front of TCP or a Unix
socket. It runs on a thread of its own, so that a test stays plain synchronous code.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Iterator
from enum import StrEnum

#: A Unix socket's path, or a host and a port.
Upstream = str | tuple[str, int]


class Mode(StrEnum):
    """What happens to bytes and connections from now on."""

    PASS = "pass"
    LATENCY = "latency"  # every piece arrives so many seconds later
    REFUSE = "refuse"  # nobody listens, and open connections are reset
    RESET = "reset"  # open connections are reset once; new ones pass
    BLACKHOLE = "blackhole"  # accepts and acknowledges everything, answers nothing
    CUT = "cut"  # with this probability a piece arrives by half and the connection ends


class Chaos:
    """One proxied port. ``set`` may be called from any thread."""

    def __init__(self, upstream: Upstream, *, seed: int = 0) -> None:
        self._upstream = upstream
        self._mode, self._amount = Mode.PASS, 0.0
        self._random = random.Random(seed)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._listens = threading.Event()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def set(self, mode: Mode, amount: float = 0.0) -> None:
        """Change the mode; ``amount`` is seconds of latency, or the probability of a cut."""
        asyncio.run_coroutine_threadsafe(self._set(mode, amount), self._loop).result(5)

    @property
    def connections(self) -> int:
        """How many connections pass through now."""
        return len(self._writers) // 2

    async def _set(self, mode: Mode, amount: float) -> None:
        self._mode, self._amount = mode, amount
        self._changed.set()
        self._changed = asyncio.Event()
        if mode is Mode.REFUSE and self._server is not None:
            self._server.close()
            self._server = None
        elif mode is not Mode.REFUSE:
            await self._listen()
        if mode in (Mode.REFUSE, Mode.RESET):
            for writer in list(self._writers):
                _reset(writer)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            there, back = await self._dial()
        except OSError:
            _reset(writer)
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._writers -= {writer, back}

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, str):
            return await asyncio.open_unix_connection(self._upstream)
        return await asyncio.open_connection(*self._upstream)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, OSError):
            while data := await reader.read(65536):
                if self._mode is Mode.LATENCY:
                    await asyncio.sleep(self._amount)
                while self._mode is Mode.BLACKHOLE:
                    await self._changed.wait()
                if self._mode is Mode.CUT and self._random.random() < self._amount:
                    writer.write(data[: len(data) // 2])
                    break
                writer.write(data)
                await writer.drain()
        writer.close()

    def run(self) -> None:
        """Serve until ``stop``: the body of the proxy's thread."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._listens.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    def wait(self, limit: float) -> None:
        """Wait until it listens, at most so long (seconds)."""
        assert self._listens.wait(limit)

    def stop(self) -> None:
        """Make ``run`` return."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            _reset(writer)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, as a crashed machine does."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.contextmanager
def chaos(upstream: Upstream) -> Iterator[Chaos]:
    """Run a proxy in front of a server until the block ends."""
    proxy = Chaos(upstream)
    thread = threading.Thread(target=proxy.run, name="chaos", daemon=True)
    thread.start()
    # Whoever changes the mode before would have it listen twice.
    proxy.wait(5)
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join(5)
