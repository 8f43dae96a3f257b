"""Purchases: a sale, or a refund where it is marked as one: then every amount is below zero.

Amounts are whole numbers of the currency's smallest unit, quantities texts. A tip is inside the
amount of a payment (purchase.adoc of github.com/iZettle/api-documentation, read 2026-11).
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.clocks import is_plausible, version
from integrations.contract import Context
from integrations.reading import Reader
from integrations.schema import currency_of
from integrations.sums import added, times
from sales.drafts import (
    Header,
    Line,
    Mention,
    Money,
    Payment,
    Rank,
    Refund,
    RefundDraft,
    RefundLine,
    SaleDraft,
)
from sales.money import allocate, from_minor

_METHODS = {
    "IZETTLE_CARD": "card",
    "IZETTLE_CARD_ONLINE": "online",
    "IZETTLE_CASH": "cash",
    "GIFTCARD": "gift_card",
    "PAYPAL": "online",
}


def stated(purchase: Reader, context: Context) -> SaleDraft | RefundDraft:
    """State a purchase; it never changes."""
    if purchase.maybe("refund", Reader.boolean):
        return _refund(purchase, context)
    return _sale(purchase, context)


def _name(purchase: Reader) -> str:
    """Return the id that refunds name it by."""
    return purchase.maybe("purchaseUUID1", Reader.id) or purchase["purchaseUuid"].id()


def _sale(purchase: Reader, context: Context) -> SaleDraft:
    currency = currency_of(purchase, context.currency)
    payments = tuple(_payment(one, currency, context) for one in purchase.items("payments"))
    bare = tuple(_line(one, purchase, currency) for one in purchase["products"])
    header = _header(purchase, bare, payments, context)
    return SaleDraft(
        external_id=_name(purchase),
        version=version(Rank.FULL, purchase["timestamp"].millis(), context),
        header=header,
        lines=_discounted(bare, header.discount_total, currency),
        money=Money(payments=payments),
    )


def _header(
    purchase: Reader, lines: Sequence[Line], payments: Sequence[Payment], context: Context
) -> Header:
    currency = currency_of(purchase, context.currency)
    occurred = purchase["created"].time()
    gross = added(purchase, (line.gross for line in lines))
    tip = added(purchase, (one.tip for one in payments))
    tax = _absolute(purchase, "vatAmount", currency)
    inside = _is_inside(purchase)
    total = added(purchase, (one.amount for one in payments))
    if not payments:
        total = purchase["amount"].minor(currency)
    discount = gross + tip - total + (Decimal(0) if inside is not False else tax or Decimal(0))
    return Header(
        number=str(purchase["purchaseNumber"].integer()),
        occurred_at=occurred,
        provider_at=purchase["timestamp"].millis(),
        currency=currency,
        channel="pos",
        is_test=context.is_test,
        tax_included=inside,
        gross_total=gross,
        discount_total=discount if discount >= 0 else None,
        tip_total=tip,
        tax_total=tax,
        total=total,
        anomalies=() if is_plausible(occurred, context) else ("clock",),
        **_place(purchase, context),
    )


def _is_inside(purchase: Reader) -> bool | None:
    """Say whether prices have the tax in them; None where it is not said."""
    mode = purchase.maybe("taxationMode", Reader.text)
    return {"INCLUSIVE": True, "EXCLUSIVE": False}.get(mode or "")


def _place(purchase: Reader, context: Context) -> dict[str, Any]:
    user = purchase.maybe("userUuid", Reader.id)
    return {
        "location": Mention(external_id=context.location) if context.location else None,
        "employee": None
        if user is None
        else Mention(external_id=user, name=purchase.maybe("userDisplayName", Reader.label)),
    }


def _absolute(reader: Reader, key: str, currency: str) -> Decimal | None:
    found = reader.get(key)
    return None if found is None else abs(from_minor(found.integer(), currency))


def _line(product: Reader, purchase: Reader, currency: str) -> Line:
    """Read a product as it was before discounts."""
    name = _named(product)
    quantity = abs(product["quantity"].fine())
    price = abs(product["unitPrice"].minor(currency))
    return Line(
        key=product.maybe("id", Reader.id),
        product=_product(product, name),
        name=name,
        sku=product.maybe("sku", Reader.label),
        quantity=quantity,
        unit_price=price,
        gross=times(product, quantity, price, currency),
        **_tax(product, purchase),
    )


def _named(product: Reader) -> str | None:
    names = (product.maybe(key, Reader.label) for key in ("name", "variantName"))
    return " / ".join(filter(None, names)) or None


def _product(product: Reader, name: str | None) -> Mention | None:
    own = product.maybe("variantUuid", Reader.id) or product.maybe("productUuid", Reader.id)
    return None if own is None else Mention(external_id=own, name=name)


def _tax(product: Reader, purchase: Reader) -> dict[str, Any]:
    rate = product.maybe("vatPercentage", parts.percent)
    if rate is None:
        return {}
    return {**parts.taxed([rate], None), "tax_included": _is_inside(purchase)}


def _discounted(lines: Sequence[Line], discount: Decimal | None, currency: str) -> tuple[Line, ...]:
    """Spread what was taken off the purchase over its lines; where that is not known, their own
    share is not either."""
    grosses = [line.gross or Decimal(0) for line in lines]
    if discount is None or discount > sum(grosses):
        return tuple(lines)
    shares = allocate(discount, grosses, currency)
    return tuple(
        replace(line, discount=share, total=gross - share)
        for line, gross, share in zip(lines, grosses, shares, strict=True)
    )


def _payment(one: Reader, currency: str, context: Context) -> Payment:
    """Read a payment, its tip inside; of a refund below zero."""
    kind = one["type"].text(50)
    attributes = one.get("attributes")
    tip = one.get("gratuityAmount")
    return Payment(
        method=_METHODS.get(kind, "other"),
        amount=abs(one["amount"].minor(currency)),
        currency=currency,
        external_id=one["uuid"].id(),
        provider_method=kind,
        tip=None if tip is None else abs(tip.minor(currency)),
        tendered=_absolute(attributes, "handedAmount", currency) if attributes else None,
        change=_absolute(attributes, "changeAmount", currency) if attributes else None,
        is_test=context.is_test,
    )


def _refund(purchase: Reader, context: Context) -> RefundDraft:
    currency = currency_of(purchase, context.currency)
    occurred = purchase["created"].time()
    payments = tuple(_payment(one, currency, context) for one in purchase.items("payments"))
    total = abs(purchase["amount"].minor(currency))
    return RefundDraft(
        external_id=_name(purchase),
        version=version(Rank.FULL, purchase["timestamp"].millis(), context),
        content=Refund(
            total=total,
            currency=currency,
            occurred_at=occurred,
            provider_at=purchase["timestamp"].millis(),
            sale_external_id=purchase.maybe("refundsPurchaseUUID1", Reader.id),
            number=str(purchase["purchaseNumber"].integer()),
            tax_total=_absolute(purchase, "vatAmount", currency),
            lines=_returned(purchase, total, currency),
            payments=payments,
            is_test=context.is_test,
            anomalies=() if is_plausible(occurred, context) else ("clock",),
            **_place(purchase, context),
        ),
    )


def _returned(purchase: Reader, total: Decimal, currency: str) -> tuple[RefundLine, ...]:
    """Read what came back: the total, spread by what it cost before discounts."""
    lines = [_line(one, purchase, currency) for one in purchase["products"]]
    shares = allocate(total, [line.gross or Decimal(0) for line in lines], currency)
    return tuple(
        RefundLine(product=line.product, name=line.name, quantity=line.quantity, total=share)
        for line, share in zip(lines, shares, strict=True)
    )
