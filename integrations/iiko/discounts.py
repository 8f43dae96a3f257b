"""Discounts of an order, spread over the lines whose total iiko did not state.

A discount names its positions with a sum for each, or its positions alone, or none: then it is one
of the whole order. What has to be spread is spread by the lines' gross.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from integrations.lines import completed
from integrations.reading import Reader
from sales.drafts import Line
from sales.money import allocate


def applied(order: Reader, lines: Sequence[Line], currency: str) -> tuple[Line, ...]:
    """Return the lines, with a discount and a total where iiko stated none."""
    if all(line.total is not None for line in lines):
        return tuple(lines)
    shares = [Decimal(0)] * len(lines)
    for discount in order.items("discounts"):
        for index, share in enumerate(_shares(discount, lines, currency)):
            shares[index] += share
    return tuple(_with(line, share) for line, share in zip(lines, shares, strict=True))


def _with(line: Line, share: Decimal) -> Line:
    if line.total is not None or line.gross is None or share > line.gross:
        return line
    off, total = completed(line.gross, share, None)
    return replace(line, discount=off, total=total)


def _shares(discount: Reader, lines: Sequence[Line], currency: str) -> Sequence[Decimal]:
    stated = _stated(discount, currency)
    if stated is not None:
        return [stated.get(line.key, Decimal(0)) for line in lines]
    chosen = _chosen(discount)
    weights = [
        line.gross or Decimal(0) if chosen is None or line.key in chosen else Decimal(0)
        for line in lines
    ]
    amount = discount["sum"].positive(currency)
    # Of lines that cost nothing nothing can be taken off.
    return allocate(amount, weights, currency) if any(weights) else [Decimal(0)] * len(lines)


def _stated(discount: Reader, currency: str) -> dict[str | None, Decimal] | None:
    found = discount.get("selectivePositionsWithSum")
    if found is None:
        return None
    return {one["positionId"].id(): one["sum"].positive(currency) for one in found}


def _chosen(discount: Reader) -> frozenset[str] | None:
    found = discount.get("selectivePositions")
    return None if found is None else frozenset(one.id() for one in found)
