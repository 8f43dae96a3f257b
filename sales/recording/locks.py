"""Locks that are no rows: fiscal receipts that two sources may both send, and business days."""

import hashlib
from collections.abc import Collection, Iterable
from uuid import UUID

from .arrays import Cursor, integers, ordered, texts
from .fold import HEADER, Row

#: (account, ФН, ФД): the identity of a fiscal receipt.
Receipt = tuple[int, str, str]

_EXCLUSIVE = "SELECT count(pg_advisory_xact_lock(key)::text) FROM unnest(%b) AS key"
_SHARED = "SELECT count(pg_advisory_xact_lock_shared(key)::text) FROM unnest(%b) AS key"
_RECEIPTS_OF = """
SELECT DISTINCT f.account_id, f.fn, f.fd FROM sales_fiscal f
WHERE f.owner_id = ANY(%b) AND f.owner_kind = 'sale' AND f.fn IS NOT NULL AND f.fd IS NOT NULL
"""
_SALES_OF_PARTS = """
SELECT sale_id FROM sales_payment WHERE id = ANY(%b)
UNION SELECT sale_id FROM sales_refund WHERE link_payment_id = ANY(%b)
UNION SELECT sale_id FROM sales_refund WHERE id = ANY(%b)
"""
_SALES_OF = """
SELECT DISTINCT f.owner_id FROM sales_fiscal f
JOIN unnest(%b, %b, %b) AS k(account_id, fn, fd)
  ON f.account_id = k.account_id AND f.fn = k.fn AND f.fd = k.fd
WHERE f.owner_kind = 'sale'
"""


def _key(*parts: object) -> int:
    found = hashlib.sha256(repr(parts).encode()).digest()[:8]
    return int.from_bytes(found, "big", signed=True)


def share_days(cursor: Cursor, sources: Iterable[int]) -> None:
    """Keep the zones and cut-offs of these sources as they are until the commit."""
    cursor.rows(_SHARED, integers(sorted({_key("days", source) for source in sources})))


def own_days(cursor: Cursor, sources: Iterable[int]) -> None:
    """Wait for all who settle these sources, and let nobody begin before the commit."""
    cursor.rows(_EXCLUSIVE, integers(sorted({_key("days", source) for source in sources})))


def receipts_stated(rows: Iterable[Row]) -> set[Receipt]:
    """Return the fiscal receipts that the sales of a batch state."""
    return {
        (row.account_id, receipt.fn, receipt.fd)
        for row in rows
        if (reg := row.regs.get(HEADER)) is not None
        for receipt in reg.parts
        if receipt.fn is not None and receipt.fd is not None
    }


def sales_of_parts(
    cursor: Cursor, *, payments: Collection[UUID], refunds: Collection[UUID]
) -> set[UUID]:
    """Return the sales that payments and refunds belong to now.

    Whoever locks a part goes on to its sale, and the receipts of that are locked before any row.
    """
    if not payments and not refunds:
        return set()
    paid = ordered(payments)
    return {row[0] for row in cursor.rows(_SALES_OF_PARTS, paid, paid, ordered(refunds))} - {None}


def receipts_of(cursor: Cursor, sales: Collection[UUID]) -> set[Receipt]:
    """Return the fiscal receipts that sales have now."""
    if not sales:
        return set()
    return {(row[0], row[1], row[2]) for row in cursor.rows(_RECEIPTS_OF, ordered(sales))}


def take(cursor: Cursor, receipts: Collection[Receipt]) -> None:
    """Let nobody else decide about these receipts until the commit."""
    if receipts:
        cursor.rows(_EXCLUSIVE, integers(sorted({_key(*receipt) for receipt in receipts})))


def take_around(cursor: Cursor, kind: str, row: UUID) -> None:
    """Take the receipts around a row that is to be locked and edited, as whoever settles does."""
    sales = sales_of_parts(cursor, payments=(), refunds=[row] if kind == "refund" else ())
    take(cursor, receipts_of(cursor, {row} if kind == "sale" else sales))


def sales_of(cursor: Cursor, receipts: Collection[Receipt]) -> set[UUID]:
    """Return all sales that have one of these receipts."""
    if not receipts:
        return set()
    accounts, fns, fds = zip(*sorted(receipts), strict=True)
    found = cursor.rows(_SALES_OF, integers(accounts), texts(fns), texts(fds))
    return {row[0] for row in found}
