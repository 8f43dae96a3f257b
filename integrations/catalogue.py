"""What there is to tell about every provider, taken from the registry and from its README."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .contract import Provider
from .schemes import Address, Never
from .senders import Sender

_HERE = Path(__file__).parent
#: The section of a provider's README that lists what its documentation does not settle.
UNCONFIRMED = {"ru": "Не подтверждено", "en": "Not confirmed"}
#: How answers of an API end that are read like events.
_ANSWERS = ("read", "missing", "listed")


def heard(providers: Iterable[Provider]) -> list[Provider]:
    """Return those that take anything over HTTP: what people enter comes another way."""
    return [one for one in providers if one.methods]


def described(provider: Provider) -> dict[str, Any]:
    """Return what a provider is, as values of JSON; texts are Russian, " / ", English."""
    api = provider.api
    return {
        "slug": provider.slug,
        "title": provider.title,
        "proof": provider.scheme.words,
        "described": provider.configured is not None,
        "signed": provider.signed,
        "methods": sorted(provider.methods),
        "reads": sorted(provider.normalisers.keys() - _answers(provider)),
        "ignores": sorted(provider.ignored),
        "asks": sorted(api.reads) if api else [],
        "thin": api is not None and api.is_needed,
        "budget": (
            {name: getattr(api.budget, name) for name in ("units", "seconds", "at_once")}
            if api
            else None
        ),
        "lists": sorted(api.lists) if api else [],
        "window": api.window if api else None,
        "app": provider.part is not None,
        "settings": _settings(provider),
        "secrets": list(_secrets(provider)),
        "sender": _sender(provider.sender),
        "unconfirmed": unconfirmed(provider.slug),
    }


def unconfirmed(slug: str) -> dict[str, list[str]]:
    """Return the items of the README's section on what is not confirmed, per language.

    Empty where there is no such section, or where it lists nothing.
    """
    readme = _HERE / slug / "README.md"
    text = readme.read_text() if readme.exists() else ""
    return {language: _items(text, head) for language, head in UNCONFIRMED.items()}


def spelled(statuses: Collection[int]) -> str:
    """Return statuses as people write them: ``200, 204`` or ``200–299``."""
    known = sorted(statuses)
    runs: list[list[int]] = []
    for one in known:
        if runs and one == runs[-1][-1] + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _items(text: str, head: str) -> list[str]:
    section = re.search(rf"^## {head}\n(.*?)(?=^## |^---$|\Z)", text, re.M | re.S)
    items = re.split(r"^- ", section[1], flags=re.M)[1:] if section else []
    return [" ".join(item.split()) for item in items]


def _answers(provider: Provider) -> set[str]:
    kinds = {*provider.api.reads, *provider.api.lists} if provider.api else set[str]()
    return {f"{kind}.{end}" for kind in kinds for end in _ANSWERS}


def _settings(provider: Provider) -> Mapping[str, str]:
    required = {
        **(provider.api.requires if provider.api else {}),
        **provider.app_settings,
        **provider.requires,
    }
    return {name: required.get(name, "") for name in sorted({*provider.settings, *required})}


def _secrets(provider: Provider) -> Iterator[str]:
    if not isinstance(provider.scheme, Address | Never):
        ours = provider.secret_from == "us"  # noqa: S105 - a side, no secret
        yield (
            "доставок: выпускаем мы / of deliveries: we issue it"
            if ours
            else "доставок: показывает провайдер / of deliveries: the provider shows it"
        )
    if provider.api and provider.api.needs_secret:
        yield "API: `--kind api`"


def _sender(sender: Sender) -> dict[str, Any]:
    return {
        "accepts": spelled(sender.accepts),
        "within": sender.within,
        "repeats": sender.repeats,
        "pauses": list(sender.pauses),
        "over": sender.over,
        "then": sender.then,
        "source": sender.source,
    }
