"""Orders: the whole of a sale but its payments and refunds, which are entities of their own.

Amounts are minor units, prices without tax unless ``isVat``; a discount's amount is below zero
(com.clover.sdk.v3.order, github.com/clover/clover-android-sdk, read 2026-11).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.answers import answers_of
from integrations.clocks import is_plausible, micros, version_of_answer
from integrations.contract import Context, Event, Read, Statement
from integrations.reading import Reader
from integrations.schema import currency_of
from sales.drafts import CustomerLink, Header, Mention, SaleDraft

from . import lines, payments
from .words import changed_at, elements, link, money, rung_at

#: An order that was paid is locked. One without a state is not shown to anybody at the till yet.
_STATES = {"locked": "completed", "open": "open"}
#: Paid for, whatever became of the money.
_PAID = frozenset({"PAID", "REFUNDED", "PARTIALLY_REFUNDED", "CREDITED", "MANUALLY_REFUNDED"})


def listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Ask for every order of a page."""
    return [
        Read("order", order["id"].id(), clock=micros(changed_at(order)))
        for page in answers_of(event)
        for order in page.items("elements")
    ]


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State an order, its payments and its refunds."""
    order, *pages = answers_of(event)
    currency = currency_of(order, context.currency)
    sold = lines.sold(order, pages, currency)
    name = order["id"].id()
    paid = list(elements(order, "payments"))
    mine = Mention(external_id=name)
    return [
        SaleDraft(
            external_id=name,
            version=version_of_answer(changed_at(order), context),
            header=_header(order, sold, paid, currency, context),
            lines=sold.lines,
            customer=CustomerLink(customer=_customer(order)),
        ),
        *(payments.draft(one, currency, context, mine) for one in paid),
        *payments.refunds(order, currency, context, sold.lines),
    ]


def _header(
    order: Reader, sold: lines.Sold, paid: Sequence[Reader], currency: str, context: Context
) -> Header:
    state = (order.maybe("state", Reader.text, 31) or "").lower()
    is_paid = order.maybe("paymentState", Reader.text, 31) in _PAID
    status = "completed" if is_paid else _STATES.get(state, "open")
    rung = rung_at(order)
    occurred_at = _paid_at(paid) or rung if status == "completed" else rung
    return Header(
        # Nobody at the till sees an order without a state: it is no revenue until it has one.
        kind="sale" if state or is_paid else "other",
        status=status,
        number=order.maybe("title", Reader.label),
        occurred_at=occurred_at,
        provider_at=rung,
        currency=currency,
        location=parts.shop_of(context),
        device=link(order, "device"),
        employee=link(order, "employee"),
        channel="pos",
        is_test=context.is_test or bool(order.maybe("testMode", Reader.boolean)),
        anomalies=() if is_plausible(occurred_at, context) else ("clock",),
        **_totals(order, sold, paid, currency),
    )


def _paid_at(paid: Sequence[Reader]) -> datetime | None:
    """Return when the last of the payments was made."""
    times = [rung_at(one) for one in paid if one["result"].text(50) in payments.PAID]
    return max(times, default=None)


def _customer(order: Reader) -> Mention | None:
    found = next(iter(elements(order, "customers")), None)
    return None if found is None else Mention(external_id=found["id"].id())


def _totals(
    order: Reader, sold: lines.Sold, paid: Sequence[Reader], currency: str
) -> Mapping[str, Any]:
    """Return the totals: ``total`` has taxes and charges in it, and no tip. What makes it up is
    stated where it adds up to it."""
    total = money(order, "total", currency)
    counted = [one for one in paid if one["result"].text(50) in payments.PAID]
    tip = _sum(counted, "tipAmount", currency)
    told: dict[str, Any] = {
        "tax_included": sold.tax_included,
        "tip_total": tip,
        "total": None if total is None else total + (tip or Decimal(0)),
        "discounts": sold.discounts,
    }
    tax = _sum(counted, "taxAmount", currency)
    on_top = Decimal(0) if sold.tax_included else tax
    if total is None or on_top is None or sold.asked + on_top != total:
        return told
    return told | {
        "gross_total": sold.gross,
        "discount_total": sold.discount,
        "service_total": sold.service,
        "tax_total": tax,
    }


def _sum(paid: Sequence[Reader], key: str, currency: str) -> Decimal | None:
    """Return the sum of what payments say of something, None where none does."""
    found = [amount for one in paid if (amount := money(one, key, currency)) is not None]
    return sum(found, Decimal(0)) if found else None
