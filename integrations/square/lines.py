"""The lines of an order: what was sold, and a modifier as a line under its own."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.reading import NUMBER_LIMIT, Reader
from integrations.sums import added
from sales.drafts import Line, Mention
from sales.money import allocate

from .words import money, titled

_KINDS = {"CUSTOM_AMOUNT": "other", "GIFT_CARD": "gift_card"}
_UNITS = ("area_unit", "generic_unit", "length_unit", "time_unit", "volume_unit", "weight_unit")
_INCLUDED = {"ADDITIVE": False, "INCLUSIVE": True}
_FINEST = Decimal("0.000001")


def sold(order: Reader, currency: str) -> tuple[Line, ...]:
    """Read the line items; the modifiers of each follow it, as lines with its ``parent_key``."""
    taxes = {tax["uid"].id(): tax for tax in order.items("taxes")}
    return tuple(
        line for item in order.items("line_items") for line in _lines(item, taxes, currency)
    )


def included(taxes: Iterable[Reader]) -> bool | None:
    """Say whether prices have these taxes in them; None where there is none, or both kinds."""
    kinds = {_INCLUDED.get(tax.maybe("type", Reader.text) or "") for tax in taxes}
    return kinds.pop() if len(kinds) == 1 else None


def _lines(item: Reader, taxes: Mapping[str, Reader], currency: str) -> list[Line]:
    """Return the lines of an item and its modifiers. Square tells their discount and their tax
    together: both are spread over them by what each costs."""
    modifiers = list(item.items("modifiers"))
    costs = [_cost(one, currency) for one in modifiers]
    grosses = [_gross(item, costs, currency), *costs]
    discounts = _spread(item, "total_discount_money", grosses, currency)
    amounts = _spread(item, "total_tax_money", grosses, currency)
    told = [_item(item, currency), *(_modifier(one, item, currency) for one in modifiers)]
    applied = _applied(item, taxes)
    return [
        Line(
            **line,
            gross=gross,
            discount=discount,
            total=None if discount is None or discount > gross else gross - discount,
            tax_included=included(tax for tax in applied if tax is not None),
            **_taxed(applied, amount),
        )
        for line, gross, discount, amount in zip(told, grosses, discounts, amounts, strict=True)
    ]


def _item(item: Reader, currency: str) -> dict[str, Any]:
    name = titled(item.maybe("name", Reader.label), item.maybe("variation_name", Reader.label))
    return {
        "key": item.maybe("uid", Reader.id),
        "kind": _KINDS.get(item.maybe("item_type", Reader.text) or "", "good"),
        "product": _product(item, name),
        "name": name,
        "unit": item.maybe("quantity_unit", _unit),
        "quantity": item["quantity"].fine(),
        "unit_price": item.maybe("base_price_money", money, currency),
    }


def _modifier(modifier: Reader, item: Reader, currency: str) -> dict[str, Any]:
    name = modifier.maybe("name", Reader.label)
    return {
        "key": modifier.maybe("uid", Reader.id),
        "parent_key": item.maybe("uid", Reader.id),
        "product": _product(modifier, name),
        "name": name,
        "quantity": _count(modifier, item),
        "unit_price": modifier.maybe("base_price_money", money, currency),
    }


def _count(modifier: Reader, item: Reader) -> Decimal:
    """Return how many there are in all: so many in each of the item."""
    each = modifier.maybe("quantity", parts.quantity)
    count = item["quantity"].fine() * (Decimal(1) if each is None else each)
    if count >= NUMBER_LIMIT:
        raise modifier.refuse("a quantity out of range")
    return count.quantize(_FINEST).normalize() + 0


def _product(sold_thing: Reader, name: str | None) -> Mention | None:
    found = sold_thing.maybe("catalog_object_id", Reader.id)
    return None if found is None else Mention(external_id=found, name=name)


def _unit(quantity_unit: Reader) -> str | None:
    """Return the unit of measure: the seller's own, or Square's word for one."""
    unit = quantity_unit.get("measurement_unit")
    if unit is None:
        return None
    words = (unit.maybe(key, Reader.label) for key in _UNITS)
    own = unit.get("custom_unit")
    return next(filter(None, words), None) if own is None else own.maybe("name", Reader.label)


def _cost(modifier: Reader, currency: str) -> Decimal:
    return modifier.maybe("total_price_money", money, currency) or Decimal(0)


def _gross(item: Reader, modifiers: Sequence[Decimal], currency: str) -> Decimal:
    """Return what an item costs without its modifiers, as priced.

    In some countries ``gross_sales_money`` has no inclusive tax in it though the price has, so it
    only serves where the price of all is not told.
    """
    own = item.maybe("variation_total_price_money", money, currency)
    if own is not None:
        return own
    gross = item["gross_sales_money"]
    found = money(gross, currency) - added(item, modifiers)
    if found < 0:
        raise gross.refuse("less than its modifiers cost")
    return found


def _spread(
    item: Reader, key: str, weights: Sequence[Decimal], currency: str
) -> Sequence[Decimal | None]:
    amount = item.maybe(key, money, currency)
    return [None] * len(weights) if amount is None else allocate(amount, weights, currency)


def _applied(item: Reader, taxes: Mapping[str, Reader]) -> list[Reader | None]:
    """Return the taxes of an item, None for one that the order does not list."""
    applied = item.get("applied_taxes")
    if applied is not None:
        return [taxes.get(one["tax_uid"].id()) for one in applied]
    of_all = [tax for tax in taxes.values() if tax.maybe("scope", Reader.text) == "ORDER"]
    return list(of_all) if _is_taxed(item) else []


def _is_taxed(item: Reader) -> bool:
    tax = item.get("total_tax_money")
    return tax is not None and tax["amount"].integer() != 0


def _taxed(applied: Sequence[Reader | None], amount: Decimal | None) -> dict[str, Any]:
    """Return the columns of a line's tax; where no tax applies there is none, which is not 0 %."""
    if not applied and not amount:
        return {"tax_code": None if amount is None else "none", "tax_amount": amount}
    rates = [None if tax is None else tax.maybe("percentage", parts.percent) for tax in applied]
    return parts.taxed(rates or [None], amount)
