"""The positions of a document: their own pages may follow the first answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from integrations.parts import quantity
from integrations.reading import AMOUNT_LIMIT, Reader
from integrations.sums import kopecks_each
from sales.drafts import Line, Mention, RefundLine
from sales.money import round_money

from . import words

_WHOLE = Decimal(100)
_PRICE_UNIT = Decimal("0.000001")


def read(document: Reader, pages: Sequence[Reader] = ()) -> tuple[Reader, ...] | None:
    """Return the positions of a document, None where the answers hold fewer than it has.

    A page is null where the document was deleted between two calls.
    """
    positions, found = document["positions"], [page for page in pages if page.value is not None]
    rows = [*positions.items("rows"), *(row for page in found for row in page.items("rows"))]
    return tuple(rows) if len(rows) >= positions["meta"]["size"].integer() else None


@dataclass(frozen=True, slots=True)
class Sums:
    """What a position costs: before its discount, the discount, and after it."""

    unit_price: Decimal
    gross: Decimal
    discount: Decimal
    total: Decimal


def sums(position: Reader, currency: str) -> Sums:
    """Work out the sums of a position, rounded half-up: MoySklad states price and percent alone.

    A negative discount is a mark-up: it raises the price, and nothing was taken off.
    """
    amount, price = quantity(position["quantity"]), kopecks_each(position["price"])
    percent = position.maybe("discount", Reader.fine, 10) or Decimal(0)
    if not -_WHOLE * 1000 < percent <= _WHOLE:
        raise position["discount"].refuse("a discount out of range")
    left = (_WHOLE - percent) / _WHOLE
    exact = amount * price
    if max(exact, exact * left) >= AMOUNT_LIMIT:
        raise position.refuse("an amount out of range")
    total = round_money(exact * left, currency)
    if percent < 0:
        raised = (price * left).quantize(_PRICE_UNIT)
        return Sums(raised, total, total - total, total)
    gross = round_money(exact, currency)
    return Sums(price, gross, gross - total, total)


def lines(positions: Sequence[Reader], currency: str, *, included: bool | None) -> tuple[Line, ...]:
    """Read the positions as lines of a sale."""
    return tuple(_line(position, currency, included) for position in positions)


def _line(position: Reader, currency: str, included: bool | None) -> Line:
    thing, found = position["assortment"], sums(position, currency)
    article = thing.maybe("article", Reader.label) or thing.maybe("code", Reader.label)
    return Line(
        key=position.maybe("id", words.uuid),
        kind="service" if thing["meta"].maybe("type", Reader.text) == "service" else "good",
        product=words.mention(thing),
        name=thing.maybe("name", Reader.label),
        sku=article,
        barcode=_barcode(thing),
        category=thing.maybe("pathName", Reader.label),
        quantity=position["quantity"].fine(),
        unit_price=found.unit_price,
        gross=found.gross,
        discount=found.discount,
        total=found.total,
        tax_included=included,
        **words.tax(position, currency),
    )


def _barcode(thing: Reader) -> str | None:
    """Return the first barcode; each is an object of one member, named after its kind."""
    for barcode in thing.items("barcodes"):
        for _, value in barcode.members():
            return value.label()
    return None


def refund_lines(positions: Sequence[Reader], currency: str) -> tuple[RefundLine, ...]:
    """Read the positions of a return; they name no line of the sale."""
    return tuple(
        RefundLine(
            product=Mention(external_id=line.product.external_id, name=line.name)
            if line.product
            else None,
            name=line.name,
            quantity=line.quantity,
            total=line.total,
            tax=line.tax_amount,
        )
        for line in lines(positions, currency, included=None)
    )
