"""Reads the parts of a document of our standard schema: links, payments, discounts, receipts.

``docs/standard-schema.md`` says what each field means. What is absent or null stays None, unless
it follows exactly from what is there.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sales.drafts import Discount, Fiscal, Mention, Payment

from .contract import Context
from .reading import Reader

METHODS = frozenset(
    "cash card sbp online prepaid advance credit gift_card points account barter other".split()
)
PAYMENT_STATUSES = frozenset("pending approved completed failed cancelled".split())
DISCOUNT_KINDS = frozenset("manual promo loyalty coupon rounding other".split())
_PERCENT_LIMIT = 10**5
_CODED_RATES = frozenset(map(Decimal, (0, 5, 7, 10, 18, 20, 22)))


def identity(entity: Reader, name: str = "") -> str | None:
    """Return ``external_id`` (as our API gives it out) or ``id``; ``name`` is a prefix: sale_id."""
    prefix = f"{name}_" if name else ""
    return entity.maybe(f"{prefix}external_id", Reader.id) or entity.maybe(f"{prefix}id", Reader.id)


def own_id(entity: Reader) -> str:
    """Return the identity of an entity, which it must have."""
    return identity(entity) or entity["id"].id()


def mention(reference: Reader) -> Mention:
    """Read a link: the id alone, or an object with ``id`` and ``name``."""
    if isinstance(reference.value, dict):
        name = reference.maybe("name", Reader.label)
        return Mention(external_id=own_id(reference), name=name)
    return Mention(external_id=reference.id())


def shop_of(context: Context) -> Mention | None:
    """Return the location of a source of one shop: the source's own, else its merchant's code."""
    found = context.location or context.settings.get("merchant")
    return None if found is None else Mention(external_id=found)


def percent(reader: Reader) -> Decimal:
    """Return a percentage with up to 10 decimals."""
    found = reader.fine(10)
    if not 0 <= found < _PERCENT_LIMIT:
        raise reader.refuse("a percentage out of range")
    return found


def quantity(reader: Reader) -> Decimal:
    """Return a quantity or a unit price with up to 6 decimals, zero or more."""
    found = reader.fine()
    if found < 0:
        raise reader.refuse("negative")
    return found


def taxed(rates: Sequence[Decimal | None], amount: Decimal | None) -> dict[str, Any]:
    """Return the columns of a line under these taxes, one or more, in percent: several (a state's,
    a city's) are one of their sum, unless the rate of one is not known."""
    known = [rate for rate in rates if rate is not None]
    if len(known) != len(rates):
        return {"tax_code": "other", "tax_amount": amount}
    rate = sum(known, Decimal(0))
    coded = len(known) == 1 and rate in _CODED_RATES
    return {
        "tax_code": str(int(rate)) if coded else "other",
        "tax_rate": rate,
        "tax_amount": amount,
    }


def as_id(reader: Reader, _: str) -> str:
    """Read an identifier: a row of a table."""
    return reader.id()


def as_label(reader: Reader, _: str) -> str | None:
    """Read a trimmed text: a row of a table."""
    return reader.label()


def _truth(reader: Reader, _: str) -> bool:
    return reader.boolean()


def _link(reader: Reader, _: str) -> Mention:
    return mention(reader)


#: Field → how it is read; the second argument is the currency.
_PAYMENT: Mapping[str, Callable[[Reader, str], Any]] = {
    **dict.fromkeys("amount tip tendered change fee".split(), Reader.positive),
    **dict.fromkeys("location device employee customer".split(), _link),
    "status": lambda reader, _: reader.one_of(PAYMENT_STATUSES),
    "provider_method": as_label,
    "last4": lambda reader, _: reader.id(4),
    "rrn": as_id,
    "is_test": _truth,
}


def payment(reader: Reader, currency: str, zone: str) -> Payment:
    """Read a payment. An unknown method is ``other``, and its text is kept."""
    stated = reader.record(_PAYMENT, currency)
    if "amount" not in stated:
        _ = reader["amount"]  # raises, naming the place
    method = (reader.get("method") or reader["type"]).text(100)
    if method not in METHODS:
        stated["provider_method"] = stated.get("provider_method") or method
    return Payment(
        **stated,
        method=method if method in METHODS else "other",
        currency=currency,
        external_id=identity(reader),
        paid_at=reader.maybe("paid_at", Reader.time, zone),
    )


def _owned(reader: Reader, currency: str, zone: str) -> Payment:
    """Read a payment inside a document, which shares the document's currency."""
    own = reader.get("currency")
    if own is not None and own.text(3) != currency:
        raise own.refuse(f"not {currency} like the document")
    return payment(reader, currency, zone)


def payments(document: Reader, currency: str, zone: str) -> tuple[Payment, ...] | None:
    """Read ``payments``, None where the document has none of them to say."""
    child = document.get("payments")
    return None if child is None else tuple(_owned(item, currency, zone) for item in child)


def discounts(document: Reader, currency: str) -> tuple[Discount, ...]:
    """Read the discounts of the document."""
    return tuple(
        Discount(
            kind=item.maybe("kind", Reader.one_of, DISCOUNT_KINDS) or "other",
            name=item.maybe("name", Reader.label),
            percent=item.maybe("percent", percent),
            amount=item.maybe("amount", Reader.positive, currency),
        )
        for item in document.items("discounts")
    )


def _operation(reader: Reader) -> int:
    found = reader.integer()
    if not 1 <= found <= 4:
        raise reader.refuse("1 приход, 2 возврат прихода, 3 расход, 4 возврат расхода")
    return found


def fiscal(document: Reader, currency: str, zone: str) -> tuple[Fiscal, ...]:
    """Read the printed receipts (54-ФЗ)."""
    return tuple(
        Fiscal(
            fn=item.maybe("fn", Reader.id),
            fd=item.maybe("fd", Reader.id),
            fp=item.maybe("fp", Reader.id),
            kkt_reg=item.maybe("kkt_reg", Reader.id),
            kkt_serial=item.maybe("kkt_serial", Reader.id),
            shift=item.maybe("shift", Reader.id),
            receipt_no=item.maybe("receipt_no", Reader.id),
            printed_at=item.maybe("printed_at", Reader.time, zone),
            operation=item.maybe("operation", _operation),
            correction=item.maybe("correction", Reader.boolean),
            tax_system=item.maybe("tax_system", Reader.id),
            total=item.maybe("total", Reader.positive, currency),
            ofd=item.maybe("ofd", Reader.label),
        )
        for item in document.items("fiscal")
    )
