"""Amounts worked out from what a body states: hundredths, products, sums of known parts."""

from collections.abc import Iterable
from decimal import Decimal

from sales.money import AmountError, round_money, to_scale

from .reading import AMOUNT_LIMIT, Reader


def times(place: Reader, quantity: Decimal, price: Decimal, currency: str) -> Decimal:
    """Return quantity × price, rounded half-up to the currency; raises beyond what is accepted."""
    exact = quantity * price
    if abs(exact) >= AMOUNT_LIMIT:
        raise place.refuse("an amount out of range")
    return round_money(exact, currency)


def added(place: Reader, values: Iterable[Decimal | None]) -> Decimal:
    """Return the sum of what is known, zero of nothing; raises beyond the limit of amounts."""
    found = sum((value for value in values if value is not None), Decimal("0.00"))
    if abs(found) >= AMOUNT_LIMIT:
        raise place.refuse("a sum out of range")
    return found


def total_of(place: Reader, amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum, None where there is nothing or a part of it is unknown."""
    known = []
    for amount in amounts:
        if amount is None:
            return None
        known.append(amount)
    found = sum(known, Decimal(0))
    if abs(found) >= AMOUNT_LIMIT:
        raise place.refuse("a sum out of range")
    return found if known else None


def signed_kopecks(reader: Reader, currency: str) -> Decimal:
    """Return the amount, with its sign, of a number of hundredths of the currency's unit.

    Whatever the currency: a yen has no hundredth, and tills write a hundred for it. A float or a
    text will do, a part of a hundredth beyond its rounding error will not.
    """
    try:
        found = to_scale(reader.decimal().scaleb(-2), currency)
    except AmountError as error:
        raise reader.refuse(str(error)) from None
    if abs(found) >= AMOUNT_LIMIT:
        raise reader.refuse("an amount out of range")
    return found or abs(found)


def kopecks(reader: Reader, currency: str) -> Decimal:
    """Return the amount of a number of hundredths that is zero or more."""
    found = signed_kopecks(reader, currency)
    if found < 0:
        raise reader.refuse("a negative amount")
    return found


def kopecks_each(reader: Reader) -> Decimal:
    """Return the price of a unit, written in hundredths, with up to 6 decimals."""
    found = reader.fine(4).scaleb(-2)
    if not 0 <= found < AMOUNT_LIMIT:
        raise reader.refuse("a price out of range")
    return found
