"""What is replaced whole with its facet: lines, owned payments and refunds, fiscal receipts."""

from collections.abc import Sequence
from uuid import UUID

from ..drafts import Money
from . import rows
from .arrays import Cursor, encode, literal, uuids
from .tables import FISCAL, LINE, OWNED_PAYMENT, OWNED_REFUND, Parts
from .write import Won

_DROP_LINES = "DELETE FROM sales_saleline WHERE sale_id = ANY(%b)"
_DROP_FISCAL = "DELETE FROM sales_fiscal WHERE owner_id = ANY(%b)"
_DROP_PAYMENTS = "DELETE FROM sales_payment WHERE owned AND sale_id = ANY(%b)"
_DROP_REFUNDS = "DELETE FROM sales_refund WHERE owned AND sale_id = ANY(%b) RETURNING id"


def _insert(cursor: Cursor, parts: Parts, found: Sequence[rows.Values]) -> None:
    if found:
        cursor.rows(parts.insert, *encode(parts.types, found))


def _older(cursor: Cursor, statement: str, winners: Sequence[Won]) -> list[UUID]:
    """Delete the parts of older statements: rows that are new have none."""
    old = [won.row.id for won in winners if won.existed]
    return [row[0] for row in cursor.rows(statement, uuids(old))] if old else []


def replace_lines(cursor: Cursor, winners: Sequence[Won]) -> None:
    """Write the lines of sales whose facet ``lines`` was won."""
    _older(cursor, _DROP_LINES, winners)
    _insert(
        cursor,
        LINE,
        [
            (row.id, position, row.account_id, reg.stamp, *rows.line(row.source_id, line))
            for row, reg, _ in winners
            for position, line in enumerate(reg.parts)
        ],
    )


def replace_fiscal(cursor: Cursor, kind: str, winners: Sequence[Won]) -> None:
    """Write the fiscal receipts of sales or refunds whose content was won."""
    _older(cursor, _DROP_FISCAL, winners)
    _insert(
        cursor,
        FISCAL,
        [
            values
            for row, reg, _ in winners
            if reg.parts
            for values in rows.fiscal(
                row.id, kind, reg.parts, account_id=row.account_id, stamp=reg.stamp
            )
        ],
    )


def replace_money(cursor: Cursor, winners: Sequence[Won]) -> list[UUID]:
    """Write the owned payments and refunds of sales; return the ids of these refunds."""
    _older(cursor, _DROP_PAYMENTS, winners)
    gone = _older(cursor, _DROP_REFUNDS, winners)
    if gone:
        cursor.rows(_DROP_FISCAL, uuids(gone))
    _insert(cursor, OWNED_PAYMENT, [values for won in winners for values in _payments(won)])
    refunds = [values for won in winners for values in _refunds(won)]
    _insert(cursor, OWNED_REFUND, refunds)
    _insert(cursor, FISCAL, [values for won in winners for values in _fiscal(won)])
    return [values[0] for values in refunds]


def _head(won: Won, kind: str, position: int, external_id: str | None) -> rows.Values:
    row, said = won.row, won.reg.parts
    key = rows.owned_id(row.id, kind, position)
    return (
        key, row.account_id, row.source_id, external_id or "", said.received, True, position,
        won.reg.stamp,
    )  # fmt: skip


def _payments(won: Won) -> list[rows.Values]:
    money: Money = won.reg.parts.money
    return [
        (
            *_head(won, "payment", position, payment.external_id),
            *rows.payment(won.row.source_id, won.row.id, payment),
        )
        for position, payment in enumerate(money.payments)
    ]


def _refunds(won: Won) -> list[rows.Values]:
    said: rows.Owned = won.reg.parts
    return [
        (
            *_head(won, "refund", position, refund.external_id),
            literal([said.delivery]),
            *rows.refund(
                won.row.source_id, won.row.id, refund, version=said.version, mapper=said.mapper
            ),
        )
        for position, refund in enumerate(said.money.refunds)
    ]


def _fiscal(won: Won) -> list[rows.Values]:
    money: Money = won.reg.parts.money
    row = won.row
    return [
        values
        for position, refund in enumerate(money.refunds)
        for values in rows.fiscal(
            rows.owned_id(row.id, "refund", position),
            "refund",
            refund.fiscal,
            account_id=row.account_id,
            stamp=won.reg.stamp,
        )
    ]
