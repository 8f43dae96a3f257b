"""Orders: ``GET /api/v5/orders/{id}`` as a sale of kind *deal*, with its payments.

An order has no time of its last change: all of it is ordered by when it was read. Times are of the
account's zone, which is the source's.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from integrations import parts, sums
from integrations.clocks import is_plausible, version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import (
    CustomerLink,
    Header,
    Line,
    Mention,
    Money,
    ReferenceDraft,
    ReferenceKind,
    SaleDraft,
    Version,
)
from sales.money import is_currency

from . import words


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State an order and its customer, who is told in full."""
    found: list[Statement] = []
    for answer in Reader(event.payload)["answers"]:
        order, read = answer["order"], version_of_answer(None, context)
        customer = order.get("customer")
        found += [_order(order, customer, read, context)]
        found += [] if customer is None else _person(customer, read)
    return found


def _order(order: Reader, customer: Reader | None, read: Version, context: Context) -> SaleDraft:
    currency = _currency(order, context)
    lines = tuple(_line(item, currency) for item in words.items(order, "items"))
    paid = tuple(words.payment(one, currency, context) for one in words.items(order, "payments"))
    link = None if customer is None else Mention(external_id=customer["id"].number())
    return SaleDraft(
        external_id=order["id"].number(),
        version=read,
        header=_header(order, lines, currency, context),
        lines=lines,
        money=Money(payments=paid),
        customer=CustomerLink(customer=link),
    )


def _header(order: Reader, lines: Sequence[Line], currency: str, context: Context) -> Header:
    status = words.status_of(order, context)
    created = order["createdAt"].time(context.timezone)
    moved = order.maybe("statusUpdatedAt", Reader.time, context.timezone)
    occurred = moved or created if status == "completed" else created
    delivery = order.get("delivery")
    place = order.maybe("site", Reader.label) or context.location
    manager = order.get("managerId")
    nothing = Decimal("0.00")  # what an order without items adds up to
    return Header(
        kind="deal",
        status=status,
        number=order.maybe("number", Reader.label),
        occurred_at=occurred,
        provider_at=created,
        currency=currency,
        location=None if place is None else Mention(external_id=place),
        employee=None if manager is None else Mention(external_id=manager.number()),
        channel="crm",
        is_test=context.is_test,
        gross_total=sums.total_of(order, [nothing, *(line.gross for line in lines)]),
        discount_total=sums.total_of(order, [nothing, *(line.discount for line in lines)]),
        delivery_total=None
        if delivery is None
        else delivery.maybe("cost", Reader.positive, currency),
        total=order.maybe("totalSumm", Reader.positive, currency),
        anomalies=() if is_plausible(occurred, context) else ("clock",),
    )


def _currency(order: Reader, context: Context) -> str:
    """Return the order's currency, or the source's: older accounts have but one."""
    child = order.get("currency")
    if child is None:
        return context.currency
    if not is_currency(child.text(10)):
        raise child.refuse("not a currency of ISO-4217")
    return child.text(10)


def _line(item: Reader, currency: str) -> Line:
    """Read an item; ``discountTotal`` is what all discounts together take off one of it."""
    quantity, price = parts.quantity(item["quantity"]), parts.quantity(item["initialPrice"])
    off = min(item.maybe("discountTotal", parts.quantity) or Decimal(0), price)
    gross, total = (sums.times(item, quantity, one, currency) for one in (price, price - off))
    offer = item.get("offer")
    name = _name(item, offer)
    return Line(
        key=item["id"].number(),
        product=_product(offer, name),
        name=name,
        sku=None if offer is None else offer.maybe("article", Reader.label),
        quantity=quantity,
        unit_price=price,
        gross=gross,
        discount=gross - total,
        total=total,
        **words.tax_of(item),
    )


def _name(item: Reader, offer: Reader | None) -> str | None:
    names: list[str | None] = [item.maybe("productName", Reader.label)]
    if offer is not None:
        names = [offer.maybe(key, Reader.label) for key in ("displayName", "name")] + names
    return next(filter(None, names), None)


def _product(offer: Reader | None, name: str | None) -> Mention | None:
    number = None if offer is None else offer.maybe("id", Reader.number)
    return None if number is None else Mention(external_id=number, name=name)


def _person(customer: Reader, read: Version) -> Sequence[ReferenceDraft]:
    """State a customer; a company has contacts of its own, so that it is only linked."""
    if customer.maybe("type", Reader.text, 100) not in (None, "customer"):
        return ()
    phones = [one.maybe("number", Reader.label) for one in words.items(customer, "phones")]
    content: dict[str, Any] = {
        "name": customer.joined("lastName", "firstName", "patronymic"),
        "phone": next(filter(None, phones), None),
        "email": customer.maybe("email", Reader.label),
    }
    kind, name = ReferenceKind.CUSTOMER, customer["id"].number()
    return [ReferenceDraft(kind=kind, external_id=name, version=read, content=content)]
