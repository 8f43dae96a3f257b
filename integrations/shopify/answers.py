"""What a shop answers about its orders: read by the functions that read its webhooks.

The order of the REST API has the fields of ``orders/updated``; a transaction and a refund those of
``order_transactions/create`` and ``refunds/create`` (shopify.dev, read 2026-11-28).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

from integrations import answers
from integrations.answers import answers_of, sale_gone
from integrations.clocks import micros
from integrations.contract import (
    Context,
    Event,
    EventUnsupported,
    Normaliser,
    Read,
    Statement,
)
from integrations.reading import Reader

from . import orders, refunds, transactions

#: Without ``read_all_orders`` an order leaves the API 60 days after it was made. Reads may wait
#: for days behind a long list.
_REACH = timedelta(days=50) // timedelta(microseconds=1)


def listed(event: Event, context: Context, /) -> Sequence[Statement] | None:
    """Ask for every order of a page: its payments are no part of it."""
    return [_asked(one, context) for page in answers_of(event) for one in page["orders"]] or None


def _asked(order: Reader, context: Context) -> Read:
    """Return the read of an order. One that may be out of reach soon is of another kind, whose
    "not found" says nothing."""
    now = context.answered.sent if context.answered else context.received
    is_old = now - micros(order["created_at"].time()) > _REACH
    clock = micros(order["updated_at"].time())
    return Read("old_order" if is_old else "order", order["id"].id(), clock=clock)


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State an order with what belongs to it; a part that is ``null`` was gone when asked for."""
    order, *parts = answers_of(event)
    found = [*orders.of(order["order"], context)]
    for part, (key, read) in zip(parts, _PARTS.items(), strict=False):
        if part.value is not None:
            found += (draft for one in part[key] for draft in read(one, context))
    return found


def _payments(transaction: Reader, context: Context) -> Iterable[Statement]:
    """Read a transaction as its own event is; kinds that are unsupported there say nothing here."""
    try:
        return transactions.of(transaction, context) or ()
    except EventUnsupported:
        return ()


#: What is asked for after an order, in this order, and how one of it is read.
_PARTS: Mapping[str, Callable[[Reader, Context], Iterable[Statement]]] = {
    "transactions": _payments,
    "refunds": refunds.of,
}


def _out_of_reach(_event: Event, _context: Context, /) -> Sequence[Statement] | None:
    """State nothing: an order that is too old is answered like one that was deleted."""
    return None


NORMALISERS: Mapping[str, Normaliser] = {
    "order.listed": listed,
    "order.read": stated,
    "order.missing": answers.missing(sale_gone),
    "old_order.read": stated,
    "old_order.missing": _out_of_reach,
}
