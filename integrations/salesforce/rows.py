"""Rows of an opportunity (OpportunityLineItem), all of them or none, as the list nests them.

``TotalPrice`` is what a row costs after its discount, in percent (OpportunityLineItem in the Object
Reference, read 2026-11); a row that costs more than its price times its quantity has none to state.
"""

from decimal import Decimal

from integrations.lines import completed
from integrations.reading import Reader
from integrations.sums import times
from sales.drafts import Line, Mention

from .records import id_of, is_deleted

_ONE = Decimal(1)


def lines_of(record: Reader, currency: str) -> tuple[Line, ...] | None:
    """Return the rows of a record, which has null for none of them; None where they are not known
    as a whole: not asked for, more than one page, or a row below zero, which no line can be."""
    if "OpportunityLineItems" not in record.value:
        return None
    found = record.get("OpportunityLineItems")
    if found is None:
        return ()
    if not found["done"].boolean():
        return None
    # A query that finds the deleted deals finds deleted rows too.
    rows = [row for row in found["records"] if not is_deleted(row)]
    if any(_is_negative(row) for row in rows):
        return None
    return tuple(_line(row, currency) for row in rows)


def _is_negative(row: Reader) -> bool:
    """Say whether a row takes something off: a discount that is written as a product."""
    amounts = (row.maybe(key, Reader.decimal) for key in ("Quantity", "UnitPrice", "TotalPrice"))
    return any(amount is not None and amount < 0 for amount in amounts)


def _line(row: Reader, currency: str) -> Line:
    quantity, price = row["Quantity"].fine(), row.maybe("UnitPrice", Reader.fine)
    gross = None if price is None else times(row, quantity, price, currency)
    discount, total = completed(gross, None, _total(row, currency))
    product = row.get("Product2")
    name = product.maybe("Name", Reader.label) if product else None
    return Line(
        key=id_of(row),
        product=Mention(external_id=id_of(row, "Product2Id"), name=name)
        if row.get("Product2Id")
        else None,
        name=name,
        sku=row.maybe("ProductCode", Reader.label),
        quantity=quantity,
        unit_price=price,
        gross=gross,
        discount=discount,
        total=total,
    )


def _total(row: Reader, currency: str) -> Decimal | None:
    """Return what a row costs: organizations may keep more decimals than the currency has."""
    exact = row.maybe("TotalPrice", Reader.decimal)
    return None if exact is None else times(row, _ONE, exact, currency)
