"""Business days anew, when a zone or a cut-off changes: a setting is no statement."""

from collections.abc import Iterator
from uuid import UUID

from .recording import derive, locks
from .recording.arrays import Cursor, integers, uuids
from .recording.tables import REFUND, SALE, Table

#: Rows held and recomputed by one statement.
BATCH = 500
_NONE = UUID(int=0)
_PAGE = """
SELECT id FROM {table} WHERE {column} = ANY(%b) AND id > %b ORDER BY id LIMIT {limit}
"""


def hold_days(source_id: int) -> None:
    """Wait for whoever settles a source, and let nobody begin before the commit.

    To be taken before the row of a setting is: a settler has this lock first as well.
    """
    locks.own_days(Cursor(), [source_id])


def redate_location(location_id: UUID) -> int:
    """Derive the days of a location's sales and refunds anew; return how many rows changed.

    Must run in the transaction that changes the setting, with the scope set: whoever settles the
    same source waits until it commits, and none is left with the old day.
    """
    cursor = Cursor()
    sources = cursor.rows("SELECT source_id FROM sales_location WHERE id = %b", location_id)
    locks.own_days(cursor, [row[0] for row in sources])
    return _redate(cursor, "location_id", uuids([location_id]))


def redate_source(source_id: int) -> int:
    """Derive the sales and refunds of a source anew, after its zone, priority or test mark changed.

    Returns how many rows changed. Must run as ``redate_location`` does.
    """
    cursor = Cursor()
    locks.own_days(cursor, [source_id])
    return _redate(cursor, "source_id", integers([source_id]))


def _redate(cursor: Cursor, column: str, value: object) -> int:
    changed = 0
    for page in _pages(cursor, REFUND, column, value=value):
        receipts = locks.receipts_of(cursor, page)
        locks.take(cursor, receipts)
        cursor.rows(REFUND.lock, uuids(page))
        mirrored = locks.holders(cursor, receipts).refunds
        changed += len(
            derive.refunds(cursor, page) | derive.refund_mirrors(cursor, {*page, *mirrored})
        )
    for page in _pages(cursor, SALE, column, value=value):
        # In the order of record(): receipts, then rows, then sums.
        receipts = locks.receipts_of(cursor, page)
        locks.take(cursor, receipts)
        mirrored = locks.holders(cursor, receipts).sales
        cursor.rows(SALE.lock, uuids(sorted({*page, *mirrored})))
        changed += len(derive.sales(cursor, page) | derive.mirrors(cursor, mirrored))
    return changed


def _pages(cursor: Cursor, table: Table, column: str, *, value: object) -> Iterator[list[UUID]]:
    """Walk through the rows concerned, page by page."""
    last = _NONE
    statement = _PAGE.format(table=table.name, column=column, limit=BATCH)
    while found := cursor.rows(statement, value, last):
        yield [row[0] for row in found]
        last = found[-1][0]
