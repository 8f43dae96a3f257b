"""The settings of a source: their names, and how the text of each is read and checked.

Beside those of every source stand those of its provider (a portal's domain), kept in one column.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from accounts.models import Source
from ingest.addresses import networks_of
from integrations.contract import Provider, SettingUnusable
from sales.money import is_currency

from .loading import CONFIRM

#: The column of what only some providers know.
OWN = "settings"
#: Kept there as well, and of every source: whom the receiver hears.
ALLOW_IPS = "allow_ips"
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


def read_networks(text: str) -> list[str]:
    """Return addresses and networks, separated by commas. Raises ValueError."""
    networks = networks_of(text.split(","))
    if not 1 <= len(networks) <= 100:
        raise ValueError(text)
    return [str(network) for network in networks]


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
    ALLOW_IPS: Setting(
        OWN,
        read_networks,
        "адреса или сети через запятую, например 203.0.113.0/24",
        "addresses or networks separated by commas, as 203.0.113.0/24",
        empty=None,
    ),
    "test": Setting("is_test", read_flag, *_FLAG),
}
#: Of providers that can be asked about what they push: nothing pushed is believed.
_CONFIRM = Setting(OWN, read_flag, *_FLAG, empty=None)


def settings_of(provider: Provider | None) -> Mapping[str, Setting]:
    """Return the settings that a source of this provider has, its own after those of every one."""
    if provider is None:
        return SETTINGS
    required = provider.api.requires if provider.api else {}
    expected = {**required, **provider.app_settings, **provider.requires}
    own = {
        name: Setting(
            OWN,
            read,
            *_both(expected.get(name, name)),
            empty=REQUIRED if name in provider.requires else None,
        )
        for name, read in provider.settings.items()
    }
    confirms = {CONFIRM: _CONFIRM} if provider.confirm else {}
    return {**SETTINGS, **confirms, **own}


def names(providers: Iterable[Provider]) -> list[str]:
    """Return the names there are, those of one provider with its slug."""
    own = [
        f"{name} ({one.slug})"
        for one in providers
        for name in settings_of(one)
        if name not in SETTINGS
    ]
    return [*SETTINGS, *own]


def values_of(source: Source, provider: Provider | None) -> dict[str, Any]:
    """Return what a source is set to, by name."""
    return {
        name: source.settings.get(name) if one.column == OWN else getattr(source, one.column)
        for name, one in settings_of(provider).items()
    }


def _both(text: str) -> tuple[str, str]:
    """Return the Russian and the English of a text that says both."""
    russian, _, english = text.partition(" / ")
    return russian, english or russian


def read_settings(
    pairs: Iterable[str], provider: Provider | None = None, *, clearing: bool = False
) -> dict[str, Any]:
    """Turn ``name=value`` texts into columns of ``Source``. Raises SettingInvalid.

    What the provider alone knows is gathered in ``settings``, by name. Where ``clearing``, an
    empty value takes a setting back that a source may do without.
    """
    columns: dict[str, Any] = {}
    known = settings_of(provider)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        setting = known.get(name)
        if name == CONFIRM and provider is not None and not provider.confirm:
            raise SettingInvalid(name, *_unconfirmed(provider))
        if setting is None or not equals:
            there = ", ".join(known)
            raise SettingInvalid(
                name,
                f"--setting: нет настройки «{name}» (пишется ИМЯ=ЗНАЧЕНИЕ), есть: {there}",
                f"--setting: no setting {name!r} (written NAME=VALUE), there are: {there}",
            )
        clears = clearing and not text and setting.empty is not REQUIRED
        value = setting.empty if clears else _read(name, setting, _written(name, setting, text))
        if setting.column == OWN:
            columns[OWN] = {**columns.get(OWN, {}), name: value}
        else:
            columns[setting.column] = value
    return columns


def _unconfirmed(provider: Provider) -> tuple[str, str]:
    """Say why deliveries of a provider are not asked about again."""
    if provider.signed:
        return (
            f"--setting {CONFIRM}: доставки {provider.title} подписаны, переспрашивать незачем",
            f"--setting {CONFIRM}: deliveries of {provider.title} are signed, nothing is in doubt",
        )
    if provider.api is None or not provider.api.reads:
        return (
            f"--setting {CONFIRM}: {provider.title} спросить нельзя",
            f"--setting {CONFIRM}: {provider.title} cannot be asked",
        )
    return (
        f"--setting {CONFIRM}: доставкам {provider.title} на слово и так не верят",
        f"--setting {CONFIRM}: deliveries of {provider.title} are not taken at their word anyway",
    )


def check_required(provider: Provider, columns: Mapping[str, Any]) -> None:
    """Refuse a source without what its provider cannot do without. Raises SettingInvalid."""
    for name, what in provider.requires.items():
        if name not in columns.get(OWN, {}):
            russian, english = _both(what)
            raise SettingInvalid(
                name,
                f"--setting {name}: обязательно, нужно {russian}",
                f"--setting {name}: is required, expected {english}",
            )


def _written(name: str, setting: Setting, text: str) -> str:
    """Return the text of a setting of the provider's; ``@file`` is what stands in a file."""
    if setting.column != OWN or not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise SettingInvalid(
            name,
            f"--setting {name}: файл «{text[1:]}» не читается ({error.__class__.__name__})",
            f"--setting {name}: the file {text[1:]!r} cannot be read",
        ) from error


def _read(name: str, setting: Setting, text: str) -> Any:
    try:
        return setting.read(text)
    except SettingUnusable as error:
        raise SettingInvalid(
            name,
            f"--setting {name}: {error.place}: {error.russian}",
            f"--setting {name}: {error.place}: {error.english}",
        ) from error
    except ValueError as error:
        raise SettingInvalid(
            name,
            f"--setting {name}: нужно {setting.russian}, а не «{text}»",
            f"--setting {name}: expected {setting.english}, not {text!r}",
        ) from error
