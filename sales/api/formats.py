"""How values look in JSON: numbers as text, times in UTC with ``Z``, null for unknown."""

from datetime import UTC, date, datetime
from decimal import Decimal

from ..money import exponent

_MONEY = tuple(f".{places}f" for places in range(5))


def money(value: Decimal | None, currency: str | None) -> str | None:
    """Return an amount with as many decimals as its currency has."""
    return None if value is None else format(value, _MONEY[exponent(currency or "")])


def fine(value: Decimal | None) -> str | None:
    """Return a quantity or a percent without trailing noise: ``1.500000`` is ``1.5``."""
    if value is None:
        return None
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(value: Decimal | None, currency: str | None) -> str | None:
    """Return a price of one unit: at least the currency's decimals, more where there are more."""
    if value is None:
        return None
    short, exact = money(value, currency), fine(value)
    return short if short is not None and len(short) >= len(exact or "") else exact


def moment(value: datetime | None) -> str | None:
    """Return a time in UTC: ``2026-05-04T09:30:00Z``, with microseconds only where there are."""
    if value is None:
        return None
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def day(value: date | None) -> str | None:
    """Return a date: ``2026-05-04``."""
    return None if value is None else value.isoformat()
