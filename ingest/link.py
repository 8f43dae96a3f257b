"""One connection to PostgreSQL that never makes anybody wait on a silent network.

Neither ``statement_timeout`` nor cancelling helps against a network that swallows everything
(psycopg then waits ten seconds more): a timer shuts the socket down, and the call fails at once.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from .limits import Limits

#: Both settings notice real packet loss within seconds, sending or waiting.
PARAMETERS: dict[str, Any] = {
    "tcp_user_timeout": 3000,
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "target_session_attrs": "read-write",
    "application_name": "gjango-receiver",
}
#: Errors of the state of the server rather than of the data: nothing was committed, ask again.
UNAVAILABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
)


class Link:
    """A lazily opened autocommit connection; after any trouble it is closed and opened anew."""

    def __init__(self, url: str, limits: Limits) -> None:
        self._url = url
        self._limits = limits
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None and not self._connection.closed

    async def fetch(self, query: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one prepared statement in a transaction of its own and return its rows.

        Raises psycopg.Error; after one of UNAVAILABLE the connection is closed.
        """
        try:
            connection = await self._open()
            with self._watched():
                cursor = await connection.execute(query, params, prepare=True, binary=True)
                return await cursor.fetchall()
        except UNAVAILABLE:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection, if there is one, without asking the server."""
        connection, self._connection = self._connection, None
        own, self._socket = self._socket, None
        if own is not None:
            own.close()
        if connection is not None:
            await connection.close()

    async def _open(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        await self.close()
        connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=self._limits.connect_seconds,
            **PARAMETERS,
        )
        self._connection = connection
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        with self._watched():
            await connection.execute(self._session())
        return connection

    def _session(self) -> sql.Composed:
        """Return the settings of a session, by SET: poolers refuse or ignore `options`."""
        settings = {
            "synchronous_commit": "on",
            "statement_timeout": f"{int(self._limits.statement_seconds * 1000)}ms",
            "lock_timeout": f"{int(self._limits.lock_seconds * 1000)}ms",
        }
        return sql.SQL("; ").join(
            sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in settings.items()
        )

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        timer = asyncio.get_running_loop().call_later(self._limits.database_seconds, self._cut)
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
