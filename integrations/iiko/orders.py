"""Orders of tables and deliveries: ``eventInfo`` with the order as iiko's cloud has it.

``timestamp``, the cloud's, orders the states of an order. Its own times are those of the terminal,
written without an offset: they are taken in the source's zone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from integrations.clocks import is_plausible, version
from integrations.contract import Context
from integrations.reading import Reader
from integrations.sums import total_of
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    Money,
    Payment,
    Rank,
    SaleDraft,
)

from . import items, words

TABLE: Mapping[str, str] = {
    "New": "open",
    "Bill": "open",
    "Closed": "completed",
    "Deleted": "voided",
}
DELIVERY: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "Unconfirmed WaitCooking ReadyForCooking CookingStarted CookingCompleted Waiting OnWay"
            " Delivered"
        ).split(),
        "open",
    ),
    "Closed": "completed",
    "Cancelled": "voided",
}


def sale(info: Reader, statuses: Mapping[str, str], context: Context) -> SaleDraft:
    """Read an order; raises PayloadUnrecognised."""
    order, changed = info["order"], info["timestamp"].millis()
    status = _status(order, statuses)
    lines = items.lines(order, context)
    payments = _payments(order, "payments", status, context.currency)
    tips = _payments(order, "tips", status, context.currency)
    return SaleDraft(
        external_id=info["id"].id(),
        version=version(Rank.FULL, changed, context),
        header=Header(
            status=status,
            number=order.maybe("number", Reader.id),
            provider_at=changed,
            currency=context.currency,
            location=_location(info, context),
            employee=words.person(order.get("waiter") or order.get("operator")),
            channel=_channel(order),
            is_test=context.is_test,
            discounts=tuple(_discount(one, context.currency) for one in order.items("discounts")),
            **_occurred(order, status, context),
            **_totals(order, lines, tips, context),
        ),
        lines=lines,
        money=Money(payments=(*payments, *(replace(one, tip=one.amount) for one in tips))),
        customer=_customer(order),
    )


def _status(order: Reader, statuses: Mapping[str, str]) -> str:
    status = statuses[order["status"].one_of(frozenset(statuses))]
    return "voided" if order.maybe("isDeleted", Reader.boolean) else status


def _location(info: Reader, context: Context) -> Mention | None:
    """Return the organization, which is one restaurant, else the place the source is set to."""
    found = info.maybe("organizationId", Reader.id) or context.location
    return Mention(external_id=found) if found else None


def _channel(order: Reader) -> str:
    """Return how it was sold: what a courier brings is a delivery, what a guest fetches is not."""
    kind = order.get("orderType")
    service = None if kind is None else kind.maybe("orderServiceType", Reader.text)
    return "delivery" if service == "DeliveryByCourier" else "pos"


def _occurred(order: Reader, status: str, context: Context) -> dict[str, Any]:
    """Return when it was closed, or begun where it is not; and whether that can be."""
    begun = order.maybe("whenCreated", _at_terminal, context)
    closed = order.maybe("whenClosed", _at_terminal, context)
    occurred = closed or begun if status == "completed" else begun
    strange = occurred is not None and not is_plausible(occurred, context)
    return {"occurred_at": occurred, "anomalies": ("clock",) if strange else ()}


def _at_terminal(time: Reader, context: Context) -> datetime:
    return time.time(context.timezone).astimezone(UTC)


def _totals(
    order: Reader, lines: Sequence[Line], tips: Sequence[Payment], context: Context
) -> dict[str, Any]:
    """Return the totals: ``sum`` is what iiko states, tips are beside it, the rest is of lines."""
    sold = [line for line in lines if line.kind != items.COMBO]
    gross = total_of(order, (line.gross for line in sold))
    net = total_of(order, (line.total for line in sold))
    off = None if gross is None or net is None or net > gross else gross - net
    stated = order["sum"].positive(context.currency)
    tipped = sum((payment.amount for payment in tips), stated - stated)
    return {
        "tax_included": items.is_tax_included(context),
        "gross_total": gross,
        "discount_total": off,
        "tip_total": None if order.get("tips") is None else tipped,
        "tax_total": total_of(order, (line.tax_amount for line in sold)),
        "total": total_of(order, (stated, tipped)),
    }


def _payments(order: Reader, key: str, status: str, currency: str) -> list[Payment]:
    """Read payments, but those that are only announced: they are no money yet."""
    return [
        _payment(one, status, currency)
        for one in order.items(key)
        if not one["isPreliminary"].boolean()
    ]


def _payment(payment: Reader, status: str, currency: str) -> Payment:
    kind = payment["paymentType"]
    word = kind["kind"].text(100)
    return Payment(
        method=words.METHODS.get(word, "other"),
        status="cancelled" if status == "voided" else "completed",
        amount=payment["sum"].positive(currency),
        currency=currency,
        provider_method=kind.maybe("name", Reader.label) or word,
    )


def _discount(discount: Reader, currency: str) -> Discount:
    kind = discount.get("discountType")
    return Discount(
        name=None if kind is None else kind.maybe("name", Reader.label),
        amount=discount["sum"].positive(currency),
    )


def _customer(order: Reader) -> CustomerLink | None:
    """Return the link to the guest; one who came once has no id, and is linked to nobody."""
    if "customer" not in order.value:
        return None
    return CustomerLink(customer=words.person(order.get("customer")))
