"""Opportunities: a sale of kind *deal*, in whatever state it is.

In a message every field is there only if an administrator chose it, and an empty one is not told
from one that was not chosen: what is not there is not known. A list has all that we ask for, empty
ones as null, and the rows as well.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from integrations.answers import answers_of
from integrations.clocks import is_plausible
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from integrations.schema import currency_of
from integrations.strict_xml import number
from sales.drafts import CustomerLink, Header, Mention, SaleDraft, Version

from .records import flag, id_of, is_deleted, record_of, version_of, version_of_listed
from .rows import lines_of

#: The stages that every organization begins with, for where IsWon and IsClosed were not chosen.
_STAGES = {
    "Prospecting": "open",
    "Qualification": "open",
    "Needs Analysis": "open",
    "Value Proposition": "open",
    "Id. Decision Makers": "open",
    "Perception Analysis": "open",
    "Proposal/Price Quote": "open",
    "Negotiation/Review": "open",
    "Closed Won": "completed",
    "Closed Lost": "voided",
}


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State header and customer of an opportunity that a message tells of, or its end."""
    record = record_of(event, context)
    return (_sale(record, version_of(record, context), context),)


def listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """State the opportunities of a page, with the rows that no message tells. A list of errors is
    no page: behind it the list begins anew."""
    pages = [page for page in answers_of(event) if type(page.value) is not list]
    return [_with_lines(record, context) for page in pages for record in page["records"]]


def _with_lines(record: Reader, context: Context) -> SaleDraft:
    sale = _sale(record, version_of_listed(record, context), context)
    if sale.header is None:
        return sale
    return replace(sale, lines=lines_of(record, sale.header.currency))


def _sale(record: Reader, at: Version, context: Context) -> SaleDraft:
    name = id_of(record)
    if is_deleted(record):
        return SaleDraft(external_id=name, version=at, gone=True)
    header, customer = _header(record, context), _customer(record)
    return SaleDraft(external_id=name, version=at, header=header, customer=customer)


def _header(record: Reader, context: Context) -> Header:
    status = _status(record)
    created = record.maybe("CreatedDate", Reader.time)
    closed = _closed(record, context) if status == "completed" else None
    occurred = _won(record, closed, context) if status == "completed" else None
    occurred = occurred or created
    # An organization of one currency does not name it.
    currency = currency_of(record, context.currency, "CurrencyIsoCode")
    amount = number(record, "Amount")
    owner = id_of(record, "OwnerId") if record.get("OwnerId") else None
    return Header(
        kind="deal",
        status=status,
        number=record.maybe("Name", Reader.label),
        occurred_at=occurred,
        provider_at=created,
        business_date=closed,
        currency=currency,
        location=Mention(external_id=context.location) if context.location else None,
        employee=None if owner is None else Mention(external_id=owner),
        channel="crm",
        is_test=context.is_test,
        total=None if amount is None else amount.positive(currency),
        anomalies=() if occurred is None or is_plausible(occurred, context) else ("clock",),
    )


def _status(record: Reader) -> str:
    """Return the state by IsWon and IsClosed, which hold whatever a stage is called; a stage of
    one's own without them would be an open deal for ever, and is refused."""
    won, closed = (record.maybe(key, flag) for key in ("IsWon", "IsClosed"))
    stage = record.maybe("StageName", Reader.text)
    if won is None and closed is None and stage in _STAGES:
        return _STAGES[stage]
    if won:
        return "completed"
    if closed is False:
        return "open"
    _ = record["IsWon"], record["IsClosed"]  # one of them was not chosen, and has to be
    return "voided"


def _closed(record: Reader, context: Context) -> date | None:
    """Return CloseDate; one still to come was a plan."""
    closed = record.maybe("CloseDate", Reader.date)
    return closed if closed and is_plausible(_midnight(closed, context), context) else None


def _won(record: Reader, closed: date | None, context: Context) -> datetime | None:
    """Return when a deal was won: its last change of stage, else the day on which it was closed."""
    moved = record.maybe("LastStageChangeDate", Reader.time)
    return moved or (_midnight(closed, context) if closed else None)


def _midnight(day: date, context: Context) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(context.timezone))


def _customer(record: Reader) -> CustomerLink | None:
    """Return the link to the account, else to the contact; where neither is told, it states none
    of it: an empty field is not told from one that was not chosen."""
    for key in ("AccountId", "ContactId"):
        if record.get(key) is not None:
            return CustomerLink(customer=Mention(external_id=id_of(record, key)))
    if record.value.keys() & {"AccountId", "ContactId"}:  # said to be empty
        return CustomerLink(customer=None)
    return None
