"""The lines of an order: every amount in it is without tax, with the tax beside it."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations import parts
from integrations.reading import Reader
from sales.drafts import Line, Mention

from .words import priced

_FINE = Decimal("0.000001")


def line_of(item: Reader, currency: str, included: bool) -> Line:
    """Read a line; one whose price was raised by hand is sold for that price without a discount."""
    quantity = item["quantity"].fine()
    total = priced(item, "total", currency, included)
    if quantity < 0 or total < 0:
        raise item.refuse("a negative line")
    gross = max(priced(item, "subtotal", currency, included), total)
    name = item.maybe("name", Reader.label)
    number = item.maybe("product_id", Reader.id)
    return Line(
        key=item["id"].id(),
        product=None if number in (None, "0") else Mention(external_id=str(number), name=name),
        name=name,
        sku=item.maybe("sku", Reader.label),
        quantity=quantity,
        unit_price=_each(gross, quantity),
        gross=gross,
        discount=gross - total,
        total=total,
        tax_included=included,
        **_tax(item, currency),
    )


def _each(gross: Decimal, quantity: Decimal) -> Decimal | None:
    """Return the price of a unit before discounts: ``price`` is the one after them, without tax."""
    if not quantity:
        return None
    return (gross / quantity).quantize(_FINE, ROUND_HALF_UP)


def _tax(item: Reader, currency: str) -> dict[str, Any]:
    """Return the tax of a line. An order names its rates by number and label, not in percent."""
    amount = item["total_tax"].positive(currency)
    taxes = list(item.items("taxes"))
    return parts.taxed([None], amount) if taxes else {"tax_code": "none", "tax_amount": amount}
