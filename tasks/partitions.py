"""Partitions of staging: what there is, and a home for rows that fell into the DEFAULT one.

A month cannot be made while its rows lie in DEFAULT, and staging is append-only. So no row is moved
under its readers: they are copied, in bounded transactions, into tables that nobody sees; one short
transaction then takes the last ones along, lets the months in and makes DEFAULT anew, empty. All of
it runs as the owner.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from psycopg import sql
from psycopg.errors import LockNotAvailable

#: Rows that one transaction copies.
PAGE = 200
#: How often the short transaction asks for its lock, for half a second each time.
TRIES = 20
_NIL = UUID(int=0)
_LIST = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid),
       pg_total_relation_size(c.oid), greatest(c.reltuples, 0)::int8
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'ingest_delivery'::regclass ORDER BY c.relname
"""
_FIRST = """
SELECT id, uuid_floor(%(month)s::timestamptz) FROM ingest_delivery_default
WHERE id >= uuid_floor(%(month)s::timestamptz) ORDER BY id LIMIT 1
"""
_COUNT = """
SELECT count(*) FROM ingest_delivery_default
WHERE id >= uuid_floor(%s::timestamptz) AND id < uuid_floor(%s::timestamptz)
"""
_COPY = """
WITH page AS MATERIALIZED (
  SELECT * FROM ingest_delivery_default
  WHERE id > %s AND id >= uuid_floor(%s) AND id < uuid_floor(%s) ORDER BY id LIMIT %s
), copied AS (INSERT INTO {beside} SELECT * FROM page ON CONFLICT (id) DO NOTHING)
SELECT id FROM page ORDER BY id DESC LIMIT 1
"""
#: By id and not from the last one on: ids are not committed in their order.
_REST = """
INSERT INTO {beside} SELECT * FROM ingest_delivery_default d
WHERE d.id >= uuid_floor(%s) AND d.id < uuid_floor(%s)
  AND NOT EXISTS (SELECT FROM {beside} b WHERE b.id = d.id)
"""
_ATTACH = """
ALTER TABLE {beside} RENAME TO {part};
ALTER TABLE ingest_delivery ATTACH PARTITION {part} FOR VALUES FROM ({since}) TO ({until});
ALTER TABLE {part} DROP CONSTRAINT of_its_month;
"""
#: DROP also detaches; what it drops was counted to be elsewhere in this same transaction.
_DROP_DEFAULT = "DROP TABLE ingest_delivery_default"
_NEW_DEFAULT = """
CREATE TABLE ingest_delivery_default (LIKE ingest_delivery INCLUDING ALL);
SELECT guard_partition('ingest_delivery_default'::regclass);
ALTER TABLE ingest_delivery ATTACH PARTITION ingest_delivery_default DEFAULT;
"""


class Taken(Exception):
    """A table has the name of a month's partition and is none: it was detached."""


class Busy(Exception):
    """Somebody held staging all the time. Nothing was changed; what is copied stays so."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as it is; ``rows`` are the planner's guess."""

    name: str
    bounds: str
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month that has rows in DEFAULT."""

    since: datetime
    until: datetime
    rows: int

    @property
    def name(self) -> str:
        """Return the name of its partition."""
        return f"ingest_delivery_{self.since:%Y%m}"


def partitions() -> list[Partition]:
    """Return all partitions of staging."""
    return [Partition(*row) for row in _rows(_LIST)]


def strays() -> list[Month]:
    """Return the months of what lies in DEFAULT, from one to the next by key."""
    return [Month(since, until, _rows(_COUNT, since, until)[0][0]) for since, until in _months()]


def _months() -> Iterator[tuple[datetime, datetime]]:
    behind = datetime.fromtimestamp(0, UTC)
    while found := _rows(_FIRST, {"month": behind}):
        received = datetime.fromtimestamp((found[0][0].int >> 80) / 1000, UTC)
        since = datetime(received.year, received.month, 1, tzinfo=UTC)
        behind = datetime(since.year + since.month // 12, since.month % 12 + 1, 1, tzinfo=UTC)
        yield since, behind


def rehome() -> list[Month]:
    """Give the rows in DEFAULT partitions of their months and return these.

    Interrupted, it goes on with what it had copied. Raises Taken or Busy.
    """
    months = strays()
    for month in months:
        _refuse_taken(month)
        _make_beside(month)
        _copy(month)
    if months:
        _insist(months)
    return months


def _refuse_taken(month: Month) -> None:
    if _rows("SELECT to_regclass(%s)", month.name)[0][0] is not None:
        raise Taken(month.name)


def _make_beside(month: Month) -> None:
    """Make the table that becomes the month's; ATTACH need not look, for it knows its bounds."""
    if _rows("SELECT to_regclass(%s)", f"{month.name}_rehomed")[0][0] is not None:
        return
    with transaction.atomic():
        _run("CREATE TABLE {beside} (LIKE ingest_delivery INCLUDING ALL)", month)
        _rows("SELECT guard_partition(%s::regclass)::text", f"{month.name}_rehomed")
        _run(
            "ALTER TABLE {beside} ADD CONSTRAINT of_its_month"
            " CHECK (id >= {since} AND id < {until})",
            month,
        )


def _copy(month: Month) -> None:
    after: UUID | None = _NIL
    while after is not None:
        found = _run(_COPY, month, after, month.since, month.until, PAGE)
        after = found[0][0] if found else None


def _insist(months: list[Month]) -> None:
    """Exchange as soon as nobody reads or stages for a moment."""
    for attempt in range(TRIES):
        try:
            _exchange(months)
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            time.sleep(min(0.1 * (attempt + 1), 1.0))
    raise Busy


def _exchange(months: list[Month]) -> None:
    """Let the months in, whole, and DEFAULT be empty, in one transaction."""
    with transaction.atomic():
        # Waiting for the lock makes every receiver wait behind us.
        _rows("SELECT set_config('lock_timeout', '500ms', true)")
        _run("LOCK TABLE ingest_delivery IN ACCESS EXCLUSIVE MODE")
        for month in months:
            _run(_REST, month, month.since, month.until)
        _check(months)
        _run(_DROP_DEFAULT)
        for month in months:
            for statement in filter(str.strip, _ATTACH.split(";")):
                _run(statement, month)
        for statement in filter(str.strip, _NEW_DEFAULT.split(";")):
            _run(statement)


def _check(months: list[Month]) -> None:
    """Raise Busy where DEFAULT has rows of a month that began meanwhile."""
    home = sum(int(_run("SELECT count(*) FROM {beside}", month)[0][0]) for month in months)
    if home != _rows("SELECT count(*) FROM ingest_delivery_default")[0][0]:
        raise Busy


def _run(statement: str, month: Month | None = None, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement with the names and bounds of a month in it."""
    return _rows(_named(statement, month), *parameters)


def _named(statement: str, month: Month | None) -> str:
    if month is None:
        return statement
    bounds = _rows("SELECT uuid_floor(%s), uuid_floor(%s)", month.since, month.until)[0]
    words = {
        "beside": sql.Identifier(f"{month.name}_rehomed"),
        "part": sql.Identifier(month.name),
        "since": sql.Literal(str(bounds[0])),
        "until": sql.Literal(str(bounds[1])),
    }
    return statement.format(**{name: word.as_string() for name, word in words.items()})


def _rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    given: Any = parameters[0] if parameters and isinstance(parameters[0], dict) else parameters
    with connection.cursor() as cursor:
        cursor.execute(statement, given or None)
        return list(cursor.fetchall()) if cursor.description else []
