"""Items of an order as lines: products with modifiers, products of two halves, services, combos.

An item or a modifier with ``deleted`` was taken off the order. A combo is the parent of its items
and has no money of its own: its price is what they cost together.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.contract import Context
from integrations.lines import completed
from integrations.reading import Reader
from integrations.sums import times
from sales.drafts import Line, Mention

from . import discounts, words

#: The kind of a combo's line; what has this kind is no money.
COMBO = "other"


def is_tax_included(context: Context) -> bool:
    """Say whether prices hold their tax: where the source is set to nothing else, they do."""
    return context.prices_include_tax is not False


def lines(order: Reader, context: Context) -> tuple[Line, ...]:
    """Read what was sold; raises PayloadUnrecognised."""
    combos = [_combo(combo) for combo in order.items("combos")]
    sold = [line for item in order["items"] for line in _item(item, context)]
    return (*combos, *discounts.applied(order, sold, context.currency))


def _combo(combo: Reader) -> Line:
    return Line(
        key=combo["id"].id(),
        kind=COMBO,
        name=combo.maybe("name", Reader.label),
        quantity=parts.quantity(combo["amount"]),
    )


def _item(item: Reader, context: Context) -> Iterator[Line]:
    read = _ITEMS[item["type"].one_of(frozenset(_ITEMS))]
    combo = item.get("comboInformation")
    parent = None if combo is None else combo.maybe("comboId", Reader.id)
    return iter(()) if item.get("deleted") is not None else read(item, parent, context)


def _product(item: Reader, parent: str | None, context: Context) -> Iterator[Line]:
    yield _priced(item, "product", parent, context)
    yield from _modifiers(item, "modifiers", item.maybe("positionId", Reader.id), context)


def _service(item: Reader, parent: str | None, context: Context) -> Iterator[Line]:
    """Read a service: it states what it costs in all, and no price."""
    yield _line(
        item,
        "service",
        parent,
        kind="service",
        quantity=parts.quantity(item["amount"]),
        gross=item["cost"].positive(context.currency),
        tax_included=is_tax_included(context),
    )


def _compound(item: Reader, parent: str | None, context: Context) -> Iterator[Line]:
    """Read a product of two halves: each half is a line, of no quantity that anybody states."""
    keys = []
    for name in ("primaryComponent", "secondaryComponent"):
        half = item.get(name)
        if half is not None:
            keys.append(half.maybe("positionId", Reader.id))
            yield _half(half, parent, context)
            yield from _modifiers(half, "modifiers", keys[-1], context)
    yield from _modifiers(item, "commonModifiers", keys[0] if keys else None, context)


def _half(half: Reader, parent: str | None, context: Context) -> Line:
    gross = half["cost"].positive(context.currency)
    return _line(half, "product", parent, **_money(half, gross, context))


def _modifiers(owner: Reader, key: str, parent: str | None, context: Context) -> Iterator[Line]:
    for modifier in owner.items(key):
        if modifier.get("deleted") is None:
            yield _priced(modifier, "product", parent, context)


def _priced(place: Reader, product: str, parent: str | None, context: Context) -> Line:
    quantity, price = parts.quantity(place["amount"]), parts.quantity(place["price"])
    gross = times(place, quantity, price, context.currency)
    money = _money(place, gross, context)
    return _line(place, product, parent, quantity=quantity, unit_price=price, **money)


def _money(place: Reader, gross: Decimal, context: Context) -> dict[str, Any]:
    stated = place.maybe("resultSum", Reader.positive, context.currency)
    off, total = (None, None) if stated is None else completed(gross, None, stated)
    tax = words.tax_of(place, included=is_tax_included(context))
    return {"gross": gross, "discount": off, "total": total, **tax}


def _line(place: Reader, product: str, parent: str | None, **known: Any) -> Line:
    sold = place[product]
    name = sold.maybe("name", Reader.label)
    return Line(
        key=place.maybe("positionId", Reader.id),
        parent_key=parent,
        product=Mention(external_id=sold["id"].id(), name=name),
        name=name,
        **known,
    )


_ITEMS: Mapping[str, Callable[[Reader, str | None, Context], Iterator[Line]]] = {
    "Product": _product,
    "Compound": _compound,
    "Service": _service,
}
