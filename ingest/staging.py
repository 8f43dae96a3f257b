"""The doors into staging: rows as binary arrays, one statement, ids in the rows' order; and one
answer of a provider at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import psycopg

#: Binary arrays (``%b``): text arrays cost three times as much client time.
STAGE = (
    "SELECT delivery_id, digest FROM stage_deliveries(%b::int8[], %b::int8[], %b::text[],"
    " %b::text[], %b::text[], %b::bytea[], %b::text[], %b::bytea[], %b::bytea[], %b::bytea[],"
    " %b::text[], %b::int8[])"
)
#: For a batch in which something brings a secret: it is kept in the same statement.
STAGE_BRINGING = (
    "SELECT delivery_id, digest FROM stage_bringing(%b::int8[], %b::int8[], %b::text[],"
    " %b::text[], %b::text[], %b::bytea[], %b::text[], %b::bytea[], %b::bytea[], %b::bytea[],"
    " %b::text[], %b::text[], %b::bytea[], %b::int8[])"
)
STAGE_ANSWER = (
    "SELECT stage_answer(%b::int8, %b::int8, %b::text, %b::bytea, %b::timestamptz,"
    " %b::timestamptz, %b::int8, %b::uuid)"
)


class Row(NamedTuple):
    """One delivery to be staged; the fields are the arguments of ``stage_deliveries()``.

    ``brought`` is a secret that it brings for a merchant, encrypted; None for most.
    """

    account_id: int
    source_id: int
    origin: str
    method: str
    path: str
    query: bytes
    content_type: str
    headers: bytes
    body: bytes
    sha256: bytes
    redacted: str = ""
    merchant: str | None = None
    brought: bytes | None = None

    @property
    def size(self) -> int:
        """The bytes that count against the bounds of a batch."""
        return len(self.body) + len(self.headers) + len(self.query) + len(self.path) + 256


class AnswerRow(NamedTuple):
    """What a provider answered us; the fields are the arguments of ``stage_answer()``.

    ``read_at`` is when we asked, by the database's clock; ``over`` is in microseconds.
    """

    account_id: int
    source_id: int
    origin: str
    body: bytes
    read_at: datetime
    date: datetime | None = None
    over: int | None = None
    cause: UUID | None = None


class OrderLost(Exception):
    """The database gave back other digests than it was given."""


class HasConnection(Protocol):
    """A cursor of psycopg, or Django's wrapper around one."""

    @property
    def connection(self) -> Any: ...


def staging(rows: Sequence[Row], held: Collection[int] = ()) -> tuple[str, list[list[Any]]]:
    """Return the statement that stages rows, and its arrays. ``held`` are sources that wait."""
    arrays = [*map(list, zip(*rows, strict=True))]
    if any(one.brought is not None for one in rows):
        return STAGE_BRINGING, [*arrays, list(held)]
    return STAGE, [*arrays[:-2], list(held)]


def in_order(rows: Sequence[Row], returned: Sequence[Sequence[Any]]) -> list[UUID]:
    """Return the ids in the order of the rows.

    RETURNING keeps the order, but nobody promises it: where it did not, equal digests are told
    apart by nothing, so any of their ids will do. Raises OrderLost.
    """
    if [row.sha256 for row in rows] == [digest for _, digest in returned]:
        return [identifier for identifier, _ in returned]
    by_digest: dict[bytes, list[UUID]] = {}
    for identifier, digest in returned:
        by_digest.setdefault(bytes(digest), []).append(identifier)
    try:
        return [by_digest[row.sha256].pop() for row in rows]
    except (KeyError, IndexError) as error:
        raise OrderLost("the ids returned do not belong to the rows") from error


def stage(cursor: HasConnection, rows: Sequence[Row], *, held: Collection[int] = ()) -> list[UUID]:
    """Stage rows in the caller's transaction and return their ids, in order."""
    if not rows:
        return []
    # A cursor of our own: Django's binds on the client's side, as text.
    with psycopg.Cursor(cursor.connection) as own:
        own.execute(*staging(rows, held), binary=True)
        return in_order(rows, own.fetchall())


def stage_answer(cursor: HasConnection, row: AnswerRow) -> UUID:
    """Stage an answer in the caller's transaction and return its id."""
    with psycopg.Cursor(cursor.connection) as own:
        own.execute(STAGE_ANSWER, row, binary=True)
        ids: list[tuple[UUID]] = own.fetchall()
    return ids[0][0]
