"""Deals: of a hook the deal alone, of the answers its products too, as a sale of kind *deal*."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.answers import answers_of
from integrations.clocks import is_plausible, micros, version_of_answer
from integrations.contract import Context, Event, Read, Statement
from integrations.reading import Reader
from integrations.schema import currency_of
from integrations.sums import times, total_of
from sales.drafts import CustomerLink, Header, Line, Mention, SaleDraft, Version
from sales.money import round_money

_STATES = {"open": "open", "won": "completed", "lost": "voided"}
_DELETED = "deleted"
_KINDS = frozenset({"percentage", "amount"})


def listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Ask for every deal of a page: a list knows no products."""
    return [
        Read("deal", deal["id"].number(), clock=micros(deal["update_time"].time("UTC")))
        for page in answers_of(event)
        for deal in page.items("data")
    ]


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a deal as of its update_time, its products as of the reading: that they change is not
    known to change the deal. Ask for the person, who may be gone while the deal is there."""
    answer, *pages = answers_of(event)
    deal = answer["data"]
    lines = None
    if all(page.value is not None for page in pages):
        lines = tuple(_lines(pages, currency_of(deal, context.currency)))
    at = version_of_answer(deal["update_time"].time("UTC"), context)
    found: list[Statement] = [*state(deal, lines, at, context)]
    if lines is not None:
        name = deal["id"].number()
        rows = version_of_answer(None, context)
        found.append(SaleDraft(external_id=name, version=rows, lines=lines))
    person = deal.maybe("person_id", Reader.number)
    return found if person is None else [*found, Read("person", person)]


def state(
    deal: Reader, lines: Sequence[Line] | None, at: Version, context: Context
) -> Iterator[SaleDraft]:
    """State header and customer of a deal, or its end."""
    name, status = deal["id"].number(), deal["status"].text(50)
    if status == _DELETED or deal.maybe("is_deleted", Reader.boolean):
        yield SaleDraft(external_id=name, version=at, gone=True)
        return
    person = deal.maybe("person_id", Reader.number)
    yield SaleDraft(
        external_id=name,
        version=at,
        header=_header(deal, lines, context),
        customer=CustomerLink(customer=None if person is None else Mention(external_id=person)),
    )


def _header(deal: Reader, lines: Sequence[Line] | None, context: Context) -> Header:
    currency = currency_of(deal, context.currency)
    status = _STATES.get(deal["status"].text(), "open")
    created = deal["add_time"].time("UTC")
    won = deal.maybe("won_time", Reader.time, "UTC") if status == "completed" else None
    occurred = won or created
    owner = deal.maybe("owner_id", Reader.number)
    return Header(
        kind="deal",
        status=status,
        number=deal.maybe("title", Reader.label),
        occurred_at=occurred,
        provider_at=created,
        currency=currency,
        location=Mention(external_id=context.location) if context.location else None,
        employee=None if owner is None else Mention(external_id=owner),
        channel="crm",
        is_test=context.is_test,
        total=deal.maybe("value", Reader.positive, currency),
        anomalies=() if is_plausible(occurred, context) else ("clock",),
        **_sums(deal, lines, currency),
    )


def _sums(deal: Reader, lines: Sequence[Line] | None, currency: str) -> dict[str, Any]:
    """Return what the products add up to, where that is the value of the deal: it has discounts of
    its own as well, and where a tax on top is rounded is not documented."""
    value = deal.maybe("value", Reader.positive, currency)
    if not lines or value is None:
        return {}
    gross = total_of(deal, [line.gross for line in lines])
    discount = total_of(deal, [line.discount for line in lines])
    on_top = total_of(deal, [line.tax_amount for line in lines if line.tax_included is False])
    if gross is None or discount is None or gross - discount + (on_top or 0) != value:
        return {}
    taxed = {"tax_total": on_top, "tax_included": False} if on_top else {}
    return {"gross_total": gross, "discount_total": discount, **taxed}


def _lines(pages: Sequence[Reader], currency: str) -> Iterator[Line]:
    """Go over the products; one that is not enabled does not count in the deal."""
    for page in pages:
        for row in page.items("data"):
            if row.maybe("is_enabled", Reader.boolean) is not False:
                yield _line(row, currency)


def _line(row: Reader, currency: str) -> Line:
    quantity, price = parts.quantity(row["quantity"]), parts.quantity(row["item_price"])
    gross = times(row, quantity, price, currency)
    discount = min(_discount(row, gross, currency), gross)
    name, product = row.maybe("name", Reader.label), row.maybe("product_id", Reader.number)
    return Line(
        key=row["id"].number(),
        product=None if product is None else Mention(external_id=product, name=name),
        name=name,
        quantity=quantity,
        unit_price=price,
        gross=gross,
        discount=discount,
        total=gross - discount,
        **_tax(row, gross - discount, currency),
    )


def _discount(row: Reader, gross: Decimal, currency: str) -> Decimal:
    value = row.maybe("discount", parts.quantity) or Decimal(0)
    kind = row.maybe("discount_type", Reader.one_of, _KINDS)
    if kind == "amount":
        return round_money(value, currency)
    return round_money(gross * value / 100, currency)


def _tax(row: Reader, taxed: Decimal, currency: str) -> dict[str, Any]:
    """Return the rate of a product's tax and where it is. How much it is no answer says: on top it
    is the rate of the sum, which is to the cent what is asked for; inside it is left open."""
    method = row.maybe("tax_method", Reader.text)
    if method not in ("inclusive", "exclusive"):
        return {}
    rate, on_top = row.maybe("tax", parts.percent), method == "exclusive"
    amount = round_money(taxed * rate / 100, currency) if on_top and rate is not None else None
    return {**parts.taxed([rate], amount), "tax_included": not on_top}
