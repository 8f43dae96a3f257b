"""A reader that knows where in the payload it stands, over strict JSON.

Whatever is wrong raises PayloadUnrecognised with the path (``data.lines[2].total``; ``$`` is the
whole document). Numbers come from the text of the payload, never through a float.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from sales.money import AmountError, from_minor, to_scale

from .contract import Delivery, PayloadUnrecognised
from .strict import child_path, parse_json

__all__ = ["Reader", "parse_json"]

#: Amounts from here on are no sale of a small business, and the tables refuse them.
AMOUNT_LIMIT = Decimal(10) ** 13
NUMBER_LIMIT = Decimal(10) ** 15
TEXT_LIMIT = 1000
ID_LIMIT = 200

_DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"[0-9]{1,11}")
_MILLIS = re.compile(r"[0-9]{1,14}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

P = ParamSpec("P")
T = TypeVar("T")


def topic_of(delivery: Delivery, header: str, form: re.Pattern[str]) -> str:
    """Return what a header says the body is, for providers that say it nowhere else.

    Raises PayloadUnrecognised at the header where it is missing or of another form.
    """
    topic = delivery.headers.get(header)
    if topic is None:
        raise PayloadUnrecognised(f"headers.{header}", "missing")
    if not form.fullmatch(topic):
        raise PayloadUnrecognised(f"headers.{header}", "not a topic")
    return topic


class Reader:
    """One value of a payload and its place. The path is only put together when it is asked for."""

    __slots__ = ("_key", "_parent", "value")

    def __init__(self, value: Any, path: str | int = "", parent: "Reader | None" = None) -> None:
        self.value = value
        self._key = path
        self._parent = parent

    @property
    def path(self) -> str:
        """Return the place in the payload; ``$`` is the whole document."""
        return self._place() or "$"

    def _place(self) -> str:
        if self._parent is None:
            return str(self._key)
        return child_path(self._parent._place(), self._key)

    def refuse(self, reason: str) -> PayloadUnrecognised:
        """Return the error that names this place: ``raise reader.refuse("…")``."""
        return PayloadUnrecognised(self.path, reason)

    # --- going down -----------------------------------------------------------------------------

    def __getitem__(self, key: str) -> "Reader":
        """Return what stands under the key; raises where it is missing or null."""
        child = self.get(key)
        if child is None:
            raise PayloadUnrecognised(child_path(self._place(), key), "missing")
        return child

    def get(self, key: str) -> "Reader | None":
        """Return what stands under the key, or None where it is missing or null."""
        if type(self.value) is not dict:
            raise self.refuse("not an object")
        found = self.value.get(key)
        return None if found is None else Reader(found, key, self)

    def __iter__(self) -> Iterator["Reader"]:
        """Go over the items of a list."""
        if type(self.value) is not list:
            raise self.refuse("not a list")
        for index, item in enumerate(self.value):
            yield Reader(item, index, self)

    def items(self, key: str) -> "Iterator[Reader]":
        """Go over the list under the key; a missing one is empty."""
        child = self.get(key)
        return iter(()) if child is None else iter(child)

    def members(self) -> "Iterator[tuple[str, Reader]]":
        """Go over the members of an object, the null ones too."""
        if type(self.value) is not dict:
            raise self.refuse("not an object")
        for key, item in self.value.items():
            yield key, Reader(item, key, self)

    def maybe(
        self,
        key: str,
        read: "Callable[Concatenate[Reader, P], T]",
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T | None:
        """Read what stands under the key: ``line.maybe("total", Reader.amount, "RUB")``."""
        # Written out, not by get(): most fields of most payloads are absent.
        if type(self.value) is not dict:
            raise self.refuse("not an object")
        found = self.value.get(key)
        return None if found is None else read(Reader(found, key, self), *args, **kwargs)

    def record(
        self, table: "Mapping[str, Callable[[Reader, str], Any]]", currency: str
    ) -> dict[str, Any]:
        """Read what the table knows and the object has: only what is there costs time."""
        if type(self.value) is not dict:
            raise self.refuse("not an object")
        return {
            key: table[key](Reader(item, key, self), currency)
            for key, item in self.value.items()
            if item is not None and key in table
        }

    # --- reading --------------------------------------------------------------------------------

    def text(self, limit: int = TEXT_LIMIT) -> str:
        """Return the text in NFC, cut after ``limit`` characters."""
        found = self.value
        if type(found) is not str:
            raise self.refuse("not a text")
        if not found.isascii():
            found = unicodedata.normalize("NFC", found)
        return found if len(found) <= limit else found[:limit]

    def label(self, limit: int = TEXT_LIMIT) -> str | None:
        """Return the trimmed text, None where nothing is left: names, articles, units."""
        return self.text(limit).strip() or None

    def id(self, limit: int = ID_LIMIT) -> str:
        """Return an identifier, a text or an integer; one too long is refused, never cut."""
        found = self.value
        if type(found) is int:
            return str(found)
        if type(found) is not str:
            raise self.refuse("not an identifier (text or integer)")
        if not found or len(found) > limit:
            raise self.refuse(f"an identifier has 1 to {limit} characters")
        return found

    def number(self) -> str:
        """Return the number of an entity, a text or an integer, as text."""
        found = str(self.value) if type(self.value) is int else self.value
        if type(found) is not str or not _NUMBER.fullmatch(found):
            raise self.refuse("not the number of an entity")
        return found

    def one_of(self, allowed: frozenset[str]) -> str:
        """Return the text if it is one of these."""
        found = self.value
        if type(found) is not str or found not in allowed:
            raise self.refuse(f"not one of {', '.join(sorted(allowed))}")
        return found

    def integer(self) -> int:
        """Return a JSON integer."""
        if type(self.value) is not int:
            raise self.refuse("not an integer")
        return self.value

    def boolean(self) -> bool:
        """Return true or false."""
        if type(self.value) is not bool:
            raise self.refuse("not true or false")
        return self.value

    def decimal(self) -> Decimal:
        """Return a number: a JSON number, or a text of ASCII digits, at most 15 + 15.

        A JSON number may have more decimals: tills send doubles (0.30000000000000004).
        """
        found = self.value
        if type(found) is str and _DECIMAL.fullmatch(found):
            return Decimal(found)
        if type(found) is int:
            found = Decimal(found)
        if type(found) is not Decimal:
            raise self.refuse("not a number")
        if abs(found) >= NUMBER_LIMIT:
            raise self.refuse("a number out of range")
        return found

    def fine(self, places: int = 6) -> Decimal:
        """Return a quantity, unit price or percent, rounded half-up to so many decimals."""
        found = self.decimal()
        exponent = found.as_tuple().exponent
        if isinstance(exponent, int) and -places <= exponent <= 0:
            return found
        return found.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)

    def amount(self, currency: str) -> Decimal:
        """Return an amount of major units at the currency's scale, with its sign."""
        try:
            return self._bounded(to_scale(self.decimal(), currency))
        except AmountError as error:
            raise self.refuse(str(error)) from None

    def positive(self, currency: str) -> Decimal:
        """Return an amount of major units that is zero or more."""
        found = self.amount(currency)
        if found < 0:
            raise self.refuse("a negative amount")
        return found

    def minor(self, currency: str) -> Decimal:
        """Return the amount of an integer number of minor units (cents, kopecks)."""
        return self._bounded(from_minor(self.integer(), currency))

    def _bounded(self, amount: Decimal) -> Decimal:
        if not -AMOUNT_LIMIT < amount < AMOUNT_LIMIT:
            raise self.refuse("an amount out of range")
        return amount or abs(amount)  # no negative zero: equal amounts have one text

    def time(self, zone: str | None = None) -> datetime:
        """Return an ISO-8601 time, aware, with the offset that was written.

        A time without an offset is taken in ``zone`` (an IANA name): in the gap of a clock change
        it moves forward, of an hour that occurs twice it is the first. Without a zone it is
        refused. Nanoseconds are cut to microseconds.
        """
        found = self.value
        if type(found) is not str or not _TIME.fullmatch(found):
            raise self.refuse("not a time of ISO-8601")
        try:
            value = datetime.fromisoformat(found)
        except ValueError:
            raise self.refuse("no such time") from None
        if value.tzinfo is None:
            if zone is None:
                raise self.refuse("a time without an offset")
            value = value.replace(tzinfo=ZoneInfo(zone))
        return _settled(value)

    def joined(self, *keys: str) -> str | None:
        """Return the labels under these keys (first name, last name) in one, with spaces between;
        None where there is none of them."""
        return " ".join(filter(None, (self.maybe(key, Reader.label) for key in keys))) or None

    def seconds(self) -> datetime:
        """Return the time, in UTC, of a whole number of seconds since 1970, or of its text."""
        return _EPOCH + timedelta(seconds=self._since_1970(_SECONDS, "seconds"))

    def millis(self) -> datetime:
        """Return the time, in UTC, of a whole number of milliseconds since 1970, or of its text."""
        return _EPOCH + timedelta(milliseconds=self._since_1970(_MILLIS, "milliseconds"))

    def _since_1970(self, digits: re.Pattern[str], unit: str) -> int:
        found = self.value
        text = found if type(found) is str else str(found) if type(found) is int else ""
        if not digits.fullmatch(text):
            raise self.refuse(f"not a number of {unit} since 1970")
        return int(text)

    def date(self) -> date:
        """Return a calendar date (2026-09-14)."""
        found = self.value
        if type(found) is not str or not _DATE.fullmatch(found):
            raise self.refuse("not a date (YYYY-MM-DD)")
        try:
            return date.fromisoformat(found)
        except ValueError:
            raise self.refuse("no such date") from None


def _settled(value: datetime) -> datetime:
    """Return a time that converts to UTC and back: gaps closed, the ends of the calendar kept."""
    try:
        return value.astimezone(UTC).astimezone(value.tzinfo)
    except OverflowError:  # 1C's empty date, 0001-01-01T00:00:00, east of Greenwich
        return value.replace(tzinfo=UTC)
