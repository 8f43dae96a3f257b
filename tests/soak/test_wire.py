"""The client tells apart how an exchange can fail: the report depends on it."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest

from . import wire
from .wire import Wire

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"body"):
        writer.write(_OK)


async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client gives up


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"body")
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def ask(peer: Peer | None, times: int = 1) -> tuple[list[tuple[int, str]], int]:
    """Return status and cause of each exchange, and how many connections the server saw."""
    seen, ended = 0, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        try:
            assert peer is not None
            await peer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if peer is None:
        server.close()
        await asyncio.sleep(0.05)  # the loop closes the socket at its next turn
    client = Wire("127.0.0.1", port)
    answers = [
        await client.exchange("POST", "/hooks/x", headers={"A": "b"}, body=b"body")
        for _ in range(times)
    ]
    client.close()
    server.close()
    if peer is not None:
        await asyncio.wait_for(ended.wait(), 5)
    return [(one.status, one.cause) for one in answers], seen


@pytest.mark.parametrize(
    ("peer", "wanted"),
    [
        (answer, (200, "")),
        (keep_silent, (0, "timeout")),
        (reset, (0, "reset")),
        (None, (0, "refused")),
    ],
)
def test_every_end_of_an_exchange_has_its_name(
    peer: Peer | None, wanted: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 0.3)

    assert asyncio.run(ask(peer))[0] == [wanted]


def test_a_connection_is_used_again() -> None:
    answers, connections = asyncio.run(ask(answer, times=3))

    assert answers == [(200, "")] * 3
    assert connections == 1
