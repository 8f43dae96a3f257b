"""One connection to PostgreSQL that never makes anybody wait on a silent network.

Neither ``statement_timeout`` nor cancelling helps against a network that swallows everything
(psycopg then waits ten seconds more): whoever watches shuts the socket down, and the call fails at
once. The calls block and belong into a thread; only ``cut_overdue`` is for others.
"""

import contextlib
import os
import socket
import time
from collections.abc import Sequence
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
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._socket: socket.socket | None = None
        #: When the call at hand is overdue, None between calls.
        self._deadline: float | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None and not self._connection.closed

    def fetch(self, query: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one prepared statement in a transaction of its own and return its rows.

        Raises psycopg.Error; after one of UNAVAILABLE the connection is closed.
        """
        try:
            connection = self._open()
            self._deadline = time.monotonic() + self._limits.database_seconds
            cursor = connection.execute(query, params, prepare=True, binary=True)
            return cursor.fetchall()
        except UNAVAILABLE:
            self.close()
            raise
        finally:
            self._deadline = None

    def close(self) -> None:
        """Close the connection, if there is one, without asking the server."""
        connection, self._connection = self._connection, None
        own, self._socket = self._socket, None
        if own is not None:
            own.close()
        if connection is not None:
            connection.close()

    def cut_overdue(self) -> None:
        """End a call that has waited too long, from any thread."""
        deadline, own = self._deadline, self._socket
        if deadline is not None and deadline < time.monotonic() and own is not None:
            with contextlib.suppress(OSError):
                own.shutdown(socket.SHUT_RDWR)

    def _open(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        self.close()
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=self._limits.connect_seconds,
            **PARAMETERS,
        )
        self._connection = connection
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._deadline = time.monotonic() + self._limits.database_seconds
        connection.execute(self._session())
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
