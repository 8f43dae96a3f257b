"""Goods that were sold: each operation of the stock is a sale of one line.

A sale takes from the stock, so its quantity is negative; ``cost`` is what it was sold for. Money
itself moves in operations of its own (``money.py``), which add nothing to what was sold.
"""

from collections.abc import Sequence
from decimal import Decimal

from integrations import parts
from integrations.clocks import is_plausible
from integrations.contract import Context, EventUnsupported, Statement
from integrations.reading import Reader
from sales.drafts import Header, Line, SaleDraft, Version

from . import words

KIND = "goods_operations_sale"
#: ``type_id`` of a sale; a list names receipts, write-offs and moves beside them.
_SALE = "1"
_CERTIFICATE = "loyalty_certificate_id"


def pushed(
    data: Reader, company: str | None, context: Context, *, gone: bool
) -> Sequence[Statement]:
    """State the sale of an event; the event of a deletion tells all of it too."""
    quantity = _quantity(data)
    if quantity is not None and quantity > 0:
        # Put back into the stock: no document says that this is a return, and of which sale.
        raise EventUnsupported(f"{KIND} with a positive amount")
    return [_sale(data, company, context, words.as_of(data, context, gone=gone), gone=gone)]


def listed(data: Reader, company: str | None, context: Context) -> Sequence[Statement]:
    """State a sale of a page. One that does not say whether it sold a certificate is a poorer
    view of it, and what was pushed stands."""
    quantity = _quantity(data)
    if data["type_id"].number() != _SALE or (quantity is not None and quantity > 0):
        return ()
    stamp = words.as_of(data, context)
    stamp = stamp if _CERTIFICATE in data.value else words.poorer(stamp)
    return [_sale(data, company, context, stamp, gone=False)]


def _quantity(data: Reader) -> Decimal | None:
    return data.maybe("amount", Reader.fine)


def _sale(
    data: Reader, company: str | None, context: Context, stamp: Version, *, gone: bool
) -> SaleDraft:
    line = _line(data, context.currency)
    created = data["create_date"].time(context.timezone)
    return SaleDraft(
        external_id=f"{KIND}:{data['id'].number()}",
        version=stamp,
        header=Header(
            # A certificate pays for a later visit: selling one is no revenue (docs/glossary.md).
            kind="advance" if line.kind == "gift_card" else "sale",
            occurred_at=created,
            utc_offset=words.offset(created),
            currency=context.currency,
            location=words.location(company, context),
            employee=words.mention(data, "master"),
            is_test=context.is_test,
            gross_total=line.gross,
            discount_total=line.discount,
            total=line.total,
            anomalies=() if is_plausible(created, context) else ("clock",),
        ),
        lines=(line,),
        customer=words.customer(data, "client", "clients"),
        gone=gone,
    )


def _line(data: Reader, currency: str) -> Line:
    quantity, product = _quantity(data), words.mention(data, "good")
    return Line(
        key=data["id"].number(),
        kind=_kind(data),
        product=product,
        name=None if product is None else product.name,
        unit=_unit(data),
        **words.priced(
            data,
            quantity=None if quantity is None else -quantity,
            price=data.maybe("cost_per_unit", parts.quantity),
            total=data["cost"].positive(currency),
            currency=currency,
        ),
    )


def _kind(data: Reader) -> str:
    return "good" if words.number(data, _CERTIFICATE) is None else "gift_card"


def _unit(data: Reader) -> str | None:
    unit = data.get("unit")
    if unit is None or unit.value == []:
        return None
    return unit.maybe("short_title", Reader.label) or unit.maybe("title", Reader.label)
