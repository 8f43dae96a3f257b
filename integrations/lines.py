"""Reads the lines of a document of our standard schema (``docs/standard-schema.md``).

What is absent stays None, unless it follows exactly from what is there.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from sales.drafts import Discount, Line, Mention, RefundLine
from sales.money import allocate, round_money

from .parts import mention, percent, quantity
from .reading import AMOUNT_LIMIT, Reader

LINE_KINDS = frozenset("good service delivery service_charge gift_card deposit tip other".split())
TAX_CODES = frozenset(
    "none 0 5 7 10 18 20 22 5/105 7/107 10/110 18/118 20/120 22/122 other".split()
)


def _product(line: Reader) -> Mention | None:
    product = line.maybe("product", mention) or line.maybe("product_id", mention)
    if product is not None and product.name is None:
        name = line.maybe("name", Reader.label)
        return Mention(external_id=product.external_id, name=name)
    return product


def _times(
    line: Reader, currency: str, factor: Decimal | None, price: Decimal | None
) -> Decimal | None:
    """Return quantity × price, rounded half-up to the currency."""
    if factor is None or price is None:
        return None
    exact = factor * price
    if exact >= AMOUNT_LIMIT:
        raise line.refuse("an amount out of range")
    return round_money(exact, currency)


def _tax(line: Reader, currency: str) -> dict[str, object]:
    tax = line.get("tax")
    if tax is None:
        return {}
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


def _line(line: Reader, currency: str) -> Line:
    amount = line.maybe("quantity", quantity)
    price, cost = line.maybe("unit_price", quantity), line.maybe("unit_cost", quantity)
    gross = line.maybe("gross", Reader.positive, currency)
    gross = _times(line, currency, amount, price) if gross is None else gross
    discount, total = _completed(
        gross,
        line.maybe("discount", Reader.positive, currency),
        line.maybe("total", Reader.positive, currency),
    )
    whole_cost = line.maybe("cost", Reader.positive, currency)
    return Line(
        key=line.maybe("key", Reader.id),
        parent_key=line.maybe("parent_key", Reader.id),
        kind=line.maybe("kind", Reader.one_of, LINE_KINDS) or "good",
        product=_product(line),
        name=line.maybe("name", Reader.label),
        sku=line.maybe("sku", Reader.id),
        barcode=line.maybe("barcode", Reader.id),
        category=line.maybe("category", Reader.label),
        unit=line.maybe("unit", Reader.label),
        quantity=amount,
        unit_price=price,
        gross=gross,
        discount=discount,
        total=total,
        unit_cost=cost,
        cost=_times(line, currency, amount, cost) if whole_cost is None else whole_cost,
        settlement_method=line.maybe("settlement_method", Reader.id),
        subject=line.maybe("subject", Reader.id),
        marking=tuple(code.text() for code in line.items("marking")),
        **_tax(line, currency),  # type: ignore[arg-type]
    )


def _completed(
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
        replace(line, discount=share, total=_completed(line.gross, share, None)[1])
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
