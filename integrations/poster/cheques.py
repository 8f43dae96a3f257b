"""Cheques: the answers of dash.getTransaction and dash.getTransactionProducts as a sale.

Every number is a text, amounts are hundredths. A cheque has no clock: it is stated as of the time
of asking.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.clocks import is_plausible, version_of_answer
from integrations.contract import Context, Event, Read, Statement
from integrations.reading import Reader
from integrations.sums import kopecks, signed_kopecks, total_of
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    Money,
    Payment,
    SaleDraft,
)

from . import products

#: 0 and 4 are online orders that wait, and that were cancelled.
_STATUS = {"0": "open", "1": "open", "2": "completed", "3": "voided", "4": "voided"}
_PAYMENT_STATUS = {"open": "pending", "completed": "completed", "voided": "cancelled"}
#: What was paid → how, and where the tip of it stands, if anywhere.
_PAID: Mapping[str, tuple[str, str]] = {
    "payed_cash": ("cash", "tips_cash"),
    "payed_card": ("card", "tips_card"),
    "payed_cert": ("gift_card", ""),
    "payed_ewallet": ("prepaid", ""),
    "payed_third_party": ("other", ""),
}
_DELIVERY = "3"


def listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Ask for every cheque of a page: a list has neither products nor names."""
    return [
        Read("transaction", cheque["transaction_id"].number())
        for page in Reader(event.payload)["answers"]
        for cheque in page["response"]
    ]


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a cheque as of when it was asked for; raises PayloadUnrecognised."""
    answers = Reader(event.payload)["answers"]
    found = list(answers)
    cheques = list(found[0]["response"]) if found else []
    if len(cheques) != 1:
        raise answers.refuse("not one cheque")
    return [_sale(cheques[0], products.named(found[1:]), context)]


def _sale(cheque: Reader, names: products.Names, context: Context) -> SaleDraft:
    status = _status(cheque["status"])
    closed = status == "completed"
    lines = products.lines(cheque, names, context, closed=closed)
    payments = _payments(cheque, status, context.currency)
    return SaleDraft(
        external_id=cheque["transaction_id"].number(),
        version=version_of_answer(None, context),
        header=Header(
            status=status,
            number=cheque["transaction_id"].number(),
            currency=context.currency,
            location=_place(cheque, context),
            employee=_mention(cheque, "user_id", cheque.maybe("name", Reader.label)),
            channel="delivery" if cheque.maybe("service_mode", Reader.id) == _DELIVERY else "pos",
            is_test=context.is_test,
            discounts=_discounts(cheque, context.currency),
            **_occurred(cheque, context),
            **_totals(cheque, lines, context),
            **(_paid(cheque, lines, payments, context.currency) if closed else {}),
        ),
        lines=lines,
        money=Money(payments=payments),
        customer=_customer(cheque),
    )


def _status(status: Reader) -> str:
    found = _STATUS.get(status.id())
    if found is None:
        raise status.refuse(f"not one of {', '.join(_STATUS)}")
    return found


def _mention(cheque: Reader, key: str, name: str | None = None) -> Mention | None:
    """Return whom a number names; 0 is nobody."""
    found = cheque.maybe(key, Reader.id)
    return None if found in (None, "0") else Mention(external_id=str(found), name=name)


def _place(cheque: Reader, context: Context) -> Mention | None:
    default = Mention(external_id=context.location) if context.location else None
    return _mention(cheque, "spot_id") or default


def _customer(cheque: Reader) -> CustomerLink | None:
    if "client_id" not in cheque.value:
        return None
    name = cheque.joined("client_firstname", "client_lastname")
    client = _mention(cheque, "client_id", name)
    return CustomerLink(customer=client)


def _occurred(cheque: Reader, context: Context) -> dict[str, Any]:
    """Return when it was closed, or opened where it is not; and whether that can be."""
    begun, ended = (_time(cheque.get(key)) for key in ("date_start", "date_close"))
    occurred = ended or begun
    strange = occurred is not None and not is_plausible(occurred, context)
    return {"occurred_at": occurred, "anomalies": ("clock",) if strange else ()}


def _time(millis: Reader | None) -> datetime | None:
    """Return a time, None for 0: that has not happened yet."""
    return None if millis is None or millis.value in ("0", "", 0) else millis.millis()


def _payments(cheque: Reader, status: str, currency: str) -> tuple[Payment, ...]:
    """Read what was paid in which way, and what of it was a tip."""
    found = ((slot, _some(cheque, slot, currency)) for slot in _PAID)
    return tuple(
        Payment(
            method=_PAID[slot][0],
            status=_PAYMENT_STATUS[status],
            amount=amount,
            currency=currency,
            provider_method=slot,
            tip=_some(cheque, _PAID[slot][1], currency),
        )
        for slot, amount in found
        if amount is not None
    )


def _some(cheque: Reader, key: str, currency: str) -> Decimal | None:
    """Return an amount, None where there is none of it."""
    return cheque.maybe(key, kopecks, currency) or None if key else None


def _discounts(cheque: Reader, currency: str) -> tuple[Discount, ...]:
    """Read the percentage off the cheque, and the points that were redeemed."""
    percent = cheque.maybe("discount", parts.percent)
    points = _some(cheque, "payed_bonus", currency)
    return (
        *((Discount(percent=percent),) if percent else ()),
        *((Discount(kind="loyalty", amount=points),) if points else ()),
    )


def _totals(cheque: Reader, lines: Sequence[Line] | None, context: Context) -> dict[str, Any]:
    tax = cheque.maybe("tax_sum", kopecks, context.currency)
    if tax is None and lines is not None:
        tax = total_of(cheque, (line.tax_amount for line in lines))
    return {
        "tax_included": products.is_tax_included(context),
        "gross_total": kopecks(cheque["sum"], context.currency),
        "tax_total": tax,
    }


def _paid(
    cheque: Reader, lines: Sequence[Line] | None, payments: Sequence[Payment], currency: str
) -> dict[str, Any]:
    """Return what only a closed cheque knows: what was paid is its total."""
    tips = (cheque.maybe(key, kopecks, currency) for _, key in _PAID.values() if key)
    return {
        "discount_total": _off(cheque, lines, currency),
        "service_total": cheque.maybe("tip_sum", kopecks, currency),
        "tip_total": total_of(cheque, (tip for tip in tips if tip is not None)),
        "rounding_total": cheque.maybe("round_sum", signed_kopecks, currency),
        "total": total_of(cheque, (Decimal(0), *(payment.amount for payment in payments))),
    }


def _off(cheque: Reader, lines: Sequence[Line] | None, currency: str) -> Decimal | None:
    """Return what the lines cost less than their prices. Whether points are in that is not said:
    with points it is not known."""
    paid = None if lines is None else total_of(cheque, (line.total for line in lines))
    off = None if paid is None else kopecks(cheque["sum"], currency) - paid
    known = off is not None and off >= 0 and not _some(cheque, "payed_bonus", currency)
    return off if known else None
