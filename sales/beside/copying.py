"""The rows beside replace the live ones: each sale with all its parts, in the caller's transaction.

The caller holds the sources of all these rows (``hold``), so that nobody settles meanwhile; rows
are locked by id all the same, against whoever reads them for an edit.
"""

from collections.abc import Collection
from uuid import UUID

from ..recording import derive, locks
from ..recording.arrays import Cursor, ordered
from ..recording.tables import SALE as RECORDED_SALE
from .columns import FISCAL, LINE, PAYMENT, REFUND, SALE, TABLES, Beside
from .differing import Linked, changes

_LIVE_FIRST = "SELECT set_config('search_path', 'public, pg_temp', true)"


def copy_linked(found: Linked) -> int:
    """Copy sales, payments and refunds with all that belongs to them; return how many rows."""
    sales, payments, refunds = found
    copied = _copy(PAYMENT, payments) + _copy(REFUND, refunds) + _copy(SALE, sales)
    copied += _replace(LINE, sales, "sale_id")
    return copied + _replace(FISCAL, sales | refunds, "owner_id")


def copy_references(kind: str, ids: Collection[UUID]) -> int:
    """Copy locations, products and the like; return how many rows."""
    return _copy(TABLES[kind], ids)


def decide_mirrors(found: Linked) -> None:
    """Decide anew which sale or refund of each receipt counts, among the live rows."""
    cursor = Cursor()
    cursor.rows(_LIVE_FIRST)
    partners = locks.holders(cursor, locks.receipts_of(cursor, found.sales | found.refunds))
    sales = partners.sales | found.sales
    cursor.rows(RECORDED_SALE.lock, ordered(sales))
    derive.mirrors(cursor, sales)
    derive.refund_mirrors(cursor, partners.refunds | found.refunds)


def _copy(table: Beside, ids: Collection[UUID]) -> int:
    """Delete what is not beside, update what differs, insert what is new."""
    if not ids:
        return 0
    cursor, keys = Cursor(), ordered(ids)
    live, beside = f"public.{table.name}", f"pg_temp.{table.name}"
    cursor.rows(f"SELECT FROM {live} WHERE id = ANY(%b) ORDER BY id FOR UPDATE", keys)
    gone = cursor.rows(
        f"DELETE FROM {live} l WHERE l.id = ANY(%b)"
        f" AND NOT EXISTS (SELECT FROM {beside} s WHERE s.id = l.id) RETURNING l.id",
        keys,
    )
    sets = ", ".join(
        f"{name} = clock_timestamp()" if name == "updated_at" else f"{name} = s.{name}"
        for name in table.copied
    )
    changed = cursor.rows(
        f"UPDATE {live} l SET {sets} FROM {beside} s WHERE s.id = l.id AND l.id = ANY(%b)"
        f" AND {table.compared('l')} IS DISTINCT FROM {table.compared('s')} RETURNING l.id",
        keys,
    )
    new = cursor.rows(
        f"INSERT INTO {live} ({', '.join(table.copied)}) SELECT {table.list('s')} FROM {beside} s"
        f" WHERE s.id = ANY(%b) ORDER BY s.id ON CONFLICT DO NOTHING RETURNING id",
        keys,
    )
    return len(gone) + len(changed) + len(new)


def _replace(table: Beside, owners: Collection[UUID], column: str) -> int:
    """Replace the parts of those owners whose parts differ."""
    differing = {change.owner for change in changes(table, owners, column)}
    if not differing:
        return 0
    cursor, keys = Cursor(), ordered(differing)
    cursor.rows(f"DELETE FROM public.{table.name} WHERE {column} = ANY(%b)", keys)
    new = cursor.rows(
        f"INSERT INTO public.{table.name} ({', '.join(table.copied)})"
        f" SELECT {table.list('s')} FROM pg_temp.{table.name} s WHERE s.{column} = ANY(%b)"
        f" RETURNING {column}",
        keys,
    )
    return max(len(new), len(differing))
