"""Reads the lines of a document of our standard schema (``docs/standard-schema.md``).

What is absent stays None, unless it follows exactly from what is there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sales.drafts import Discount, Line, Mention, RefundLine
from sales.money import allocate

from .parts import as_id, as_label, mention, percent, quantity
from .reading import Reader
from .sums import times

LINE_KINDS = frozenset("good service delivery service_charge gift_card deposit tip other".split())
TAX_CODES = frozenset(
    "none 0 5 7 10 18 20 22 5/105 7/107 10/110 18/118 20/120 22/122 other".split()
)


def _named(product: Mention, name: str | None) -> Mention:
    """Return a link to a product with the name of its line, where it has none of its own."""
    return Mention(external_id=product.external_id, name=product.name or name)


def _product(line: Reader) -> Mention | None:
    product = line.maybe("product", mention) or line.maybe("product_id", mention)
    return product and _named(product, line.maybe("name", Reader.label))


def _times(
    line: Reader, currency: str, factor: Decimal | None, price: Decimal | None
) -> Decimal | None:
    """Return quantity × price, rounded half-up to the currency."""
    if factor is None or price is None:
        return None
    return times(line, factor, price, currency)


def _tax(tax: Reader, currency: str) -> dict[str, Any]:
    """Return the columns of a line's tax."""
    code, rate = tax.maybe("code", Reader.id), tax.maybe("rate", percent)
    if code is None and rate is not None:
        code = format(rate.normalize(), "f")
    if code is not None and code not in TAX_CODES:
        code = "other"
    if rate is None and code not in (None, "none", "other"):
        rate = Decimal(str(code).partition("/")[0])
    return {
        "tax_code": code,
        "tax_rate": rate,
        "tax_amount": tax.maybe("amount", Reader.positive, currency),
        "tax_included": tax.maybe("included", Reader.boolean),
    }


#: Field → how it is read; the second argument is the currency.
_LINE: Mapping[str, Callable[[Reader, str], Any]] = {
    **dict.fromkeys("key parent_key sku barcode settlement_method subject".split(), as_id),
    **dict.fromkeys("name category unit".split(), as_label),
    **dict.fromkeys("gross discount total cost".split(), Reader.positive),
    **dict.fromkeys("quantity unit_price unit_cost".split(), lambda reader, _: quantity(reader)),
    **dict.fromkeys("product product_id".split(), lambda reader, _: mention(reader)),
    "kind": lambda reader, _: reader.one_of(LINE_KINDS),
    "marking": lambda reader, _: tuple(code.text() for code in reader),
    "tax": _tax,
}


def _line(line: Reader, currency: str) -> Line:
    stated = line.record(_LINE, currency)
    tax, short = stated.pop("tax", {}), stated.pop("product_id", None)
    product: Mention | None = stated.get("product") or short
    if product is not None:
        stated["product"] = _named(product, stated.get("name"))
    number, price = stated.get("quantity"), stated.get("unit_price")
    if "gross" not in stated:
        stated["gross"] = _times(line, currency, number, price)
    if "cost" not in stated:
        stated["cost"] = _times(line, currency, number, stated.get("unit_cost"))
    stated["discount"], stated["total"] = completed(
        stated["gross"], stated.get("discount"), stated.get("total")
    )
    return Line(**stated, **tax)


def completed(
    gross: Decimal | None, discount: Decimal | None, total: Decimal | None
) -> tuple[Decimal | None, Decimal | None]:
    """Return discount and total, the missing one filled in from gross − discount = total."""
    if gross is None or (discount is None) == (total is None):
        return discount, total
    if discount is not None:
        return discount, gross - discount if discount <= gross else None
    assert total is not None  # noqa: S101
    return gross - total if total <= gross else None, total


def sale_lines(
    document: Reader, currency: str, discounts: Sequence[Discount] = ()
) -> tuple[Line, ...] | None:
    """Read ``lines``, None where the document has none of them to say.

    Discounts of the document are spread over lines that state no discount and no total.
    """
    child = document.get("lines")
    if child is None:
        return None
    return _spread(tuple(_line(item, currency) for item in child), discounts, currency)


def _spread(
    found: tuple[Line, ...], discounts: Sequence[Discount], currency: str
) -> tuple[Line, ...]:
    amounts = [discount.amount for discount in discounts if discount.amount is not None]
    grosses = [line.gross for line in found if line.gross is not None]
    stated = any(line.discount is not None or line.total is not None for line in found)
    whole = sum(amounts, Decimal(0))
    if not amounts or stated or len(grosses) != len(found) or whole > sum(grosses):
        return found
    shares = allocate(whole, grosses, currency)
    return tuple(
        replace(line, discount=share, total=completed(line.gross, share, None)[1])
        for line, share in zip(found, shares, strict=True)
    )


def refund_lines(document: Reader, currency: str) -> tuple[RefundLine, ...]:
    """Read what was given back."""
    return tuple(
        RefundLine(
            sale_line_key=item.maybe("sale_line_key", Reader.id),
            product=_product(item),
            name=item.maybe("name", Reader.label),
            quantity=item.maybe("quantity", quantity),
            total=item.maybe("total", Reader.positive, currency),
            tax=item.maybe("tax", Reader.positive, currency),
            cost=item.maybe("cost", Reader.positive, currency),
            restocked=item.maybe("restocked", Reader.boolean),
        )
        for item in document.items("lines")
    )
