"""A small HTTP client over persistent connections, which tells apart how an exchange can fail."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

#: Seconds a provider waits for an answer once the body is sent.
PATIENCE = 5.0
_CONNECT = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` 0 is no answer; ``cause`` says why. ``seconds`` from the last byte sent."""

    status: int
    cause: str
    seconds: float
    body: bytes = b""


class Wire:
    """Connections to one server, as many as there are requests at once."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def exchange(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send one request and wait for its answer, at most as long as a provider does."""
        try:
            reader, writer = await self._connection()
        except (OSError, TimeoutError):
            return Answer(0, "refused", 0.0)
        sent = time.monotonic()
        try:
            writer.write(_head(method, path, headers=headers, length=len(body)) + body)
            async with asyncio.timeout(PATIENCE):
                await writer.drain()
                sent = time.monotonic()
                status, keep, text = await _answer(reader)
        except TimeoutError:
            writer.transport.abort()
            return Answer(0, "timeout", time.monotonic() - sent)
        except (OSError, EOFError, ValueError):
            writer.transport.abort()
            return Answer(0, "reset", time.monotonic() - sent)
        if keep:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return Answer(status, "", time.monotonic() - sent, text)

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not writer.is_closing() and not reader.at_eof():
                return reader, writer
            writer.close()
        async with asyncio.timeout(_CONNECT):
            return await asyncio.open_connection(self._host, self._port)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            _, writer = self._idle.pop()
            writer.transport.abort()


def _head(method: str, path: str, *, headers: Mapping[str, str], length: int) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", "Host: soak", f"Content-Length: {length}", *lines, "", ""]
    ).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
    """Read one answer with a Content-Length. Raises ValueError where it is none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    text = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(first.split(" ", 2)[1]), headers.get("connection") != "close", text
