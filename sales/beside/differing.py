"""Where the live tables and those beside them differ, page by page."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from ..recording.arrays import Cursor, ordered
from .columns import FISCAL, LINE, PAYMENT, REFUND, SALE, TABLES, Beside

_SIDES = ("public", "pg_temp")


class Change(NamedTuple):
    """One row that differs: ``before`` and ``after`` say on which sides it is."""

    table: str
    owner: UUID
    before: bool
    after: bool


class Worth(NamedTuple):
    """What a sale or a refund counts for, on one side; nothing where it does not count."""

    day: date | None
    currency: str | None
    amount: Decimal


class Difference(NamedTuple):
    """A sale or a refund that differs, by itself or in its parts."""

    id: UUID
    source_id: int
    before: Worth | None
    after: Worth | None


def page(kind: str, source: int, after: str, *, account: int, limit: int) -> list[tuple[UUID, str]]:
    """Return the next ids of either side with their external ids, by external id."""
    table = TABLES[kind]
    only = " AND NOT owned" if "owned" in table.copied else ""
    sides = " UNION ".join(
        f"(SELECT id, external_id FROM {side}.{table.name}"
        f" WHERE account_id = %b AND source_id = %b AND external_id > %b{only}"
        f" ORDER BY external_id LIMIT {limit})"
        for side in _SIDES
    )
    found = Cursor().rows(
        f"SELECT id, external_id FROM ({sides}) u ORDER BY external_id, id LIMIT {limit}",
        *(account, source, after, account, source, after),
    )
    return [(row[0], row[1]) for row in found]


def changes(table: Beside, ids: Collection[UUID], column: str, only: str = "") -> list[Change]:
    """Return the rows of a table that differ, among those whose ``column`` is one of the ids."""
    if not ids:
        return []
    sides = [
        f"(SELECT * FROM {side}.{table.name} WHERE {column} = ANY(%b){only})" for side in _SIDES
    ]
    same = " AND ".join(f"s.{name} = l.{name}" for name in table.key)
    first = table.key[0]
    found = Cursor().rows(
        f"SELECT COALESCE(l.{column}, s.{column}), l.{first} IS NOT NULL, s.{first} IS NOT NULL"
        f" FROM {sides[0]} l FULL JOIN {sides[1]} s ON {same}"
        f" WHERE {table.compared('l')} IS DISTINCT FROM {table.compared('s')}",
        *(ordered(ids), ordered(ids)),
    )
    return [Change(table.name, *row) for row in found]


def of_kind(kind: str, ids: Collection[UUID]) -> list[Change]:
    """Return what differs of these entities, with the parts that have no life of their own."""
    found = changes(TABLES[kind], ids, "id")
    if kind == "sale":
        found += changes(LINE, ids, "sale_id")
        found += changes(PAYMENT, ids, "sale_id", " AND owned")
        owned = owned_refunds(ids)
        found += changes(REFUND, owned, "id")
        found += changes(FISCAL, {*ids, *owned}, "owner_id")
    elif kind == "refund":
        found += changes(FISCAL, ids, "owner_id")
    return found


def owned_refunds(sales: Collection[UUID]) -> set[UUID]:
    """Return the refunds of either side that live and die with one of these sales."""
    return _both(REFUND, "id", "owned AND sale_id", sales)


def sales_of(refunds: Collection[UUID]) -> set[UUID]:
    """Return the sales of refunds, on either side."""
    return _both(REFUND, "sale_id", "id", refunds)


def _both(table: Beside, wanted: str, column: str, ids: Collection[UUID]) -> set[UUID]:
    if not ids:
        return set()
    statement = " UNION ".join(
        f"SELECT {wanted} FROM {side}.{table.name} WHERE {column} = ANY(%b)" for side in _SIDES
    )
    return {row[0] for row in Cursor().rows(statement, ordered(ids), ordered(ids))} - {None}


def worth(kind: str, ids: Collection[UUID]) -> list[Difference]:
    """Return what sales (or refunds) count for, on both sides."""
    table = SALE if kind == "sale" else REFUND
    counts = "counts" if kind == "sale" else "visible AND status = 'completed' AND NOT is_test"
    sides = [
        f"(SELECT id, source_id, business_date, currency,"
        f" CASE WHEN {counts} THEN COALESCE(total, 0) ELSE 0 END AS amount"
        f" FROM {side}.{table.name} WHERE id = ANY(%b))"
        for side in _SIDES
    ]
    found = Cursor().rows(
        "SELECT COALESCE(l.id, s.id), COALESCE(l.source_id, s.source_id),"
        " l.id IS NOT NULL, l.business_date, l.currency, l.amount,"
        " s.id IS NOT NULL, s.business_date, s.currency, s.amount"
        f" FROM {sides[0]} l FULL JOIN {sides[1]} s ON s.id = l.id",
        *(ordered(ids), ordered(ids)),
    )
    return [
        Difference(
            row[0],
            row[1],
            Worth(*row[3:6]) if row[2] else None,
            Worth(*row[7:10]) if row[6] else None,
        )
        for row in found
    ]


class Linked(NamedTuple):
    """Sales, payments and refunds that are copied together, so that no sale is seen half."""

    sales: set[UUID]
    payments: set[UUID]
    refunds: set[UUID]


def linked(given: Linked) -> Linked:
    """Add the parts of sales, and the sales that a part leaves or joins, until none is missing."""
    sales, payments, refunds = (set(group) for group in given)
    size = -1
    while size != len(sales) + len(payments) + len(refunds):
        size = len(sales) + len(payments) + len(refunds)
        payments |= _both(PAYMENT, "id", "sale_id", sales)
        refunds |= _both(REFUND, "id", "sale_id", sales)
        refunds |= _both(REFUND, "id", "link_payment_id", payments)
        sales |= _both(PAYMENT, "sale_id", "id", payments)
        sales |= _both(REFUND, "sale_id", "id", refunds)
    return Linked(sales, payments, refunds)
