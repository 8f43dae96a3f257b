"""How one value is written elsewhere: its unit, sign and comma, its time, its words.

What comes out is written as our standard schema has it; what cannot be made so is left as it was,
for the schema to refuse it with its place.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.clocks import EPOCH
from integrations.contract import PayloadUnrecognised
from integrations.reading import Reader
from sales.money import exponent

from .fields import Kind
from .given import Given

_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_SPACES = re.compile(r"[\s\u00a0\u202f]")
_FLAGS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "1", "yes", "да"), True),
    **dict.fromkeys(("false", "0", "no", "нет"), False),
}
_UNITS = ("major", "minor")
_SIGNS: Mapping[str, Callable[[Decimal], Decimal]] = {
    "as_is": lambda number: number,
    "absolute": abs,
    "negated": lambda number: -number,
}
_COMMAS = (".", ",")
#: Word → microseconds.
_EPOCHS: Mapping[str, int] = {"seconds": 1_000_000, "milliseconds": 1000}
_DIRECTIVE = re.compile(r"%(.?)")
_NEEDED = (frozenset("Yy"), frozenset("m"), frozenset("d"))
_KNOWN_DIRECTIVES = frozenset("YymdHIMSfzp%")
_LONGEST_TIME = 64


@dataclass(frozen=True, slots=True)
class Money:
    """How amounts are written: in rubles or kopecks, with which sign and comma."""

    unit: str = "major"
    sign: str = "as_is"
    decimal: str = "."


@dataclass(frozen=True, slots=True)
class Time:
    """How times are written: ``iso``, a count since 1970, or a format of strptime.

    ``zone`` is where the clock stands that names no offset; None is the source's zone.
    """

    format: str = "iso"
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """How values of one part of a description are written."""

    money: Money = field(default_factory=Money)
    time: Time = field(default_factory=Time)


def read_money(given: Given, default: Money) -> Money:
    """Return how amounts are written, what is not said as by default. Raises SettingUnusable."""
    found = given.members(("unit", "sign", "decimal"))
    return Money(
        found["unit"].one_of(_UNITS) if "unit" in found else default.unit,
        found["sign"].one_of(_SIGNS) if "sign" in found else default.sign,
        found["decimal"].one_of(_COMMAS) if "decimal" in found else default.decimal,
    )


def read_time(given: Given, default: Time) -> Time:
    """Return how times are written. Raises SettingUnusable."""
    found = given.members(("format", "zone"))
    return Time(
        _format(found["format"]) if "format" in found else default.format,
        _zone(found["zone"]) if "zone" in found else default.zone,
    )


def _zone(given: Given) -> str:
    try:
        return ZoneInfo(given.text()).key
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise given.refuse(
            "нужен пояс IANA, например Europe/Moscow", "expected an IANA zone, as Europe/Moscow"
        ) from None


def _format(given: Given) -> str:
    text = given.text(_LONGEST_TIME)
    if text == "iso" or text in _EPOCHS:
        return text
    letters = _DIRECTIVE.findall(text)
    twice = len({*letters} - {"%"}) != len([one for one in letters if one != "%"])
    if twice or not _KNOWN_DIRECTIVES.issuperset(letters) or not _is_date(letters):
        raise given.refuse(
            "нужно iso, seconds, milliseconds или вид вроде %d.%m.%Y %H:%M:%S (из %Y %y %m %d %H %I"
            " %p %M %S %f %z, каждое один раз, дата целиком)",
            "expected iso, seconds, milliseconds or a form as %d.%m.%Y %H:%M:%S (of %Y %y %m %d %H"
            " %I %p %M %S %f %z, each once, the whole date)",
        )
    return text


def _is_date(letters: list[str]) -> bool:
    return "" not in letters and all(one & {*letters} for one in _NEEDED)


# --- from what was found to the standard schema --------------------------------------------------


Convert = Callable[[Reader, Manner, str], Any]


def is_nothing(value: Any) -> bool:
    """Say whether a value says nothing: an empty text does not, as a null."""
    # By type: a number is dear to compare with a text.
    return value is None or (type(value) is str and not value)


def as_text(value: Any) -> str | None:
    """Return the text of a scalar, as tables of words name it; None where it is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return value if isinstance(value, str) else None


def _number(node: Reader, comma: str) -> Any:
    """Return the number that stands here, else what stands here."""
    value = node.value
    if isinstance(value, str):
        text = _SPACES.sub("", value).replace(",", ".") if comma == "," else value.strip()
        return Decimal(text) if _NUMBER.fullmatch(text) else value
    return value


def _money(node: Reader, manner: Manner, currency: str) -> Any:
    found, money = _number(node, manner.money.decimal), manner.money
    if type(found) is int:
        found = Decimal(found)
    if type(found) is not Decimal:
        return found
    found = _SIGNS[money.sign](found)
    return found.scaleb(-exponent(currency)) if money.unit == "minor" else found


def _time(node: Reader, manner: Manner, currency: str) -> Any:
    written = manner.time
    if written.format in _EPOCHS:
        return _since_1970(node, _EPOCHS[written.format])
    if written.format == "iso":
        return node.value if written.zone is None else node.time(written.zone).isoformat()
    found = _parsed(node, written.format)
    if found.tzinfo is None and written.zone is not None:
        local = Reader(found.isoformat(), node.path)
        return local.time(written.zone).isoformat()
    return found.isoformat()


def _since_1970(node: Reader, unit: int) -> str:
    count = _number(node, ".")
    if type(count) not in (int, Decimal) or not 0 <= count < 10**14:
        raise node.refuse("not a number of seconds or milliseconds since 1970")
    try:
        time = EPOCH + timedelta(microseconds=int(count * unit))
    except OverflowError:
        raise node.refuse("no such time") from None
    return time.isoformat().replace("+00:00", "Z")


def _parsed(node: Reader, form: str) -> datetime:
    value = node.value
    if not isinstance(value, str) or not value.isascii() or len(value) > _LONGEST_TIME:
        raise node.refuse(f"not a time as {form}")
    try:
        return _strptime(value.strip(), form)
    except ValueError:
        raise node.refuse(f"not a time as {form}") from None


@lru_cache(maxsize=1024)
def _strptime(text: str, form: str) -> datetime:
    # Kept, because one record tells the same time several times, and this is slow.
    return datetime.strptime(text, form)  # noqa: DTZ007 - the schema knows the zone


def _date(node: Reader, manner: Manner, currency: str) -> Any:
    form = manner.time.format
    if form == "iso" or form in _EPOCHS:
        return node.value
    return _parsed(node, form).date().isoformat()


def _flag(node: Reader, manner: Manner, currency: str) -> Any:
    text = as_text(node.value)
    return node.value if text is None else _FLAGS.get(text.strip().lower(), node.value)


def _whole(node: Reader, manner: Manner, currency: str) -> Any:
    found = _number(node, ".")
    return int(found) if type(found) is Decimal and found == int(found) else found


def _text(node: Reader, manner: Manner, currency: str) -> Any:
    text = as_text(node.value)
    return node.value if text is None or isinstance(node.value, bool) else text


def _id(node: Reader, manner: Manner, currency: str) -> Any:
    return node.value.strip() if isinstance(node.value, str) else node.value


#: Kind → what writes a value of it as the standard schema does, in a currency. Raises
#: PayloadUnrecognised for a time that is none.
CONVERT: Mapping[Kind, Convert] = {
    Kind.ID: _id,
    Kind.TEXT: _text,
    Kind.MONEY: _money,
    Kind.NUMBER: lambda node, manner, _: _number(node, manner.money.decimal),
    Kind.WHOLE: _whole,
    Kind.TIME: _time,
    Kind.DATE: _date,
    Kind.FLAG: _flag,
    Kind.CODES: _text,
}


def refused(error: PayloadUnrecognised, place: str, setting: str) -> PayloadUnrecognised:
    """Return the same error at a place of the body, with the setting that read it."""
    return PayloadUnrecognised(place, f"{error.reason} (description: {setting})")
