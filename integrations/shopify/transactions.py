"""Transactions of an order: its payments, independent of it, with an id and a time of their own."""

from collections.abc import Sequence

from integrations.clocks import version
from integrations.contract import Context, Event, EventUnsupported, Statement
from integrations.reading import Reader
from sales.drafts import Payment, PaymentDraft, Rank

from . import words
from .refunds import status_of

#: What a transaction of this kind is once it succeeded.
_SUCCEEDED = {"authorization": "approved", "capture": "completed", "sale": "completed"}


def stated(event: Event, context: Context, /) -> Sequence[Statement] | None:
    """Read a transaction's own event."""
    return of(Reader(event.payload), context)


def of(transaction: Reader, context: Context) -> Sequence[Statement] | None:
    """Read a transaction; None for one that is no payment.

    A refund's transaction is part of the refund, whose own event tells it. A void that succeeded
    ends the authorization that it names. Raises EventUnsupported for other kinds.
    """
    kind = transaction["kind"].text(40)
    if kind == "refund":
        return None
    if kind == "void":
        return _void(transaction, context)
    if kind not in _SUCCEEDED:
        raise EventUnsupported(f"a transaction of kind {kind}")
    status = status_of(transaction)
    if status == "completed":
        status = _SUCCEEDED[kind]
    return [_draft(transaction, "id", status, context)]


def _void(transaction: Reader, context: Context) -> Sequence[Statement] | None:
    if status_of(transaction) != "completed":
        return None
    # Its authorization may be of the same second, and the clock knows no smaller unit.
    return [_draft(transaction, "parent_id", "cancelled", context, seq=1)]


def _draft(
    transaction: Reader, key: str, status: str, context: Context, *, seq: int = 0
) -> PaymentDraft:
    amount, currency = words.shop_money(transaction, context)
    created_at = transaction["created_at"].time()
    # Its status may change and its only time does not: what was asked for later knows better.
    seq += words.asked_after(created_at, context)
    return PaymentDraft(
        external_id=transaction[key].id(),
        version=version(Rank.FULL, created_at, context, seq=seq),
        sale_external_id=transaction["order_id"].id(),
        content=Payment(
            status=status,
            amount=amount,
            currency=currency,
            external_id=transaction[key].id(),
            paid_at=words.time_of(transaction) if status == "completed" else None,
            is_test=transaction.maybe("test", Reader.boolean) or context.is_test,
            **words.method_of(transaction),
            **words.place(transaction, context),
        ),
    )
