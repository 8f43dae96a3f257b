"""Orders: a sale with its lines, its one payment and its refunds, replaced whole each time."""

from collections.abc import Sequence
from decimal import Decimal

from integrations.clocks import is_plausible, version, version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from integrations.schema import currency_of
from integrations.sums import added
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    Money,
    Payment,
    Rank,
    Refund,
    SaleDraft,
    Version,
)

from . import words
from .lines import line_of


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read an order as it was when it was sent."""
    return [sale(Reader(event.payload), context)]


def deleted(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read the end of an order: nothing but its id, so the first receipt dates it."""
    name = Reader(event.payload)["id"].id()
    return [SaleDraft(external_id=name, version=version(Rank.FULL, None, context), gone=True)]


def sale(order: Reader, context: Context) -> SaleDraft:
    """Read an order that was sent or listed; one in the trash is no sale while it is there."""
    name, at = order["id"].id(), _version(order, context)
    if order["status"].text() == words.TRASH:
        return SaleDraft(external_id=name, version=at, gone=True)
    currency = currency_of(order, context.currency)
    included = order["prices_include_tax"].boolean()
    lines = tuple(line_of(item, currency, included) for item in order["line_items"])
    return SaleDraft(
        external_id=name,
        version=at,
        header=_header(order, lines, currency, context),
        lines=lines,
        money=Money(
            payments=_payments(order, currency, context),
            refunds=tuple(_refund(one, currency, context) for one in order.items("refunds")),
        ),
        customer=_customer(order),
    )


def _version(order: Reader, context: Context) -> Version:
    """Order by the last change; within its second by how many refunds there are."""
    changed = words.modified(order)
    if context.answered is not None:
        return version_of_answer(changed, context)
    return version(Rank.FULL, changed, context, seq=len(list(order.items("refunds"))))


def _header(order: Reader, lines: Sequence[Line], currency: str, context: Context) -> Header:
    occurred_at = words.gmt(order["date_created_gmt"])
    included = order["prices_include_tax"].boolean()
    fees = [words.priced(fee, "total", currency, included) for fee in order.items("fee_lines")]
    reductions = [line.discount or Decimal(0) for line in lines] + [-fee for fee in fees if fee < 0]
    return Header(
        status=words.state_of(
            order["status"].text(), is_paid=order.get("date_paid_gmt") is not None
        ),
        number=order.maybe("number", Reader.label),
        occurred_at=occurred_at,
        provider_at=occurred_at,
        currency=currency,
        location=Mention(external_id=context.location) if context.location else None,
        channel="online",
        is_test=context.is_test,
        tax_included=included,
        gross_total=added(order, (line.gross or Decimal(0) for line in lines)),
        discount_total=added(order, reductions),
        service_total=added(order, (fee for fee in fees if fee > 0)),
        delivery_total=_delivery(order, currency, included),
        tax_total=order["total_tax"].positive(currency),
        total=order["total"].positive(currency),
        discounts=_discounts(order, currency, included),
        anomalies=() if is_plausible(occurred_at, context) else ("clock",),
    )


def _delivery(order: Reader, currency: str, included: bool) -> Decimal:
    net = order["shipping_total"].positive(currency)
    return net + order["shipping_tax"].positive(currency) if included else net


def _discounts(order: Reader, currency: str, included: bool) -> tuple[Discount, ...]:
    """Read the coupons, and the fees below zero by which plugins write a discount."""
    coupons = [
        Discount(
            kind="coupon",
            name=one.maybe("code", Reader.label),
            amount=words.priced(one, "discount", currency, included),
        )
        for one in order.items("coupon_lines")
    ]
    for fee in order.items("fee_lines"):
        amount = words.priced(fee, "total", currency, included)
        if amount < 0:
            coupons.append(Discount(name=fee.maybe("name", Reader.label), amount=-amount))
    return tuple(coupons)


def _payments(order: Reader, currency: str, context: Context) -> tuple[Payment, ...]:
    """Return the one payment of an order that is paid."""
    paid_at = order.maybe("date_paid_gmt", words.gmt)
    if paid_at is None:
        return ()
    gateway = order.maybe("payment_method", Reader.label)
    return (
        Payment(
            method=words.METHODS.get(gateway or "", "other"),
            amount=order["total"].positive(currency),
            currency=currency,
            external_id=order.maybe("transaction_id", Reader.label),
            provider_method=order.maybe("payment_method_title", Reader.label) or gateway,
            paid_at=paid_at,
            is_test=context.is_test,
        ),
    )


def _refund(refund: Reader, currency: str, context: Context) -> Refund:
    """Read a refund: its id, reason and total, which is negative; the order has no more of it."""
    total = -refund["total"].amount(currency)
    if total < 0:
        raise refund["total"].refuse("a refund above zero")
    return Refund(
        external_id=refund["id"].id(),
        total=abs(total),
        currency=currency,
        reason=refund.maybe("reason", Reader.label),
        is_test=context.is_test,
    )


def _customer(order: Reader) -> CustomerLink:
    """Return the link; a guest has the number 0 and is nobody of the shop's customers."""
    number = order["customer_id"].integer()
    if number == 0:
        return CustomerLink(customer=None)
    billing = order.get("billing")
    name = None if billing is None else billing.joined("first_name", "last_name")
    return CustomerLink(customer=Mention(external_id=str(number), name=name))
