"""Orders: the whole of a sale except its payments, which are transactions of their own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from integrations import parts
from integrations.clocks import is_plausible, version, version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import AMOUNT_LIMIT, Reader
from integrations.schema import currency_of
from integrations.sums import added
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    Rank,
    SaleDraft,
    Version,
)
from sales.money import round_money

from . import refunds, words

_OPEN = frozenset({"authorized", "expired", "partially_paid", "pending", "voided"})
#: Nothing was taken: cancelling such an order ends it. A cancelled one that was paid is ended by
#: its refunds.
_UNPAID = _OPEN - {"partially_paid"}
_DISCOUNT_KINDS = {
    "automatic": "promo",
    "discount_code": "coupon",
    "manual": "manual",
    "script": "promo",
}


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read an order's event."""
    return of(Reader(event.payload), context)


def of(order: Reader, context: Context) -> Sequence[Statement]:
    """Read an order: its sale, and a poorer view of each refund inside."""
    nested = list(order.items("refunds"))
    order_id = order["id"].id()
    currency = currency_of(order, context.currency)
    sale = SaleDraft(
        external_id=order_id,
        version=_version(order["updated_at"].time(), context, refunds=len(nested)),
        header=_header(order, currency, context),
        lines=_lines(order, currency),
        customer=_customer(order),
    )
    inside = replace(context, currency=currency, is_test=_is_test(order, context))
    return [sale, *(refunds.nested(one, order_id, inside) for one in nested)]


def _version(updated_at: datetime, context: Context, *, refunds: int) -> Version:
    """Return the version of an order: within a second its refunds are counted, and an answer that
    was asked for after it is the last word on it."""
    if words.asked_after(updated_at, context):
        return version_of_answer(updated_at, context)
    return version(Rank.FULL, updated_at, context, seq=refunds)


def deleted(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read the end of an order: nothing but its id, so the first receipt dates it."""
    order = Reader(event.payload)
    return [
        SaleDraft(
            external_id=order["id"].id(), version=version(Rank.FULL, None, context), gone=True
        )
    ]


def _header(order: Reader, currency: str, context: Context) -> Header:
    occurred_at, created_at = words.time_of(order), order["created_at"].time()
    return Header(
        status=_status(order),
        number=order.maybe("name", Reader.label),
        occurred_at=occurred_at,
        provider_at=created_at,
        utc_offset=words.offset_of(created_at),
        currency=currency,
        channel=words.CHANNELS.get(order.maybe("source_name", Reader.text) or "", "other"),
        is_test=_is_test(order, context),
        tax_included=order["taxes_included"].boolean(),
        gross_total=order["total_line_items_price"].positive(currency),
        discount_total=order["total_discounts"].positive(currency),
        service_total=_duties(order, currency),
        delivery_total=_delivery(order, currency),
        tip_total=order.maybe("total_tip_received", Reader.positive, currency),
        tax_total=order["total_tax"].positive(currency),
        total=order["total_price"].positive(currency),
        discounts=_discounts(order, currency),
        anomalies=() if is_plausible(occurred_at, context) else ("clock",),
        **words.place(order, context),
    )


def _is_test(order: Reader, context: Context) -> bool:
    return order.maybe("test", Reader.boolean) or context.is_test


def _status(order: Reader) -> str:
    paid = order.maybe("financial_status", Reader.text) or "pending"
    if order.get("cancelled_at") is not None:
        return "voided" if paid in _UNPAID else "completed"
    return "open" if paid in _OPEN else "completed"


def _duties(order: Reader, currency: str) -> Decimal | None:
    both = order.get("original_total_duties_set")
    return None if both is None else both["shop_money"]["amount"].positive(currency)


def _delivery(order: Reader, currency: str) -> Decimal | None:
    """Return the delivery before its discount: that one is inside ``total_discounts``."""
    lines = order.get("shipping_lines")
    if lines is None:
        return None
    return added(order, (line["price"].positive(currency) for line in lines))


def _discounts(order: Reader, currency: str) -> tuple[Discount, ...]:
    """Read the discounts, each with what it took off all lines and the delivery together."""
    return tuple(
        Discount(
            kind=_DISCOUNT_KINDS.get(one.maybe("type", Reader.text) or "", "other"),
            name=one.maybe("title", Reader.label) or one.maybe("code", Reader.label),
            percent=one.maybe("value", parts.percent) if _is_percentage(one) else None,
            amount=added(order, _allocated(order, currency, index)),
        )
        for index, one in enumerate(order.items("discount_applications"))
    )


def _is_percentage(application: Reader) -> bool:
    return application.maybe("value_type", Reader.text) == "percentage"


def _allocated(order: Reader, currency: str, index: int) -> list[Decimal]:
    return [
        allocation["amount"].positive(currency)
        for key in ("line_items", "shipping_lines")
        for line in order.items(key)
        for allocation in line.items("discount_allocations")
        if allocation["discount_application_index"].integer() == index
    ]


def _lines(order: Reader, currency: str) -> tuple[Line, ...]:
    included = order["taxes_included"].boolean()
    return tuple(_line(item, currency, included) for item in order["line_items"])


def _line(item: Reader, currency: str, included: bool) -> Line:
    title = item.maybe("title", Reader.label)
    quantity, price = item["quantity"].fine(), item["price"].fine()
    if not 0 <= quantity * price < AMOUNT_LIMIT:
        raise item.refuse("an amount out of range")
    gross = round_money(quantity * price, currency)
    discount = added(
        item, (part["amount"].positive(currency) for part in item.items("discount_allocations"))
    )
    return Line(
        key=item.maybe("id", Reader.id),
        kind="gift_card" if item.maybe("gift_card", Reader.boolean) else "good",
        product=words.mention(item, "product_id", title),
        name=_name(item, title),
        sku=item.maybe("sku", Reader.label),
        quantity=quantity,
        unit_price=price,
        gross=gross,
        discount=discount,
        total=gross - discount,
        tax_included=included,
        **words.tax_of(item, currency),
    )


def _name(item: Reader, title: str | None) -> str | None:
    """Return the name with its variant, as Shopify puts it together itself."""
    variant = item.maybe("variant_title", Reader.label)
    joined = " - ".join(part for part in (title, variant) if part)
    return item.maybe("name", Reader.label) or joined or None


def _customer(order: Reader) -> CustomerLink | None:
    """Return the link; without access to customers' data the field is missing: nothing is said."""
    if "customer" not in order.value:
        return None
    customer = order.get("customer")
    return CustomerLink(customer=None if customer is None else _person(customer))


def _person(customer: Reader) -> Mention:
    return Mention(external_id=customer["id"].id(), name=customer.joined("first_name", "last_name"))
