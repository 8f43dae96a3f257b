"""Strict JSON and a reader that knows where in the payload it stands.

Whatever is wrong raises PayloadUnrecognised with the path (``data.lines[2].total``; ``$`` is the
whole document). Numbers come from the text of the payload, never through a float.
"""

import json
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from sales.money import AmountError, from_minor, to_scale

from .contract import PayloadUnrecognised

MAX_DEPTH = 64
MAX_DIGITS = 30
#: Amounts from here on are no sale of a small business, and the tables refuse them.
AMOUNT_LIMIT = Decimal(10) ** 13
NUMBER_LIMIT = Decimal(10) ** 15
TEXT_LIMIT = 1000
ID_LIMIT = 200

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SUSPICIOUS_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

P = ParamSpec("P")
T = TypeVar("T")


class _Suspect(Exception):
    """Something in the document is refused: it is parsed again to find out where."""


class _Refused:
    """Stands in a parsed document where something is refused, with the reason."""

    def __init__(self, reason: str, key: str | None = None) -> None:
        self.reason = reason
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Suspect
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _Suspect
    return int(text)


def _number(text: str) -> Decimal:
    if len(text) > MAX_DIGITS + 7:
        raise _Suspect
    found = Decimal(text)
    if len(found.as_tuple().digits) > MAX_DIGITS or abs(found.adjusted()) > MAX_DIGITS:
        raise _Suspect
    return found


def _constant(_: str) -> NoReturn:
    raise _Suspect


def _or_refused(read: Callable[[str], Any], reason: str) -> Callable[[str], Any]:
    def mark(text: str) -> Any:
        try:
            return read(text)
        except _Suspect:
            return _Refused(reason)

    return mark


def _unique_or_refused(pairs: list[tuple[str, Any]]) -> Any:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Refused("the key occurs twice", key)
        seen.add(key)
    return dict(pairs)


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_number, parse_int=_integer, parse_constant=_constant
)
_MARKING = json.JSONDecoder(
    object_pairs_hook=_unique_or_refused,
    parse_float=_or_refused(_number, "a number out of range"),
    parse_int=_or_refused(_integer, "a number out of range"),
    parse_constant=_or_refused(_constant, "not a number of JSON"),
)


def parse_json(body: bytes) -> Any:
    """Parse strict JSON; numbers become int or Decimal.

    Raises PayloadUnrecognised for what is not UTF-8 (a BOM and UTF-16 included), is empty, repeats
    a key, nests deeper than 64, holds NaN, a number of more than 30 digits, NUL or half a
    surrogate pair.
    """
    text = _decoded(body)
    _check_depth(body)
    try:
        found = _decode(_STRICT, text)
    except _Suspect:
        found = _decode(_MARKING, text)
        _inspect(found, "")
    if _SUSPICIOUS_ESCAPE.search(body):
        _inspect(found, "")
    return found


def _decode(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except ValueError as error:
        raise PayloadUnrecognised("$", f"not JSON: {error}") from None


def _decoded(body: bytes) -> str:
    if not body.strip():
        raise PayloadUnrecognised("$", "empty")
    if body.startswith(b"\xef\xbb\xbf"):
        raise PayloadUnrecognised("$", "starts with a byte order mark")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise PayloadUnrecognised("$", f"not UTF-8 at byte {error.start}") from None


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", body).translate(_STEPS, _NOT_BRACKETS)
    if max(accumulate(array("b", brackets)), default=0) > MAX_DEPTH:
        raise PayloadUnrecognised("$", f"nested deeper than {MAX_DEPTH}")


def _inspect(value: Any, path: str) -> None:
    """Raise PayloadUnrecognised at the first place that is refused."""
    if isinstance(value, _Refused):
        raise PayloadUnrecognised(_child(path, value.key) or "$", value.reason)
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise PayloadUnrecognised(path or "$", "NUL or half of a surrogate pair")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _inspect(item, _child(path, index))
    if isinstance(value, dict):
        for key, item in value.items():
            if _UNSTORABLE.search(key):
                raise PayloadUnrecognised(path or "$", "a key with NUL or half a surrogate pair")
            _inspect(item, _child(path, key))


def _child(path: str, key: str | int | None) -> str:
    if key is None:
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


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
        return _child(self._parent._place(), self._key)

    def refuse(self, reason: str) -> PayloadUnrecognised:
        """Return the error that names this place: ``raise reader.refuse("…")``."""
        return PayloadUnrecognised(self.path, reason)

    # --- going down -----------------------------------------------------------------------------

    def __getitem__(self, key: str) -> "Reader":
        """Return what stands under the key; raises where it is missing or null."""
        child = self.get(key)
        if child is None:
            raise PayloadUnrecognised(_child(self._place(), key), "missing")
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

    def maybe(
        self,
        key: str,
        read: "Callable[Concatenate[Reader, P], T]",
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T | None:
        """Read what stands under the key: ``line.maybe("total", Reader.amount, "RUB")``."""
        child = self.get(key)
        return None if child is None else read(child, *args, **kwargs)

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
