"""Deals: ``GET /crm/v3/objects/deals/{id}`` and its line items as a sale of kind *deal*.

Every property is a text, an empty one says nothing. ``amount`` is the deal's own, and a row's
``amount`` is what it costs after discounts; taxes are in neither (developers.hubspot.com, 2026-11).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.answers import answers_of
from integrations.clocks import is_plausible, micros, version_of_answer
from integrations.contract import Context, Event, Read, Statement
from integrations.reading import Reader
from integrations.sums import times, total_of
from sales.drafts import CustomerLink, Header, Line, Mention, SaleDraft
from sales.money import is_currency

#: The stages of the pipeline that every account begins with, where the deal says no more.
_STAGES = {"closedwon": "completed", "closedlost": "voided"}


def listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Ask for every deal of a page: a list knows no rows."""
    return found("deal", event, "hs_lastmodifieddate")


def found(kind: str, event: Event, clock: str) -> Sequence[Read]:
    """Ask for every object of a page, as of when it says that it changed."""
    return [
        Read(kind, one["id"].number(), clock=micros(one["properties"][clock].time()))
        for page in answers_of(event)
        for one in page["results"]
    ]


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a deal as of its hs_lastmodifieddate, and its rows as of the reading: linking a row is
    not known to change the deal."""
    deal, *pages = answers_of(event)
    name, told = deal["id"].number(), deal["properties"]
    currency = _currency(told, context)
    lines = _lines(deal, pages, currency)
    contact = _first(deal, "contacts")
    sale = SaleDraft(
        external_id=name,
        version=version_of_answer(told["hs_lastmodifieddate"].time(), context),
        header=_header(told, lines, currency, context),
        customer=CustomerLink(customer=None if contact is None else Mention(external_id=contact)),
    )
    rows = SaleDraft(external_id=name, version=version_of_answer(None, context), lines=lines)
    # Not in the same read: a contact that is gone would look like a deal that is.
    person = () if contact is None else (Read("contact", contact),)
    return (sale, *(() if lines is None else (rows,)), *person)


def _header(told: Reader, lines: Sequence[Line] | None, currency: str, context: Context) -> Header:
    status = _status(told)
    created = told["createdate"].time()
    closed = _said(told, "closedate") if status == "completed" else None
    occurred = created if closed is None else closed.time()
    return Header(
        kind="deal",
        status=status,
        number=told.maybe("dealname", Reader.label),
        occurred_at=occurred,
        provider_at=created,
        currency=currency,
        location=Mention(external_id=context.location) if context.location else None,
        employee=_employee(told),
        channel="crm",
        is_test=context.is_test,
        total=None if (amount := _said(told, "amount")) is None else amount.positive(currency),
        anomalies=() if is_plausible(occurred, context) else ("clock",),
        **_sums(told, lines),
    )


def _said(told: Reader, key: str) -> Reader | None:
    """Return a property that says something."""
    found = told.get(key)
    return None if found is None or found.value == "" else found


def _status(told: Reader) -> str:
    """Return the state of a deal: won and lost are worked out by HubSpot, whatever the stage is
    called in a pipeline of one's own."""
    won, closed = (_said(told, f"hs_is_closed{of}") for of in ("_won", ""))
    if won is not None and _is_true(won):
        return "completed"
    if closed is not None:
        return "voided" if _is_true(closed) else "open"
    return _STAGES.get(told["dealstage"].text(), "open")


def _is_true(reader: Reader) -> bool:
    return reader.one_of(frozenset(("true", "false"))) == "true"


def _currency(told: Reader, context: Context) -> str:
    """Return the deal's currency, or the source's where the account has but one."""
    found = _said(told, "deal_currency_code")
    if found is None:
        return context.currency
    if not is_currency(found.text(10)):
        raise found.refuse("not a currency of ISO-4217")
    return found.text(10)


def _employee(told: Reader) -> Mention | None:
    found = _said(told, "hubspot_owner_id")
    return None if found is None else Mention(external_id=found.number())


def _linked(deal: Reader, kind: str) -> list[str]:
    """Return the numbers of what a deal is linked to, each once; none is none."""
    every = deal.get("associations")
    found = every.get(kind) if every else None
    return list(dict.fromkeys(one["id"].number() for one in found["results"])) if found else []


def _first(deal: Reader, kind: str) -> str | None:
    return next(iter(_linked(deal, kind)), None)


def _sums(told: Reader, lines: Sequence[Line] | None) -> dict[str, Any]:
    """Return what the rows add up to; a deal without rows has but its total."""
    if not lines:
        return {}
    return {
        "gross_total": total_of(told, [line.gross for line in lines]),
        "discount_total": total_of(told, [line.discount for line in lines]),
    }


def _lines(deal: Reader, pages: Sequence[Reader], currency: str) -> tuple[Line, ...] | None:
    """Read the rows in the order of their links; None where one of them was not told."""
    wanted = _linked(deal, "line items")
    every = deal.get("associations")
    linked = every.get("line items") if every else None
    if linked is not None and linked.get("paging") is not None:
        return None  # more than one answer links: better no rows than some
    rows = {
        row["id"].number(): row
        for page in pages
        if page.value is not None
        for row in page["results"]
    }
    if not rows.keys() >= set(wanted):
        return None
    return tuple(_line(rows[one], currency) for one in wanted)


def _line(row: Reader, currency: str) -> Line:
    told = row["properties"]
    quantity, price = _number(told, "quantity"), _number(told, "price")
    amount = _said(told, "amount")
    total = None if amount is None else amount.positive(currency)
    gross = total
    if quantity is not None and price is not None:
        gross = times(told, quantity, price, currency)
        total = gross if total is None else total
        # A row that costs more than its price times its quantity was raised: that is no discount.
        gross = max(gross, total)
    name, product = told.maybe("name", Reader.label), _said(told, "hs_product_id")
    return Line(
        key=row["id"].number(),
        product=None if product is None else Mention(external_id=product.number(), name=name),
        name=name,
        sku=told.maybe("hs_sku", Reader.label),
        quantity=quantity,
        unit_price=price,
        gross=gross,
        discount=None if gross is None or total is None else gross - total,
        total=total,
    )


def _number(told: Reader, key: str) -> Decimal | None:
    found = _said(told, key)
    return None if found is None else parts.quantity(found)
