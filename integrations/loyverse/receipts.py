"""Receipts: a SALE is a sale with its payments, a REFUND a refund of its own.

Amounts are JSON numbers of the merchant's currency, which no receipt names: the source's. Which
sign those of a refund have nobody has seen, and its type says all there is to know: they are taken
as absolute.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.clocks import is_plausible, version_of_answer
from integrations.contract import Context, Statement
from integrations.reading import Reader
from integrations.sums import added, times
from sales.drafts import (
    CustomerLink,
    Discount,
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
from sales.money import allocate

_TYPES = frozenset({"SALE", "REFUND"})
#: On top of prices, or inside them.
_TAXES = frozenset({"ADDED", "INCLUDED"})
#: Type of a payment → method; whatever else there is, is a terminal of some bank or a name of one's
#: own.
_METHODS = {
    "CASH": "cash",
    "CARD": "card",
    "INTEGRATEDCARD": "card",
    "NONINTEGRATEDCARD": "card",
    "SUMUP": "card",
    "WORLDPAY": "card",
    "ZETTLE": "card",
}


def stated(receipt: Reader, context: Context) -> Sequence[Statement]:
    """State what a receipt is now: it was made, changed or cancelled."""
    if receipt["receipt_type"].one_of(_TYPES) == "REFUND":
        return (_refund(receipt, context),)
    return (_sale(receipt, context),)


def _sale(receipt: Reader, context: Context) -> SaleDraft:
    items = receipt["line_items"]
    lines = tuple(line for one in items for line in _lines(one, context.currency))
    payments = tuple(
        _payment(one, one["money_amount"].positive(context.currency), context)
        for one in receipt.items("payments")
    )
    customer = receipt.maybe("customer_id", Reader.id)
    return SaleDraft(
        external_id=receipt["receipt_number"].id(),
        version=version_of_answer(receipt["updated_at"].time(), context),
        header=_header(receipt, lines, payments, context),
        lines=lines,
        money=Money(payments=payments),
        customer=CustomerLink(customer=None if customer is None else Mention(external_id=customer)),
    )


def _header(
    receipt: Reader, lines: Sequence[Line], payments: Sequence[Payment], context: Context
) -> Header:
    currency = context.currency
    occurred = receipt["receipt_date"].time()
    tip = receipt.maybe("tip", Reader.positive, currency)
    return Header(
        status="completed" if receipt.get("cancelled_at") is None else "voided",
        number=receipt["receipt_number"].text(),
        occurred_at=occurred,
        provider_at=receipt["created_at"].time(),
        currency=currency,
        channel="pos",
        is_test=context.is_test,
        gross_total=added(receipt, (line.gross for line in lines)),
        discount_total=receipt["total_discount"].positive(currency),
        service_total=receipt.maybe("surcharge", Reader.positive, currency),
        tip_total=tip,
        total=_total(receipt, payments, tip, currency),
        discounts=tuple(_discount(one, currency) for one in receipt.items("total_discounts")),
        anomalies=() if is_plausible(occurred, context) else ("clock",),
        **_place(receipt, context),
        **_taxes(receipt, currency),
    )


def _total(
    receipt: Reader, payments: Sequence[Payment], tip: Decimal | None, currency: str
) -> Decimal:
    """Return what was to be paid. Whether ``total_money`` holds the tip is not documented, and the
    payments show it: together they are either the total or the total and the tip."""
    total = receipt["total_money"].positive(currency)
    paid = added(receipt, (one.amount for one in payments))
    return total + tip if tip and paid == total + tip else total


def _place(receipt: Reader, context: Context) -> dict[str, Any]:
    """Return shop, till and employee; the source's place where the receipt names no shop."""
    found = {
        name: receipt.maybe(key, Reader.id)
        for name, key in (
            ("location", "store_id"),
            ("device", "pos_device_id"),
            ("employee", "employee_id"),
        )
    }
    found["location"] = found["location"] or context.location
    return {name: None if one is None else Mention(external_id=one) for name, one in found.items()}


def _taxes(receipt: Reader, currency: str) -> dict[str, Any]:
    """Return where the taxes of a receipt are and what they sum up to: with one that is added to
    prices only those, for the others are inside them."""
    taxes = [
        (one["type"].one_of(_TAXES), one["money_amount"].amount(currency))
        for one in receipt.items("total_taxes")
    ]
    outside = [amount for kind, amount in taxes if kind == "ADDED"]
    total = added(receipt, outside or (amount for _, amount in taxes))
    if not taxes:
        return {"tax_total": receipt.maybe("total_tax", Reader.positive, currency)}
    return {"tax_included": not outside, "tax_total": abs(total)}


def _discount(one: Reader, currency: str) -> Discount:
    kind = one.maybe("type", Reader.text, 50)
    return Discount(
        kind="loyalty" if kind == "DISCOUNT_BY_POINTS" else "other",
        name=one.maybe("name", Reader.label),
        percent=one.maybe("percentage", parts.percent),
        amount=one.maybe("money_amount", Reader.positive, currency),
    )


def _lines(item: Reader, currency: str) -> Sequence[Line]:
    """Return a line, and its modifiers as lines of their own where what they cost is in its gross:
    its discount and its taxes are spread by what each costs."""
    whole = _line(item, currency)
    modifiers = list(item.items("line_modifiers"))
    costs = [one.maybe("money_amount", Reader.positive, currency) for one in modifiers]
    own = times(item, item["quantity"].fine(), item["price"].fine(), currency)
    known = [cost for cost in costs if cost is not None]
    if whole.gross is None or not known or own + added(item, known) != whole.gross:
        return (whole,)
    grosses = [own, *known]
    off = allocate(whole.discount or Decimal(0), grosses, currency)
    taxes = [None] * len(grosses)
    shares = allocate(whole.tax_amount, grosses, currency) if whole.tax_amount else taxes
    told = [one for one, cost in zip(modifiers, costs, strict=True) if cost is not None]
    found = [whole, *(_modifier(one, item, whole) for one in told)]
    return [
        replace(line, gross=gross, discount=less, total=gross - less, tax_amount=tax)
        for line, gross, less, tax in zip(found, grosses, off, shares, strict=True)
    ]


def _modifier(modifier: Reader, item: Reader, whole: Line) -> Line:
    """Read a modifier: so many of it as of its line."""
    names = (modifier.maybe(key, Reader.label) for key in ("name", "option"))
    return replace(
        whole,
        key=modifier.maybe("id", Reader.id),
        parent_key=whole.key,
        product=None,
        name=": ".join(filter(None, names)) or None,
        sku=None,
        unit_price=modifier.maybe("price", Reader.fine),
        cost=None,
    )


def _line(item: Reader, currency: str) -> Line:
    """Read a line: what it costs is before discounts less these, taxes on their own side."""
    name = _named(item)
    gross = item["gross_total_money"].positive(currency)
    discount = item.maybe("total_discount", Reader.positive, currency) or Decimal("0.00")
    return Line(
        key=item.maybe("id", Reader.id),
        product=_product(item, name),
        name=name,
        sku=item.maybe("sku", Reader.label),
        quantity=item["quantity"].fine(),
        unit_price=item["price"].fine(),
        gross=gross,
        discount=discount,
        total=gross - discount,
        cost=item.maybe("cost_total", Reader.amount, currency) or None,
        **_line_taxes(item, currency),
    )


def _named(item: Reader) -> str | None:
    """Return the name of what was sold, with its variant."""
    names = (item.maybe(key, Reader.label) for key in ("item_name", "variant_name"))
    return " / ".join(filter(None, names)) or None


def _product(item: Reader, name: str | None) -> Mention | None:
    own = item.maybe("variant_id", Reader.id) or item.maybe("item_id", Reader.id)
    return None if own is None else Mention(external_id=own, name=name)


def _line_taxes(item: Reader, currency: str) -> dict[str, Any]:
    taxes = list(item.items("line_taxes"))
    if not taxes:
        return {}
    rates = [one.maybe("rate", parts.percent) for one in taxes]
    amount = abs(added(item, (one["money_amount"].amount(currency) for one in taxes)))
    inside = all(one["type"].one_of(_TAXES) == "INCLUDED" for one in taxes)
    return {**parts.taxed(rates, amount), "tax_included": inside}


def _payment(one: Reader, amount: Decimal, context: Context) -> Payment:
    return Payment(
        method=_METHODS.get(one["type"].text(50), "other"),
        amount=amount,
        currency=context.currency,
        provider_method=one.maybe("name", Reader.label),
        paid_at=one.maybe("paid_at", Reader.time),
        is_test=context.is_test,
    )


def _refund(receipt: Reader, context: Context) -> RefundDraft:
    """State a refund; one that was cancelled gave nothing back."""
    currency = context.currency
    occurred = receipt["receipt_date"].time()
    return RefundDraft(
        external_id=receipt["receipt_number"].id(),
        version=version_of_answer(receipt["updated_at"].time(), context),
        content=Refund(
            status="completed" if receipt.get("cancelled_at") is None else "failed",
            total=abs(receipt["total_money"].amount(currency)),
            currency=currency,
            occurred_at=occurred,
            provider_at=receipt["created_at"].time(),
            sale_external_id=receipt.maybe("refund_for", Reader.id),
            number=receipt["receipt_number"].text(),
            tax_total=_absolute(receipt, "total_tax", currency),
            lines=tuple(_refund_line(one, currency) for one in receipt["line_items"]),
            payments=tuple(
                _payment(one, abs(one["money_amount"].amount(currency)), context)
                for one in receipt.items("payments")
            ),
            is_test=context.is_test,
            anomalies=() if is_plausible(occurred, context) else ("clock",),
            **_place(receipt, context),
        ),
    )


def _absolute(receipt: Reader, key: str, currency: str) -> Decimal | None:
    found = receipt.maybe(key, Reader.amount, currency)
    return None if found is None else abs(found)


def _refund_line(item: Reader, currency: str) -> RefundLine:
    name = _named(item)
    gross = abs(item["gross_total_money"].amount(currency))
    discount = _absolute(item, "total_discount", currency) or Decimal(0)
    return RefundLine(
        product=_product(item, name),
        name=name,
        quantity=abs(item["quantity"].fine()),
        total=gross - discount + _on_top(item, currency),
    )


def _on_top(item: Reader, currency: str) -> Decimal:
    """Return the taxes that are added to a line: the customer gets them back as well."""
    added_ones = (
        abs(one["money_amount"].amount(currency))
        for one in item.items("line_taxes")
        if one["type"].one_of(_TAXES) == "ADDED"
    )
    return added(item, added_ones)
