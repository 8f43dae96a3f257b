"""The lines of an order: what was sold, a modifier as a line under its own, what was taken off.

Clover writes every piece as a line of its own; ``unitQty`` (thousandths) is of what is weighed. Of
discounts it says how many percent, or how much: worked out as Clover's own OrderCalc does, first
those of a line, then those of the order of what is left (read 2026-11).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.reading import Reader
from integrations.sums import added, times
from sales.drafts import Discount, Line, Mention
from sales.money import allocate, round_money

from .words import amount, elements, link

_THOUSANDTH = Decimal("0.001")
#: ``rate`` of a tax → percent.
_RATE = Decimal("0.00001")
_ALL = Decimal(100)


@dataclass(frozen=True, slots=True)
class Sold:
    """What was sold and at what: amounts without the tip; ``asked`` is without a tax on top."""

    lines: tuple[Line, ...]
    gross: Decimal
    discount: Decimal
    service: Decimal | None
    discounts: tuple[Discount, ...]
    tax_included: bool | None

    @property
    def asked(self) -> Decimal:
        """Return what is asked for, before a tax on top."""
        return self.gross - self.discount + (self.service or Decimal(0))


def sold(order: Reader, pages: Sequence[Reader], currency: str) -> Sold:
    """Read the lines of an order; ``pages`` have all where it has more than are expanded."""
    included = order.maybe("isVat", Reader.boolean)
    items = (one for page in pages for one in page.items("elements"))
    found = [
        line
        for item in (items if pages else elements(order, "lineItems"))
        for line in _lines(item, currency, included)
    ]
    left = [line.total or Decimal(0) for line in found]
    off = _off(order, sum(left, Decimal(0)), currency)
    shares = allocate(off, left, currency) if off else [Decimal(0)] * len(found)
    told = tuple(_less(line, share) for line, share in zip(found, shares, strict=True))
    discounts = [line.discount for line in told]
    return Sold(
        lines=told,
        gross=added(order, (line.gross for line in told)),
        discount=added(order, discounts),
        service=_service(order, sum(left, Decimal(0)) - off, currency),
        discounts=tuple(_discount(one, currency) for one in elements(order, "discounts")),
        tax_included=included,
    )


def _less(line: Line, share: Decimal) -> Line:
    if line.discount is None or line.total is None:
        return line
    return replace(line, discount=line.discount + share, total=line.total - share)


def _lines(item: Reader, currency: str, included: bool | None) -> Iterator[Line]:
    """Return the lines of an item and its modifiers, their discount spread by what each costs."""
    quantity = _quantity(item)
    price = amount(item["price"], currency)
    told = [_item(item, quantity, price), *(_modifier(one, item, currency) for one in _mods(item))]
    grosses = [times(item, quantity, price, currency)]
    grosses += [line["unit_price"] for line in told[1:]]
    off = _off(item, sum(grosses, Decimal(0)), currency)
    shares = allocate(off, grosses, currency) if off else [Decimal(0)] * len(grosses)
    for line, gross, share in zip(told, grosses, shares, strict=True):
        yield Line(
            **line,
            gross=gross,
            discount=share,
            total=gross - share,
            **_taxed(item, included),
        )


def _item(item: Reader, quantity: Decimal, price: Decimal) -> dict[str, Any]:
    name, product = item.maybe("name", Reader.label), link(item, "item")
    revenue = item.maybe("isRevenue", Reader.boolean)
    return {
        "key": item["id"].id(),
        "kind": "other" if revenue is False else "good",
        "product": product and Mention(external_id=product.external_id, name=name),
        "name": name,
        "sku": item.maybe("itemCode", Reader.label),
        "unit": item.maybe("unitName", Reader.label),
        "quantity": quantity,
        "unit_price": price,
    }


def _modifier(modifier: Reader, item: Reader, currency: str) -> dict[str, Any]:
    return {
        "key": modifier["id"].id(),
        "parent_key": item["id"].id(),
        "name": modifier.maybe("name", Reader.label),
        "quantity": Decimal(1),
        "unit_price": amount(modifier["amount"], currency),
    }


def _mods(item: Reader) -> list[Reader]:
    """Return the modifiers that cost something, or nothing; one without an amount says nothing."""
    return [one for one in elements(item, "modifications") if one.get("amount") is not None]


def _quantity(item: Reader) -> Decimal:
    """Return how much was sold: one piece, or what was weighed."""
    found = item.get("unitQty")
    if found is None:
        return Decimal(1)
    if found.integer() < 0:
        raise found.refuse("negative")
    return Decimal(found.integer()) * _THOUSANDTH


def _off(holder: Reader, whole: Decimal, currency: str) -> Decimal:
    """Return what the discounts of a line or an order take off, never more than there is."""
    percent, taken = Decimal(0), Decimal(0)
    for one in elements(holder, "discounts"):
        percent += one.maybe("percentage", parts.percent) or Decimal(0)
        taken += _taken(one, currency) or Decimal(0)
    share = round_money(whole * min(percent, _ALL) / _ALL, currency)
    return min(share + taken, whole)


def _taken(discount: Reader, currency: str) -> Decimal | None:
    """Return the amount of a discount: it is written below zero."""
    found = discount.get("amount")
    return None if found is None else abs(found.minor(currency))


def _discount(discount: Reader, currency: str) -> Discount:
    return Discount(
        name=discount.maybe("name", Reader.label),
        percent=discount.maybe("percentage", parts.percent),
        amount=_taken(discount, currency),
    )


def _service(order: Reader, asked: Decimal, currency: str) -> Decimal | None:
    """Return the charge for service: so many percent of what is asked for."""
    charge = order.get("serviceCharge")
    percent = None if charge is None else charge.maybe("percentage", parts.percent)
    return None if percent is None else round_money(asked * percent / _ALL, currency)


def _taxed(item: Reader, included: bool | None) -> dict[str, Any]:
    rates = [one["rate"].decimal() * _RATE for one in elements(item, "taxRates")]
    if not rates:
        return {}
    return {**parts.taxed([rate.normalize() + 0 for rate in rates], None), "tax_included": included}
