"""The settings of a source: their names, and how the text of each is read and checked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sales.money import is_currency

_TRUE = frozenset({"1", "true", "yes", "on", "да"})
_FALSE = frozenset({"0", "false", "no", "off", "нет"})
REQUIRED = object()


class SettingInvalid(ValueError):
    """A setting of a source is unknown or unusable; ``name`` says which one."""

    def __init__(self, name: str, russian: str, english: str) -> None:
        super().__init__(f"{russian} / {english}")
        self.name = name
        self.russian = russian
        self.english = english


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its column in ``Source``, how its text is read, and what is expected."""

    column: str
    read: Callable[[str], Any]
    russian: str
    english: str
    #: What an empty text sets where a source may do without; REQUIRED where it may not.
    empty: Any = REQUIRED


def read_currency(text: str) -> str:
    """Return an ISO-4217 code. Raises ValueError."""
    code = text.strip().upper()
    if not is_currency(code):
        raise ValueError(text)
    return code


def read_zone(text: str) -> str:
    """Return the name of an IANA time zone. Raises ValueError."""
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(text) from error


def read_url(text: str) -> str:
    """Return an http(s) address without fragment, user or spaces. Raises ValueError."""
    parts = urlsplit(text)
    plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= 500
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(text)
    if parts.fragment or parts.username is not None or not 0 < (parts.port or 80) < 65536:
        raise ValueError(text)
    return text


def read_flag(text: str) -> bool:
    """Return what yes, no, true, false, 1, 0, да, нет say. Raises ValueError."""
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(text)
    return word in _TRUE


def read_priority(text: str) -> int:
    """Return a whole number between -1000 and 1000. Raises ValueError."""
    number = int(text) if text.removeprefix("-").isdigit() and text.isascii() else None
    if number is None or not -1000 <= number <= 1000:
        raise ValueError(text)
    return number


def read_text(text: str) -> str:
    """Return text of 1 to 200 printable characters. Raises ValueError."""
    if not 1 <= len(text.strip()) <= 200 or not text.isprintable():
        raise ValueError(text)
    return text.strip()


_FLAG = ("true или false", "true or false")
SETTINGS: Mapping[str, Setting] = {
    "currency": Setting(
        "currency", read_currency, "код валюты ISO 4217, например RUB", "an ISO-4217 code, as RUB"
    ),
    "timezone": Setting(
        "timezone",
        read_zone,
        "часовой пояс IANA, например Europe/Moscow",
        "an IANA zone, as Europe/Moscow",
        empty="",
    ),
    "public_url": Setting(
        "public_url",
        read_url,
        "адрес http(s), каким его видит провайдер",
        "the http(s) address as the provider sees it",
        empty="",
    ),
    "location": Setting(
        "location",
        read_text,
        "код точки по умолчанию, до 200 знаков",
        "the default location's code, at most 200 characters",
        empty="",
    ),
    "prices_include_tax": Setting("prices_include_tax", read_flag, *_FLAG, empty=None),
    "priority": Setting(
        "priority",
        read_priority,
        "целое число от -1000 до 1000",
        "a whole number from -1000 to 1000",
    ),
    "test": Setting("is_test", read_flag, *_FLAG),
}


def read_settings(pairs: Iterable[str], *, clearing: bool = False) -> dict[str, Any]:
    """Turn ``name=value`` texts into columns of ``Source``. Raises SettingInvalid.

    Where ``clearing``, an empty value takes a setting back that a source may do without.
    """
    columns = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        setting = SETTINGS.get(name)
        if setting is None or not equals:
            known = ", ".join(SETTINGS)
            raise SettingInvalid(
                name,
                f"--setting: нет настройки «{name}» (пишется ИМЯ=ЗНАЧЕНИЕ), есть: {known}",
                f"--setting: no setting {name!r} (written NAME=VALUE), there are: {known}",
            )
        clears = clearing and not text and setting.empty is not REQUIRED
        columns[setting.column] = setting.empty if clears else _read(name, setting, text)
    return columns


def _read(name: str, setting: Setting, text: str) -> Any:
    try:
        return setting.read(text)
    except ValueError as error:
        raise SettingInvalid(
            name,
            f"--setting {name}: нужно {setting.russian}, а не «{text}»",
            f"--setting {name}: expected {setting.english}, not {text!r}",
        ) from error
