"""Settings of a person, which no delivery states: the zone, day and currency of a location."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from accounts.errors import ApiError

from ..money import is_currency

_HOURS = range(24)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``read`` returns the column's value, and raises ValueError."""

    read: Callable[[Any], Any]
    expected: str

    def checked(self, name: str, value: Any) -> Any:
        """Return the column's value. Raises ApiError naming the field."""
        try:
            return self.read(value)
        except ValueError as error:
            raise ApiError("field_unusable", field=name, reason=self.expected) from error


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or value not in _zones():
        raise ValueError(value)
    return value


def _hour(value: Any) -> int:
    if type(value) is not int or value not in _HOURS:
        raise ValueError(value)
    return value


def _currency(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not is_currency(value):
        raise ValueError(value)
    return value


#: kind → field (and column) → how it is read.
SETTINGS: Mapping[str, Mapping[str, Setting]] = {
    "location": {
        "timezone": Setting(_zone, "an IANA zone like Europe/Moscow, or null"),
        "day_cutoff": Setting(_hour, "an hour from 0 to 23"),
        "currency": Setting(_currency, "an ISO-4217 code like RUB, or null"),
    }
}
