"""Products of a cheque: amounts stand in the cheque, names in an answer of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations import parts
from integrations.contract import Context
from integrations.lines import TAX_CODES, completed
from integrations.reading import Reader
from integrations.sums import kopecks, kopecks_each, times
from sales.drafts import Line, Mention

#: «НДС»; 1 and 2 are taxes on sales and on turnover, and 4 is none.
_VAT, _NO_TAX = "3", "4"
_NONE = ("0", "")


@dataclass(frozen=True, slots=True)
class Name:
    """What a product is called."""

    name: str | None = None
    sku: str | None = None
    barcode: str | None = None


Key = tuple[str, str]
Names = Mapping[Key, Name]


def is_tax_included(context: Context) -> bool:
    """Say whether prices hold their tax: where the source is set to nothing else, they do."""
    return context.prices_include_tax is not False


def named(answers: Sequence[Reader]) -> Names:
    """Return the names of products by product and modification; a null answer has none."""
    return {
        _key(product): _name(product)
        for answer in answers
        if answer.value is not None
        for product in answer["response"]
    }


def _key(product: Reader) -> Key:
    return product["product_id"].id(), product.maybe("modification_id", Reader.id) or "0"


def _name(product: Reader) -> Name:
    keys = ("product_name", "modificator_name")
    words = (product.maybe(key, Reader.label) for key in keys)
    return Name(
        name=", ".join(filter(None, words)) or None,
        sku=_first(product, "modificator_product_code", "product_code"),
        barcode=_first(product, "modificator_barcode", "barcode"),
    )


def _first(product: Reader, *keys: str) -> str | None:
    return next(filter(None, (product.maybe(key, Reader.label) for key in keys)), None)


def lines(
    cheque: Reader, names: Names, context: Context, *, closed: bool
) -> tuple[Line, ...] | None:
    """Read the products, None where the cheque came without them.

    What each costs in the end is known when the cheque is closed.
    """
    found = cheque.get("products")
    if found is None:
        return None
    return tuple(_line(one, names, context, closed=closed) for one in found)


def _line(product: Reader, names: Names, context: Context, *, closed: bool) -> Line:
    currency, key = context.currency, _key(product)
    known = names.get(key, Name())
    quantity, price = parts.quantity(product["num"]), kopecks_each(product["product_price"])
    gross = product.maybe("product_sum", kopecks, currency)
    if gross is None:
        gross = times(product, quantity, price, currency)
    stated = kopecks(product["payed_sum"], currency) if closed else None
    off, total = (None, None) if stated is None else completed(gross, None, stated)
    return Line(
        product=Mention(external_id=_joined(key), name=known.name),
        name=known.name,
        sku=known.sku,
        barcode=known.barcode,
        quantity=quantity,
        unit_price=price,
        gross=gross,
        discount=off,
        total=total,
        tax_included=is_tax_included(context),
        **_tax(product, currency),
    )


def _joined(key: Key) -> str:
    """Return the id of a product; a modification of it is another one: ``908:68``."""
    product, modification = key
    return product if modification in _NONE else f"{product}:{modification}"


def _tax(product: Reader, currency: str) -> dict[str, Any]:
    tax, kind = product.maybe("tax_id", _word), product.maybe("tax_type", _word)
    if tax in _NONE or kind == _NO_TAX:
        return {"tax_code": "none", "tax_amount": Decimal(0)}
    if tax is None:
        return {}
    rate = product.maybe("tax_value", parts.percent)
    code = None if rate is None else format(rate.normalize(), "f")
    return {
        "tax_code": code if kind == _VAT and code in TAX_CODES else "other",
        "tax_rate": rate,
        "tax_amount": product.maybe("tax_sum", kopecks, currency),
    }


def _word(reader: Reader) -> str:
    return "" if reader.value == "" else reader.id()
