"""Amounts worked out from what a body states: products of two numbers, sums of known parts."""

from collections.abc import Iterable
from decimal import Decimal

from sales.money import round_money

from .reading import AMOUNT_LIMIT, Reader


def times(place: Reader, quantity: Decimal, price: Decimal, currency: str) -> Decimal:
    """Return quantity × price, rounded half-up to the currency; raises beyond what is accepted."""
    exact = quantity * price
    if abs(exact) >= AMOUNT_LIMIT:
        raise place.refuse("an amount out of range")
    return round_money(exact, currency)


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
