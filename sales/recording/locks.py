"""Locks that are no rows: fiscal receipts that two sources may both send, and business days."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from ..drafts import Fiscal
from .arrays import Cursor, integers, ordered, texts
from .fold import CONTENT, HEADER, MONEY, Row

#: (account, ФН, ФД): the identity of a fiscal receipt.
Receipt = tuple[int, str, str]

_EXCLUSIVE = "SELECT count(pg_advisory_xact_lock(key)::text) FROM unnest(%b) AS key"
_SHARED = "SELECT count(pg_advisory_xact_lock_shared(key)::text) FROM unnest(%b) AS key"
_RECEIPTS_OF = """
SELECT f.account_id, f.fn, f.fd FROM sales_fiscal f
WHERE f.owner_id = ANY(%b) AND f.fn IS NOT NULL AND f.fd IS NOT NULL
UNION SELECT f.account_id, f.fn, f.fd
FROM sales_refund r JOIN sales_fiscal f ON f.owner_id = r.id
WHERE r.owned AND r.sale_id = ANY(%b) AND f.fn IS NOT NULL AND f.fd IS NOT NULL
"""
_SALES_OF_PARTS = """
SELECT sale_id FROM sales_payment WHERE id = ANY(%b)
UNION SELECT sale_id FROM sales_refund WHERE link_payment_id = ANY(%b)
UNION SELECT sale_id FROM sales_refund WHERE id = ANY(%b)
"""
_HOLDERS = """
SELECT DISTINCT f.owner_id, f.owner_kind = 'sale' FROM sales_fiscal f
JOIN unnest(%b, %b, %b) AS k(account_id, fn, fd)
  ON f.account_id = k.account_id AND f.fn = k.fn AND f.fd = k.fd
"""


class Holders(NamedTuple):
    """Who has a fiscal receipt, by kind."""

    sales: set[UUID]
    refunds: set[UUID]


def _key(*parts: object) -> int:
    found = hashlib.sha256(repr(parts).encode()).digest()[:8]
    return int.from_bytes(found, "big", signed=True)


def share_days(cursor: Cursor, sources: Iterable[int]) -> None:
    """Keep the zones and cut-offs of these sources as they are until the commit."""
    cursor.rows(_SHARED, integers(sorted({_key("days", source) for source in sources})))


def own_days(cursor: Cursor, sources: Iterable[int]) -> None:
    """Wait for all who settle these sources, and let nobody begin before the commit."""
    cursor.rows(_EXCLUSIVE, integers(sorted({_key("days", source) for source in sources})))


def receipts_stated(sales: Collection[Row], refunds: Iterable[Row]) -> set[Receipt]:
    """Return the fiscal receipts that the sales and refunds of a batch state."""
    stated = chain(_stated(sales, HEADER), _stated(refunds, CONTENT), _stated_inside(sales))
    return {
        (row.account_id, receipt.fn, receipt.fd)
        for row, receipt in stated
        if receipt.fn is not None and receipt.fd is not None
    }


def _stated(rows: Iterable[Row], facet: int) -> Iterator[tuple[Row, Fiscal]]:
    for row in rows:
        reg = row.regs.get(facet)
        for receipt in () if reg is None else reg.parts:
            yield row, receipt


def _stated_inside(sales: Iterable[Row]) -> Iterator[tuple[Row, Fiscal]]:
    for row in sales:
        reg = row.regs.get(MONEY)
        for refund in () if reg is None else reg.parts.money.refunds:
            for receipt in refund.fiscal:
                yield row, receipt


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


def receipts_of(
    cursor: Cursor, owners: Collection[UUID], *, whole: Collection[UUID] = ()
) -> set[Receipt]:
    """Return the fiscal receipts that sales and refunds have now.

    ``whole`` are sales of which the owned refunds are meant too.
    """
    if not owners:
        return set()
    found = cursor.rows(_RECEIPTS_OF, ordered(owners), ordered(whole))
    return {(row[0], row[1], row[2]) for row in found}


def take(cursor: Cursor, receipts: Collection[Receipt]) -> None:
    """Let nobody else decide about these receipts until the commit."""
    if receipts:
        cursor.rows(_EXCLUSIVE, integers(sorted({_key(*receipt) for receipt in receipts})))


def take_around(cursor: Cursor, kind: str, row: UUID) -> None:
    """Take the receipts around a row that is to be locked and edited, as whoever settles does."""
    sales = sales_of_parts(cursor, payments=(), refunds=[row] if kind == "refund" else ())
    take(cursor, receipts_of(cursor, {row, *sales}, whole=[row] if kind == "sale" else ()))


def holders(cursor: Cursor, receipts: Collection[Receipt]) -> Holders:
    """Return all sales and refunds that have one of these receipts."""
    found = Holders(set(), set())
    if receipts:
        accounts, fns, fds = zip(*sorted(receipts), strict=True)
        rows = cursor.rows(_HOLDERS, integers(accounts), texts(fns), texts(fds))
        for key, is_sale in rows:
            (found.sales if is_sale else found.refunds).add(key)
    return found
