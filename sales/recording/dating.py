"""When owned parts were received: the first time that their statement came, in whatever order.

The day of a refund that tells no time is the day of its receipt, so this is no mere remark.
"""

from collections.abc import Collection
from uuid import UUID

from .arrays import Cursor, texts, uuids
from .fold import MONEY, Row

_SENT = "WITH e(id, received_at) AS (SELECT id, at::timestamptz FROM unnest(%b, %b) AS u(id, at))"
_LATER = "p.sale_id = e.id AND p.owned AND p.received_at > e.received_at"
_TABLES = ("sales_payment", "sales_refund")
_FIND = f"{_SENT} " + " UNION ".join(
    f"SELECT p.sale_id FROM {table} p JOIN e ON {_LATER}" for table in _TABLES
)
_PAYMENTS, _REFUNDS = (
    f"{_SENT} UPDATE {table} p SET received_at = e.received_at, updated_at = clock_timestamp()"
    f" FROM e WHERE {_LATER} RETURNING p.id"
    for table in _TABLES
)


def later(cursor: Cursor, rows: Collection[Row]) -> set[UUID]:
    """Return the sales whose parts, of the same statement, are dated later than here."""
    return {row[0] for row in _rows(cursor, _FIND, rows)}


def date_earlier(cursor: Cursor, rows: Collection[Row]) -> set[UUID]:
    """Date the parts of sales that are locked by this receipt; return the refunds among them."""
    _rows(cursor, _PAYMENTS, rows)
    return {row[0] for row in _rows(cursor, _REFUNDS, rows)}


def _rows(cursor: Cursor, statement: str, rows: Collection[Row]) -> list[tuple[UUID]]:
    if not rows:
        return []
    times = [row.regs[MONEY].parts.received for row in rows]
    return cursor.rows(statement, uuids([row.id for row in rows]), texts(times))
