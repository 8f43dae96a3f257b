"""Visits (``record``): a visit that took place and is paid in full is a sale of its services.

Before that it is a booking, which counts nowhere. Goods of a visit are sold by operations of their
own (``goods.py``): a visit states its services alone, and nothing is counted twice.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from integrations import parts, sums
from integrations.clocks import is_plausible
from integrations.contract import Context
from integrations.reading import Reader
from sales.drafts import Header, Line, Mention, SaleDraft

from . import words

KIND = "record"
_CAME, _MISSED = 1, -1
#: Paid in full, attended → kind and status. Who paid ahead has bought nothing yet.
_STATES: dict[tuple[bool, bool], tuple[str, str]] = {
    (True, True): ("sale", "completed"),
    (True, False): ("prepayment", "completed"),
    (False, True): ("other", "open"),
    (False, False): ("other", "open"),
}


def stated(data: Reader, company: str, context: Context, *, gone: bool) -> Sequence[SaleDraft]:
    """State a visit in whatever state it is; a deleted one is told of in full, and gone."""
    gone = gone or bool(data.maybe("deleted", Reader.boolean))
    lines = tuple(_line(service, context.currency) for service in data["services"])
    draft = SaleDraft(
        external_id=f"{KIND}:{data['id'].number()}",
        version=words.as_of(data, context, gone=gone),
        header=_header(data, lines, company, context),
        lines=lines,
        customer=words.customer(data, "client"),
        gone=gone,
    )
    return [draft]


def _header(data: Reader, lines: Sequence[Line], company: str, context: Context) -> Header:
    kind, status = _state(data, lines)
    session = (data.get("datetime") or data["date"]).time(context.timezone)
    created = data.maybe("create_date", words.time, context)
    # A booking is made today for a day to come; a sale happens at the visit.
    occurred = session if kind == "sale" else created or session
    return Header(
        kind=kind,
        status=status,
        occurred_at=occurred,
        provider_at=created,
        utc_offset=words.offset(occurred),
        currency=context.currency,
        location=words.location(company, context),
        employee=words.mention(data, "staff"),
        is_test=context.is_test,
        anomalies=() if is_plausible(occurred, context) else ("clock",),
        **_sums(data, lines),
    )


def _state(data: Reader, lines: Sequence[Line]) -> tuple[str, str]:
    """Return kind and status: 1 is who came, -1 who did not; a visit of goods alone sells none."""
    paid = words.flag(data["paid_full"])
    attendance = data["attendance"].integer()
    if attendance == _MISSED and not paid:
        return "other", "voided"
    return _STATES[paid and bool(lines), attendance == _CAME]


def _sums(data: Reader, lines: Sequence[Line]) -> dict[str, Any]:
    """Return what the services add up to: a visit states no totals of its own."""
    nothing = Decimal("0.00")  # what a visit of goods alone adds up to
    return {
        "gross_total": sums.total_of(data, [nothing, *(line.gross for line in lines)]),
        "discount_total": sums.total_of(data, [nothing, *(line.discount for line in lines)]),
        "total": sums.total_of(data, [nothing, *(line.total for line in lines)]),
    }


def _line(service: Reader, currency: str) -> Line:
    """Read a service: ``first_cost`` is the sum before discounts, ``cost`` the one after them."""
    name = service.maybe("title", Reader.label)
    number = words.number(service, "id")
    return Line(
        kind="service",
        product=None if number is None else Mention(external_id=number, name=name),
        name=name,
        **words.priced(
            service,
            quantity=service.maybe("amount", parts.quantity),
            price=service.maybe("cost_per_unit", parts.quantity),
            total=service["cost"].positive(currency),
            currency=currency,
            stated=service.maybe("first_cost", Reader.positive, currency),
        ),
    )
