"""Deals: the answers of crm.deal.get and crm.item.productrow.list as a sale of kind *deal*.

A row's ``price`` has discount and tax in it, ``priceBrutto`` the tax alone: as we count, taxes are
included always, whatever ``taxIncluded`` says of how the price was typed in.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.answers import answers_of
from integrations.clocks import is_plausible, micros, version_of_answer
from integrations.contract import Context, Event, Read, Statement
from integrations.reading import Reader
from integrations.sums import times, total_of
from sales.drafts import CustomerLink, Header, Line, Mention, SaleDraft

from .words import currency_of, link, tax_of

#: Group of stages: in progress, won, lost.
_STATUS = {"P": "open", "S": "completed", "F": "voided"}
_SERVICE = 7


def listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Ask for every deal of a page: a list knows no rows."""
    return [
        Read("deal", deal["ID"].number(), clock=micros(deal["DATE_MODIFY"].time()))
        for page in Reader(event.payload)["answers"]
        for deal in page["result"]
    ]


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a deal as of its DATE_MODIFY, and its rows, which have no clock, as of the reading."""
    first, *pages = answers_of(event)
    deal = first["result"]
    name = deal["ID"].number()
    currency = currency_of(deal, context)
    lines = _lines(pages, currency)
    contact = deal.maybe("CONTACT_ID", link)
    sale = SaleDraft(
        external_id=name,
        version=version_of_answer(deal["DATE_MODIFY"].time(), context),
        header=_header(deal, lines, currency, context),
        customer=_customer(deal, contact),
    )
    rows = SaleDraft(external_id=name, version=version_of_answer(None, context), lines=lines)
    # Not in the same read: a contact that is gone would look like a deal that is.
    person = () if contact is None else (Read("contact", contact),)
    return (sale, *(() if lines is None else (rows,)), *person)


def _header(deal: Reader, lines: Sequence[Line] | None, currency: str, context: Context) -> Header:
    created = deal["DATE_CREATE"].time()
    won = deal["STAGE_SEMANTIC_ID"].one_of(frozenset(_STATUS)) == "S"
    moved = deal.maybe("MOVED_TIME", _time) if won else None
    occurred = moved or created
    return Header(
        kind="deal",
        status=_STATUS[deal["STAGE_SEMANTIC_ID"].text()],
        number=deal.maybe("TITLE", Reader.label),
        occurred_at=occurred,
        provider_at=created,
        utc_offset=(created.utcoffset() or timedelta()) // timedelta(minutes=1),
        business_date=_closed(deal, context) if won else None,
        currency=currency,
        location=Mention(external_id=context.location) if context.location else None,
        employee=_employee(deal),
        channel="crm",
        is_test=context.is_test,
        total=deal.maybe("OPPORTUNITY", Reader.positive, currency),
        anomalies=() if is_plausible(occurred, context) else ("clock",),
        **_sums(deal, lines),
    )


def _time(reader: Reader) -> datetime | None:
    return None if reader.value == "" else reader.time()


def _closed(deal: Reader, context: Context) -> date | None:
    """Return the day of CLOSEDATE, a date written as a time; one still to come was a plan."""
    closed = deal.maybe("CLOSEDATE", _time)
    return closed.date() if closed is not None and is_plausible(closed, context) else None


def _employee(deal: Reader) -> Mention | None:
    found = deal.maybe("ASSIGNED_BY_ID", link)
    return None if found is None else Mention(external_id=found)


def _customer(deal: Reader, contact: str | None) -> CustomerLink | None:
    """Return the link; an answer without the field states nothing of it."""
    if "CONTACT_ID" not in deal.value:
        return None
    return CustomerLink(customer=None if contact is None else Mention(external_id=contact))


def _sums(deal: Reader, lines: Sequence[Line] | None) -> dict[str, Any]:
    """Return what the rows add up to; a deal without rows has but its total."""
    if not lines:
        return {}
    return {
        "tax_included": True,
        "gross_total": total_of(deal, [line.gross for line in lines]),
        "discount_total": total_of(deal, [line.discount for line in lines]),
        "tax_total": total_of(deal, [line.tax_amount for line in lines]),
    }


def _lines(pages: Sequence[Reader], currency: str) -> tuple[Line, ...] | None:
    """Read the rows; None where they changed between two pages, or were not asked for."""
    rows = [row for page in pages for row in page["result"]["productRows"]]
    counts = {page.maybe("total", Reader.integer) for page in pages} or {-1}
    if not counts <= {None, len(rows)}:
        return None
    return tuple(_line(row, currency) for row in rows)


def _line(row: Reader, currency: str) -> Line:
    quantity, price = parts.quantity(row["quantity"]), parts.quantity(row["price"])
    # A price that was raised is no negative discount: it is the price.
    priced = max(price, row.maybe("priceBrutto", parts.quantity) or price)
    gross, total = (times(row, quantity, one, currency) for one in (priced, price))
    name = row.maybe("productName", Reader.label)
    product = row.maybe("productId", link)
    return Line(
        key=row["id"].number(),
        kind="service" if row.maybe("type", Reader.integer) == _SERVICE else "good",
        product=None if product is None else Mention(external_id=product, name=name),
        name=name,
        unit=row.maybe("measureName", Reader.label),
        quantity=quantity,
        unit_price=priced,
        gross=gross,
        discount=gross - total,
        total=total,
        tax_amount=_tax(row, quantity, total, currency),
        tax_included=True,
        **tax_of(row.maybe("taxRate", parts.percent)),
    )


def _tax(row: Reader, quantity: Decimal, total: Decimal, currency: str) -> Decimal | None:
    """Return the tax inside a row: what its price has more than the price without taxes."""
    bare = row.maybe("priceExclusive", parts.quantity)
    if bare is None:
        return None
    return max(total - times(row, quantity, bare, currency), Decimal(0))
