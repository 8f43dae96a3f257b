"""Sales of API 1.0, and returns: a sale below zero, most often for another one.

Prices, discounts and taxes are of one piece, a price has its discount off and its tax not in it
(x-series-api.lightspeedhq.com/docs/sales_101, sales_returns, read 2026-11). Times without an offset
are of UTC.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from integrations.clocks import is_plausible
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from integrations.sums import added, times
from sales.drafts import (
    CustomerLink,
    Header,
    Line,
    Mention,
    Money,
    Payment,
    Refund,
    RefundDraft,
    RefundLine,
    SaleDraft,
)

from .customers import version_of

_VOIDED, _CLOSED = "VOIDED", "CLOSED"


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a sale, or a return, as of its version."""
    sale = Reader(event.payload)
    is_return = sale.get("return_for") is not None
    if is_return or sale["total_price"].decimal() < 0:
        return (_refund(sale, context),)
    return (_sale(sale, context),)


def _state(sale: Reader) -> str:
    """Return the state: laybys and sales on account are open until they are closed as well."""
    status = sale["status"].text(50)
    if status == _VOIDED:
        return "voided"
    return "completed" if status == _CLOSED or status.endswith(f"_{_CLOSED}") else "open"


def _sale(sale: Reader, context: Context) -> SaleDraft:
    currency = context.currency
    lines = tuple(_line(one, currency) for one in _products(sale))
    customer = sale.maybe("customer_id", Reader.id)
    return SaleDraft(
        external_id=sale["id"].id(),
        version=version_of(sale),
        header=_header(sale, lines, context),
        lines=lines,
        money=Money(payments=_without_change(sale, _payments(sale, context))),
        customer=CustomerLink(customer=None if customer is None else Mention(external_id=customer)),
    )


def _products(sale: Reader) -> list[Reader]:
    products = list(sale["register_sale_products"])
    return [one for one in products if one.maybe("status", Reader.text) != _VOIDED]


def _header(sale: Reader, lines: Sequence[Line], context: Context) -> Header:
    currency = context.currency
    occurred = sale["sale_date"].time("UTC")
    tax = sale["total_tax"].positive(currency)
    return Header(
        status=_state(sale),
        number=sale.maybe("invoice_number", Reader.label),
        occurred_at=occurred,
        provider_at=sale.maybe("created_at", Reader.time, "UTC"),
        currency=currency,
        is_test=context.is_test,
        tax_included=False,
        gross_total=added(sale, (line.gross for line in lines)),
        discount_total=added(sale, (line.discount for line in lines)),
        tax_total=tax,
        total=sale["total_price"].positive(currency) + tax,
        anomalies=() if is_plausible(occurred, context) else ("clock",),
        **_place(sale, context),
    )


def _place(sale: Reader, context: Context) -> dict[str, Any]:
    device, user = sale.maybe("register_id", Reader.id), sale.maybe("user_id", Reader.id)
    return {
        "location": Mention(external_id=context.location) if context.location else None,
        "device": None if device is None else Mention(external_id=device),
        "employee": None if user is None else Mention(external_id=user),
    }


def _line(one: Reader, currency: str) -> Line:
    quantity, price = one["quantity"].fine(), one["price"].fine()
    off = one.maybe("discount", Reader.fine) or Decimal(0)
    total = times(one, quantity, price, currency)
    gross = times(one, quantity, price + off, currency)
    tax = one.maybe("tax", Reader.fine)
    return Line(
        key=one["id"].id(),
        product=Mention(external_id=one["product_id"].id()),
        quantity=quantity,
        unit_price=price + off,
        gross=gross,
        discount=gross - total,
        total=total,
        tax_amount=None if tax is None else times(one, quantity, tax, currency),
        tax_included=False,
    )


def _payments(sale: Reader, context: Context) -> tuple[Payment, ...]:
    currency = context.currency
    return tuple(
        Payment(
            method=_method(one.maybe("name", Reader.label)),
            amount=one["amount"].amount(currency),
            currency=currency,
            external_id=one["id"].id(),
            provider_method=one.maybe("name", Reader.label),
            paid_at=one.maybe("payment_date", Reader.time, "UTC"),
            is_test=context.is_test,
        )
        for one in sale.items("register_sale_payments")
    )


def _without_change(sale: Reader, payments: Sequence[Payment]) -> tuple[Payment, ...]:
    """Return what was paid: a payment below zero is change, given back of the one before it."""
    found: list[Payment] = []
    for one in payments:
        if one.amount >= 0:
            found.append(one)
            continue
        if not found or found[-1].amount + one.amount < 0:
            raise sale["register_sale_payments"].refuse("more change than was paid")
        paid = found[-1]
        found[-1] = replace(
            paid, amount=paid.amount + one.amount, tendered=paid.amount, change=-one.amount
        )
    return tuple(found)


def _method(name: str | None) -> str:
    """Return the method of a payment by the name that the retailer gave it: it has nothing else."""
    told = (name or "").lower()
    if told == "cash":
        return "cash"
    return "card" if "card" in told else "other"


def _refund(sale: Reader, context: Context) -> RefundDraft:
    """State a return; one that is parked gave nothing back yet, one that was voided never did."""
    currency = context.currency
    occurred = sale["sale_date"].time("UTC")
    tax = abs(sale["total_tax"].amount(currency))
    state = {"completed": "completed", "voided": "failed"}.get(_state(sale), "pending")
    return RefundDraft(
        external_id=sale["id"].id(),
        version=version_of(sale),
        content=Refund(
            status=state,
            total=abs(sale["total_price"].amount(currency)) + tax,
            currency=currency,
            occurred_at=occurred,
            provider_at=sale.maybe("created_at", Reader.time, "UTC"),
            sale_external_id=sale.maybe("return_for", Reader.id),
            number=sale.maybe("invoice_number", Reader.label),
            tax_total=tax,
            lines=tuple(_returned(one, currency) for one in _products(sale)),
            payments=tuple(
                replace(one, amount=abs(one.amount)) for one in _payments(sale, context)
            ),
            is_test=context.is_test,
            anomalies=() if is_plausible(occurred, context) else ("clock",),
            **_place(sale, context),
        ),
    )


def _returned(one: Reader, currency: str) -> RefundLine:
    """Read what came back; the tax of a piece is the customer's as well."""
    quantity = abs(one["quantity"].fine())
    price = abs(one["price"].fine()) + abs(one.maybe("tax", Reader.fine) or Decimal(0))
    return RefundLine(
        product=Mention(external_id=one["product_id"].id()),
        quantity=quantity,
        total=times(one, quantity, price, currency),
    )
