"""Purchases: a sale, or a refund where it is marked as one: then every amount is below zero.

Amounts are whole numbers of the currency's smallest unit, quantities texts. A tip is inside the
amount of a payment (purchase.adoc of github.com/iZettle/api-documentation, read 2026-11).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
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
    Version,
)
from sales.money import allocate, from_minor

_METHODS = {
    "IZETTLE_CARD": "card",
    "IZETTLE_CARD_ONLINE": "online",
    "IZETTLE_CASH": "cash",
    "GIFTCARD": "gift_card",
    "PAYPAL": "online",
}
#: Where it was sold; all else is the app of a till.
_CHANNELS = {"WEB_SHOP": "online"}


def stated(purchase: Reader, context: Context, *, rank: Rank) -> SaleDraft | RefundDraft:
    """State a purchase; it never changes, and who sold it only a message says."""
    is_refund = purchase.maybe("refund", Reader.boolean) or purchase["amount"].integer() < 0
    at = version(rank, _moment(purchase["timestamp"]), context)
    return _refund(purchase, at, context) if is_refund else _sale(purchase, at, context)


def _moment(field: Reader) -> datetime:
    """Read the time of a purchase: milliseconds in a message, a text in a list."""
    return field.time() if isinstance(field.value, str) else field.millis()


def _created(purchase: Reader) -> datetime:
    """Return when a purchase was made; not every list says so."""
    return purchase.maybe("created", Reader.time) or _moment(purchase["timestamp"])


def _name(purchase: Reader) -> str:
    """Return the id that refunds name it by."""
    return purchase.maybe("purchaseUUID1", Reader.id) or purchase["purchaseUuid"].id()


def _sale(purchase: Reader, at: Version, context: Context) -> SaleDraft:
    currency = currency_of(purchase, context.currency)
    payments = tuple(_payment(one, currency, context) for one in purchase.items("payments"))
    bare = tuple(_line(one, purchase, currency) for one in purchase["products"])
    header = _header(purchase, bare, payments, context)
    return SaleDraft(
        external_id=_name(purchase),
        version=at,
        header=header,
        lines=_discounted(bare, header.discount_total, currency),
        money=Money(payments=payments),
    )


def _header(
    purchase: Reader, lines: Sequence[Line], payments: Sequence[Payment], context: Context
) -> Header:
    currency = currency_of(purchase, context.currency)
    occurred = _created(purchase)
    gross = added(purchase, (line.gross for line in lines))
    tip = added(purchase, (one.tip for one in payments))
    tax = _absolute(purchase, "vatAmount", currency)
    inside = _is_inside(purchase)
    total = added(purchase, (one.amount for one in payments))
    if not payments:
        total = purchase["amount"].minor(currency)
    service = _service(purchase, currency)
    on_top = tip + service + (Decimal(0) if inside is not False else tax or Decimal(0))
    discount = gross + on_top - total
    return Header(
        number=str(purchase["purchaseNumber"].integer()),
        occurred_at=occurred,
        provider_at=_moment(purchase["timestamp"]),
        currency=currency,
        channel=_CHANNELS.get(purchase.maybe("source", Reader.text) or "", "pos"),
        is_test=context.is_test,
        tax_included=inside,
        gross_total=gross,
        discount_total=discount if discount >= 0 else None,
        service_total=service or None,
        tip_total=tip,
        tax_total=tax,
        total=total,
        anomalies=() if is_plausible(occurred, context) else ("clock",),
        **_place(purchase, context),
    )


def _service(purchase: Reader, currency: str) -> Decimal:
    """Return what was charged beside the products: of a web shop the delivery."""
    charge = purchase.get("serviceCharge")
    if charge is None:
        return Decimal(0)
    times_charged = abs(charge["quantity"].fine()) if charge.get("quantity") else Decimal(1)
    return times(charge, times_charged, abs(charge["amount"].minor(currency)), currency)


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
    """Read a product with the discount of its own; what was taken off the whole comes later."""
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
        discount=_absolute(product, "discountValue", currency),
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
    """Spread what was taken off the purchase, beyond the lines' own discounts, over what is left
    of them; where that is not known, their share of it is not either."""
    left = _left(lines)
    rest = None if discount is None else discount - sum(line.discount or 0 for line in lines)
    if rest is None or not 0 <= rest <= sum(left):
        return tuple(replace(line, discount=None) for line in lines)
    shares = allocate(rest, left, currency)
    return tuple(
        replace(line, discount=(line.discount or Decimal(0)) + share, total=one - share)
        for line, one, share in zip(lines, left, shares, strict=True)
    )


def _left(lines: Sequence[Line]) -> list[Decimal]:
    """Return what lines cost after their own discounts, never less than nothing."""
    return [
        max((line.gross or Decimal(0)) - (line.discount or Decimal(0)), Decimal(0))
        for line in lines
    ]


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


def _refund(purchase: Reader, at: Version, context: Context) -> RefundDraft:
    currency = currency_of(purchase, context.currency)
    occurred = _created(purchase)
    payments = tuple(_payment(one, currency, context) for one in purchase.items("payments"))
    total = abs(purchase["amount"].minor(currency))
    return RefundDraft(
        external_id=_name(purchase),
        version=at,
        content=Refund(
            total=total,
            currency=currency,
            occurred_at=occurred,
            provider_at=_moment(purchase["timestamp"]),
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
    """Read what came back: the total, spread by what it cost after discounts of its own."""
    lines = [_line(one, purchase, currency) for one in purchase["products"]]
    shares = allocate(total, _left(lines), currency)
    return tuple(
        RefundLine(product=line.product, name=line.name, quantity=line.quantity, total=share)
        for line, share in zip(lines, shares, strict=True)
    )
