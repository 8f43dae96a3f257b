"""A sale as either of Lightspeed's two forms tells it, and what it states.

Prices, discounts and taxes are of one piece, a price has its discount off and its tax not in it
(x-series-api.lightspeedhq.com/docs/sales_101, sales_returns, read 2026-11). A return is a sale
below zero, most often for another one; an exchange sells and takes back in one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.clocks import is_plausible
from integrations.contract import Context, Statement
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
    Version,
)

_REFUNDS = {"completed": "completed", "voided": "failed", "open": "pending"}


@dataclass(frozen=True, slots=True)
class Item:
    """A line: ``quantity`` is below zero where it came back; amounts are of one piece."""

    place: Reader
    key: str
    product: str
    quantity: Decimal
    price: Decimal
    off: Decimal
    tax: Decimal | None


@dataclass(frozen=True, slots=True)
class Told:
    """A sale with signs as they were written; ``price`` is without ``tax``, both of all of it."""

    place: Reader  # of the whole; ``paid`` is the place of the payments
    name: str
    version: Version
    status: str
    number: str | None
    occurred_at: datetime
    created_at: datetime | None
    price: Decimal
    tax: Decimal
    items: tuple[Item, ...]
    payments: tuple[Payment, ...]
    paid: Reader
    device: str | None
    employee: str | None
    customer: str | None
    original: str | None
    is_return: bool


def stated(told: Told, context: Context) -> Sequence[Statement]:
    """State a sale, a return, or an exchange."""
    sold = any(one.quantity > 0 for one in told.items)
    is_return = not sold and (told.is_return or told.price < 0)
    return (_return(told, context),) if is_return else (_sale(told, context),)


def item(
    reader: Reader, product: Reader, price: Reader, off: Reader | None, tax: Reader | None
) -> Item:
    """Read a line by its fields, wherever they stand."""
    return Item(
        place=reader,
        key=reader["id"].id(),
        product=product.id(),
        quantity=reader["quantity"].fine(),
        price=price.fine(),
        off=Decimal(0) if off is None else off.fine(),
        tax=None if tax is None else tax.fine(),
    )


def payment(reader: Reader, name: str | None, date: str, context: Context) -> Payment:
    """Read a payment by the name that the retailer gave its method, and the key of its date."""
    return Payment(
        method=_method(name),
        amount=reader["amount"].amount(context.currency),
        currency=context.currency,
        external_id=reader["id"].id(),
        provider_method=name,
        paid_at=reader.maybe(date, Reader.time, "UTC"),
        is_test=context.is_test,
    )


def _method(name: str | None) -> str:
    """Return the method of a payment by the name that the retailer gave it: it has nothing else."""
    said = (name or "").lower()
    if said == "cash":
        return "cash"
    return "card" if "card" in said else "other"


def _sale(told: Told, context: Context) -> SaleDraft:
    """State a sale. What is taken back in it is a refund of it: its payments are for the rest."""
    currency = context.currency
    lines = tuple(_line(one, currency) for one in told.items if one.quantity >= 0)
    back = [one for one in told.items if one.quantity < 0]
    returned = _sum(told, back, currency)
    whole = told.price + told.tax + returned
    if whole < 0 or told.tax + _taxes(told, back, currency) < 0:
        raise told.place.refuse("less than nothing was sold")
    return SaleDraft(
        external_id=told.name,
        version=told.version,
        header=Header(
            status=told.status,
            tax_included=False,
            gross_total=added(told.place, (line.gross for line in lines)),
            discount_total=added(told.place, (line.discount for line in lines)),
            tax_total=told.tax + _taxes(told, back, currency),
            total=whole,
            **_circumstances(told, context),
        ),
        lines=lines,
        money=_exchanged(told, back, context) if back else Money(payments=_without_change(told)),
        customer=CustomerLink(
            customer=None if told.customer is None else Mention(external_id=told.customer)
        ),
    )


def _return(told: Told, context: Context) -> RefundDraft:
    """State a return; one that is parked gave nothing back yet, one that was voided never did."""
    return RefundDraft(
        external_id=told.name,
        version=told.version,
        content=Refund(
            status=_REFUNDS[told.status],
            total=abs(told.price) + abs(told.tax),
            sale_external_id=told.original,
            tax_total=abs(told.tax),
            lines=tuple(_returned(one, context.currency) for one in told.items),
            payments=tuple(replace(one, amount=abs(one.amount)) for one in told.payments),
            **_circumstances(told, context),
        ),
    )


def _exchanged(told: Told, back: Sequence[Item], context: Context) -> Money:
    """Return the payments of an exchange, and the refund in it: its money paid for what was sold,
    and what is below zero among the payments was given back."""
    refund = Refund(
        status=_REFUNDS[told.status],
        total=_sum(told, back, context.currency),
        tax_total=_taxes(told, back, context.currency),
        lines=tuple(_returned(one, context.currency) for one in back),
        payments=tuple(replace(one, amount=-one.amount) for one in told.payments if one.amount < 0),
        **_circumstances(told, context),
    )
    paid = tuple(one for one in told.payments if one.amount >= 0)
    return Money(payments=paid, refunds=(refund,))


def _circumstances(told: Told, context: Context) -> dict[str, Any]:
    return {
        "number": told.number,
        "occurred_at": told.occurred_at,
        "provider_at": told.created_at,
        "currency": context.currency,
        "location": Mention(external_id=context.location) if context.location else None,
        "device": None if told.device is None else Mention(external_id=told.device),
        "employee": None if told.employee is None else Mention(external_id=told.employee),
        "is_test": context.is_test,
        "anomalies": () if is_plausible(told.occurred_at, context) else ("clock",),
    }


def _line(one: Item, currency: str) -> Line:
    total = times(one.place, one.quantity, one.price, currency)
    gross = times(one.place, one.quantity, one.price + one.off, currency)
    return Line(
        key=one.key,
        product=Mention(external_id=one.product),
        quantity=one.quantity,
        unit_price=one.price + one.off,
        gross=gross,
        discount=gross - total,
        total=total,
        tax_amount=None if one.tax is None else times(one.place, one.quantity, one.tax, currency),
        tax_included=False,
    )


def _returned(one: Item, currency: str) -> RefundLine:
    """Return what came back; the tax of a piece is the customer's as well."""
    price = abs(one.price) + abs(one.tax or Decimal(0))
    quantity = abs(one.quantity)
    return RefundLine(
        product=Mention(external_id=one.product),
        quantity=quantity,
        total=times(one.place, quantity, price, currency),
    )


def _sum(told: Told, items: Sequence[Item], currency: str) -> Decimal:
    return added(told.place, (_returned(one, currency).total for one in items))


def _taxes(told: Told, items: Sequence[Item], currency: str) -> Decimal:
    taxes = ((one, abs(one.tax or Decimal(0))) for one in items)
    return added(
        told.place, (times(one.place, abs(one.quantity), tax, currency) for one, tax in taxes)
    )


def _without_change(told: Told) -> tuple[Payment, ...]:
    """Return what was paid: a payment below zero is change, given back of the one before it."""
    found: list[Payment] = []
    for one in told.payments:
        if one.amount >= 0:
            found.append(one)
            continue
        if not found or found[-1].amount + one.amount < 0:
            raise told.paid.refuse("more change than was paid")
        paid = found[-1]
        found[-1] = replace(
            paid, amount=paid.amount + one.amount, tendered=paid.amount, change=-one.amount
        )
    return tuple(found)
