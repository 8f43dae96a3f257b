"""Orders: a sale with all of its checks, replaced whole each time (doc.toasttab.com, read 2026-11).

Amounts are JSON numbers in dollars. A check's ``totalAmount`` has its taxes in it and no tip, which
stands beside the amount of a payment: a sale here is what was paid, with the tip. A date of 1970 is
none.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from integrations.clocks import is_plausible, version_of_answer
from integrations.contract import Context, Statement
from integrations.reading import Reader
from integrations.sums import added
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    Money,
    Payment,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    SaleDraft,
    Version,
)

_SETTLED = frozenset({"PAID", "CLOSED"})
_METHODS = {
    "CASH": "cash",
    "CREDIT": "card",
    "GIFTCARD": "gift_card",
    "HOUSE_ACCOUNT": "account",
    "REWARDCARD": "points",
}
#: State of a payment; what is not told of is money.
_STATES = {
    "AUTHORIZED": "approved",
    "CANCELLED": "cancelled",
    "DENIED": "failed",
    "ERROR": "failed",
    "ERROR_NETWORK": "failed",
    "OPEN": "pending",
    "PROCESSING": "pending",
    "VOIDED": "cancelled",
}
_UNSET = 1970


def stated(order: Reader, place: str | None, context: Context) -> Sequence[Statement]:
    """State an order as of its last change, and the customer it names: a push names none."""
    name, at = order["guid"].id(), version_of_answer(order["modifiedDate"].time(), context)
    if _is_true(order, "deleted"):
        return (SaleDraft(external_id=name, version=at, gone=True),)
    checks = _checks(order)
    person = next(_customers(checks, at), None)
    sale = SaleDraft(
        external_id=name,
        version=at,
        header=_header(order, checks, place or context.location, context),
        lines=tuple(_lines(order, checks, context.currency)),
        money=_money(checks, context),
        customer=None
        if person is None
        else CustomerLink(customer=Mention(external_id=person.external_id)),
    )
    return (sale,) if person is None else (sale, person)


def _checks(order: Reader) -> list[Reader]:
    """Return the checks that make up an order: of a voided one all, else those that were not.

    One that was combined into another is deleted: its selections stand there.
    """
    kept = [one for one in order["checks"] if not _is_true(one, "deleted")]
    return (
        kept if _is_true(order, "voided") else [one for one in kept if not _is_true(one, "voided")]
    )


def _is_true(reader: Reader, key: str) -> bool:
    return reader.maybe(key, Reader.boolean) or False


def _header(order: Reader, checks: Sequence[Reader], place: str | None, context: Context) -> Header:
    currency = context.currency
    opened = order["openedDate"].time()
    occurred = _date(order, "closedDate") or _date(order, "paidDate") or opened
    lines = list(_lines(order, checks, currency))
    tips = [_tip(one, currency) for one in _payments(checks)]
    totals = [one["totalAmount"].positive(currency) for one in checks]
    return Header(
        status=_status(order, checks),
        number=next((one.maybe("displayNumber", Reader.label) for one in checks), None),
        occurred_at=occurred,
        provider_at=opened,
        business_date=order.maybe("businessDate", _day),
        currency=currency,
        location=None if place is None else Mention(external_id=place),
        employee=_server(order),
        channel="pos",
        is_test=context.is_test or _is_true(order, "createdInTestMode"),
        tax_included=False,
        gross_total=added(order, (line.gross for line in lines)),
        discount_total=added(order, (line.discount for line in lines)),
        service_total=added(order, _services(checks, currency)),
        tip_total=added(order, tips),
        tax_total=added(order, (one["taxAmount"].positive(currency) for one in checks)),
        total=added(order, [*totals, *tips]),
        discounts=tuple(_discounts(checks, currency)),
        anomalies=() if is_plausible(occurred, context) else ("clock",),
    )


def _status(order: Reader, checks: Sequence[Reader]) -> str:
    """Return the state of an order: open until every check of it is paid."""
    if _is_true(order, "voided") or not checks:
        return "voided"
    settled = all(one.maybe("paymentStatus", Reader.text) in _SETTLED for one in checks)
    return "completed" if settled else "open"


def _date(reader: Reader, key: str) -> datetime | None:
    found = reader.maybe(key, Reader.time)
    return None if found is None or found.year == _UNSET else found


def _day(reader: Reader) -> date:
    """Read a business date, an integer: 20260914."""
    text = str(reader.integer())
    try:
        return date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}")
    except ValueError:
        raise reader.refuse("not a date (yyyymmdd)") from None


def _server(order: Reader) -> Mention | None:
    found = order.get("server")
    return None if found is None else Mention(external_id=found["guid"].id())


def _lines(order: Reader, checks: Sequence[Reader], currency: str) -> Iterator[Line]:
    """Go over what was sold; of an order that was voided, over what would have been."""
    whole = _is_true(order, "voided")
    for check in checks:
        for one in check["selections"]:
            if whole or not _is_true(one, "voided"):
                yield _line(one, currency)


def _line(one: Reader, currency: str) -> Line:
    """Read a selection: its prices are those of all of it, with modifiers, before taxes."""
    name, quantity = one.maybe("displayName", Reader.label), one["quantity"].fine()
    total = one["price"].positive(currency)
    gross = max(one.maybe("preDiscountPrice", Reader.positive, currency) or total, total)
    item = one.get("item")
    product = None if item is None else item.maybe("guid", Reader.id)
    return Line(
        key=one["guid"].id(),
        product=None if product is None else Mention(external_id=product, name=name),
        name=name,
        quantity=quantity,
        gross=gross,
        discount=gross - total,
        total=total,
        tax_amount=one.maybe("tax", Reader.positive, currency),
        tax_included=False,
    )


def _services(checks: Sequence[Reader], currency: str) -> Iterator[Decimal]:
    for check in checks:
        for one in check.items("appliedServiceCharges"):
            yield one["chargeAmount"].amount(currency)


def _discounts(checks: Sequence[Reader], currency: str) -> Iterator[Discount]:
    """Go over the discounts of checks, which the prices of their selections have in them."""
    for check in checks:
        for one in check.items("appliedDiscounts"):
            yield Discount(
                name=one.maybe("name", Reader.label),
                amount=one.maybe("discountAmount", Reader.positive, currency),
            )


def _payments(checks: Sequence[Reader]) -> Iterator[Reader]:
    for check in checks:
        yield from check.items("payments")


def _tip(payment: Reader, currency: str) -> Decimal:
    """Return the tip of a payment that counts."""
    if _state(payment) != "completed":
        return Decimal(0)
    return payment.maybe("tipAmount", Reader.positive, currency) or Decimal(0)


def _state(payment: Reader) -> str:
    if payment.get("voidInfo") is not None:
        return "cancelled"
    return _STATES.get(payment.maybe("paymentStatus", Reader.text) or "", "completed")


def _money(checks: Sequence[Reader], context: Context) -> Money:
    payments = list(_payments(checks))
    return Money(
        payments=tuple(_payment(one, context) for one in payments),
        refunds=tuple(
            _refund(refund, one, context)
            for one in payments
            if (refund := one.get("refund")) is not None
        ),
    )


def _payment(one: Reader, context: Context) -> Payment:
    currency = context.currency
    amount = one["amount"].positive(currency)
    tip = one.maybe("tipAmount", Reader.positive, currency)
    tendered = one.maybe("amountTendered", Reader.positive, currency)
    kind = one["type"].text(50)
    is_cash = kind == "CASH" and tendered is not None and tendered >= amount
    return Payment(
        method=_METHODS.get(kind, "other"),
        status=_state(one),
        amount=amount + (tip or Decimal(0)),
        currency=currency,
        external_id=one["guid"].id(),
        provider_method=kind,
        tip=tip,
        tendered=tendered if is_cash else None,
        change=tendered - amount if is_cash and tendered is not None else None,
        paid_at=_date(one, "paidDate"),
        last4=one.maybe("last4Digits", Reader.label, 4),
        is_test=context.is_test,
    )


def _refund(refund: Reader, payment: Reader, context: Context) -> Refund:
    """Read what of a payment went back: its amount and, beside it, its tip."""
    currency = context.currency
    tip = refund.maybe("tipRefundAmount", Reader.positive, currency)
    when = _date(refund, "refundDate")
    return Refund(
        total=refund["refundAmount"].positive(currency) + (tip or Decimal(0)),
        currency=currency,
        occurred_at=when,
        provider_at=when,
        business_date=refund.maybe("refundBusinessDate", _day),
        tip_total=tip,
        payments=(
            Payment(
                method=_METHODS.get(payment["type"].text(50), "other"),
                amount=refund["refundAmount"].positive(currency) + (tip or Decimal(0)),
                currency=currency,
                provider_method=payment["type"].text(50),
            ),
        ),
        is_test=context.is_test,
    )


def _customers(checks: Sequence[Reader], at: Version) -> Iterator[ReferenceDraft]:
    for check in checks:
        told = check.get("customer")
        name = None if told is None else told.maybe("guid", Reader.id)
        if told is not None and name is not None:
            yield ReferenceDraft(
                kind=ReferenceKind.CUSTOMER,
                external_id=name,
                version=at,
                content={
                    "name": told.joined("firstName", "lastName"),
                    "phone": told.maybe("phone", Reader.label),
                    "email": told.maybe("email", Reader.label),
                },
            )
