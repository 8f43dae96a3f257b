"""Orders of Square: the whole of a sale except its payments, which are entities of their own."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.answers import answers_of
from integrations.clocks import is_plausible, version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from integrations.sums import added
from sales.drafts import CustomerLink, Discount, Header, Line, Mention, SaleDraft

from . import lines
from .words import currency_of, link, money, signed

#: An order that waits for its hand-over is open, paid or not.
_STATUSES = {
    "CANCELED": "voided",
    "COMPLETED": "completed",
    "DRAFT": "open",
    "OPEN": "open",
}
#: How it is handed over, and else where it was taken; whatever is left came over the counter.
_HANDED_OVER = {"DELIVERY": "delivery", "SHIPMENT": "online"}
_SOURCES = {"Square Online": "online"}


def read(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read the answer of GET /v2/orders/{id}."""
    return [sale(answer["order"], context) for answer in answers_of(event)]


def sale(order: Reader, context: Context) -> SaleDraft:
    """State an order. One that only takes back is kept as a return: its refund counts, not it."""
    currency = currency_of(order["total_money"])
    sold, returned = lines.sold(order, currency), _is_return(order)
    totals = {} if returned else _totals(order, sold, currency)
    return SaleDraft(
        external_id=order["id"].id(),
        # Never ``version``: an order that was not made through the API has none.
        version=version_of_answer(order.maybe("updated_at", Reader.time), context),
        header=Header(
            role="return" if returned else "sale",
            currency=currency,
            **_circumstances(order, context),
            **totals,
        ),
        lines=sold,
        customer=CustomerLink(customer=_customer(order)),
    )


def _is_return(order: Reader) -> bool:
    """Say whether nothing is sold in an order, only taken back; an exchange is a sale."""
    back = any(True for key in ("returns", "refunds") for _ in order.items(key))
    sold = any(True for key in ("line_items", "tenders") for _ in order.items(key))
    return back and not sold


def _circumstances(order: Reader, context: Context) -> dict[str, Any]:
    created_at = order.maybe("created_at", Reader.time)
    state = order["state"].one_of(frozenset(_STATUSES))
    status = _STATUSES[state]
    occurred_at = _occurred_at(order, status) or created_at
    possible = occurred_at is None or is_plausible(occurred_at, context)
    return {
        # Nobody can pay a draft yet: it is no revenue until it is opened.
        "kind": "other" if state == "DRAFT" else "sale",
        "status": status,
        "number": order.maybe("ticket_name", Reader.label),
        "occurred_at": occurred_at,
        "provider_at": created_at,
        "location": order.maybe("location_id", link),
        "channel": _channel(order),
        "is_test": context.is_test,
        "anomalies": () if possible else ("clock",),
    }


def _occurred_at(order: Reader, status: str) -> datetime | None:
    """Return when a sale was completed: an invoice may have been written weeks before."""
    return order.maybe("closed_at", Reader.time) if status == "completed" else None


def _channel(order: Reader) -> str:
    kinds = [one.maybe("type", Reader.text) for one in order.items("fulfillments")]
    handed_over = [_HANDED_OVER[kind] for kind in kinds if kind in _HANDED_OVER]
    source = order.get("source")
    name = None if source is None else source.maybe("name", Reader.text)
    return handed_over[0] if handed_over else _SOURCES.get(name or "", "pos")


def _customer(order: Reader) -> Mention | None:
    """Return the customer of the order, else of what it was paid with."""
    paid = (one.maybe("customer_id", link) for one in order.items("tenders"))
    return order.maybe("customer_id", link) or next(filter(None, paid), None)


def _totals(order: Reader, sold: Sequence[Line], currency: str) -> dict[str, Any]:
    """Return the totals; ``total_money`` has the tip in it, and taxes that come on top."""
    rounding = order.get("rounding_adjustment")
    return {
        "tax_included": lines.included(order.items("taxes")),
        "gross_total": added(order, (line.gross or Decimal(0) for line in sold)),
        "discount_total": order.maybe("total_discount_money", money, currency),
        "service_total": order.maybe("total_service_charge_money", money, currency),
        "tip_total": order.maybe("total_tip_money", money, currency),
        "tax_total": order.maybe("total_tax_money", money, currency),
        "rounding_total": (
            None if rounding is None else rounding.maybe("amount_money", signed, currency)
        ),
        "total": money(order["total_money"], currency),
        "discounts": tuple(_discount(one, currency) for one in order.items("discounts")),
    }


def _discount(discount: Reader, currency: str) -> Discount:
    rewards = any(True for _ in discount.items("reward_ids"))
    ruled = discount.get("pricing_rule_id") is not None
    return Discount(
        kind="loyalty" if rewards else "promo" if ruled else "other",
        name=discount.maybe("name", Reader.label),
        percent=discount.maybe("percentage", parts.percent),
        amount=discount.maybe("applied_money", money, currency),
    )
