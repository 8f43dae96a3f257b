"""Statements with binary parameters, on Django's own connection and in its transaction."""

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

import psycopg
from django.db import connection

from . import options

_SCOPE = """
SELECT set_config('app.accounts', %b::text, true),
       set_config('statement_timeout', %b::text, true),
       set_config('lock_timeout', %b::text, true)
"""


def rows(statement: LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows. Raises Django's database errors.

    A cursor of our own: Django's binds on the client's side, as text, at three times the cost.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, binary=True)
        return cursor.fetchall() if cursor.description else []


def columns(table: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Turn rows into the arrays of ``unnest``."""
    return [list(column) for column in zip(*table, strict=True)]


def scope(accounts: Iterable[int]) -> None:
    """Show the running transaction these accounts, and bound how long it may wait.

    The bounds lie within the lease, so that nobody else takes the batch over meanwhile.
    """
    listed = "{" + ",".join(map(str, sorted(set(accounts)))) + "}"
    lease = options.lease()
    rows(_SCOPE, listed, f"{lease // 2}s", f"{max(lease // 6, 1)}s")


def scope_everything() -> None:
    """Show the running transaction the rows of all accounts."""
    scope(row[0] for row in rows("SELECT id FROM accounts_account"))
