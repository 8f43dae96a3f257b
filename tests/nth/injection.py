"""What happens to the n-th call that the product makes to PostgreSQL or Redis.

A connection that is lost is really lost: its socket is shut down, so that psycopg finds out as it
would in production. Lost *after* the call means that the server has done it and nobody heard.
"""

import contextlib
import itertools
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import psycopg
import pytest
import redis

from tests.hearing import database_url


class Strike(StrEnum):
    """What happens at the n-th call."""

    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


#: As they are when nothing is injected.
_EXECUTE = psycopg.Cursor.execute
_EXECUTE_ASYNC = psycopg.AsyncCursor.execute
_COMMIT = psycopg.Connection.commit
_COMMAND: Callable[..., Any] = redis.Redis.execute_command


class Injection:
    """Counts calls while it is armed, and strikes at some; ``struck`` says at what, by number."""

    def __init__(self, strikes: Mapping[int, Strike]) -> None:
        self._strikes = strikes
        self._calls = itertools.count(1)
        self.struck: dict[int, str] = {}

    @contextlib.contextmanager
    def armed(self) -> Iterator[None]:
        """Let every call of this process pass through here until the block ends."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Cursor, "execute", self._cursor())
            patch.setattr(psycopg.AsyncCursor, "execute", self._async_cursor())
            patch.setattr(psycopg.Connection, "commit", self._commit())
            patch.setattr(redis.Redis, "execute_command", self._redis())
            yield

    def _next(self, call: object) -> Strike | None:
        number = next(self._calls)
        strike = self._strikes.get(number)
        if strike is not None:
            self.struck[number] = " ".join(str(call).split())[:100]
        if strike is Strike.KILLED_BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        return strike

    def _cursor(self) -> Callable[..., Any]:
        def execute(cursor: psycopg.Cursor[Any], query: Any, *args: Any, **more: Any) -> Any:
            strike = self._next(query)
            if strike is None:
                return _EXECUTE(cursor, query, *args, **more)
            if strike is not Strike.LOST_BEFORE:
                _EXECUTE(cursor, query, *args, **more)
                _die_if(strike)
            _lose(cursor.connection)
            # What psycopg says now is what it says in production.
            return _EXECUTE(cursor, query, *args, **more)

        return execute

    def _async_cursor(self) -> Callable[..., Any]:
        async def execute(
            cursor: psycopg.AsyncCursor[Any], query: Any, *args: Any, **more: Any
        ) -> Any:
            strike = self._next(query)
            if strike is None:
                return await _EXECUTE_ASYNC(cursor, query, *args, **more)
            if strike is not Strike.LOST_BEFORE:
                await _EXECUTE_ASYNC(cursor, query, *args, **more)
                _die_if(strike)
            _lose(cursor.connection)
            return await _EXECUTE_ASYNC(cursor, query, *args, **more)

        return execute

    def _commit(self) -> Callable[..., None]:
        def commit(connection: psycopg.Connection[Any]) -> None:
            strike = self._next("COMMIT")
            if strike is None:
                _COMMIT(connection)
                return
            if strike is not Strike.LOST_BEFORE:
                _COMMIT(connection)
                _die_if(strike)
            _lose(connection)
            _EXECUTE(psycopg.Cursor(connection), "SELECT 1")

        return commit

    def _redis(self) -> Callable[..., Any]:
        def command(client: redis.Redis, *args: Any, **options: Any) -> Any:
            strike = self._next(args[0])
            if strike is None:
                return _COMMAND(client, *args, **options)
            if strike is not Strike.LOST_BEFORE:
                _COMMAND(client, *args, **options)
                _die_if(strike)
            raise redis.ConnectionError("injected")

        return command


def leases_end() -> None:
    """Let the time pass that a killed or cut off settler's claim lasts; counts as no call."""
    with psycopg.connect(database_url(), autocommit=True) as own:
        past = "UPDATE ingest_inbox SET due_at = now() - interval '1 minute'"
        _EXECUTE(psycopg.Cursor(own), past)


def waiting(redis_url: str) -> list[bytes]:
    """Return the messages that wait for a worker; counts as no call."""
    client = redis.Redis.from_url(redis_url)
    found = _COMMAND(client, "HVALS", "dramatiq:live.msgs")
    client.close()
    return list(found)


def _lose(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def _die_if(strike: Strike) -> None:
    if strike is Strike.KILLED_AFTER:
        os.kill(os.getpid(), signal.SIGKILL)
