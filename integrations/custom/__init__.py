"""Tills that nobody has written a provider for: each source says how it proves itself and what its
bodies mean, in one document."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from integrations.contract import (
    REVISION,
    Delivery,
    Event,
    EventUnsupported,
    Provider,
    SettingUnusable,
)

from .description import read_description
from .payload import normalisers, splitter
from .proof import UNSIGNED, Undescribed

DESCRIPTION = "description"
#: Bound by the column that keeps the mapper's revision.
_LAST_REVISION = 32_000


def check(text: str) -> str:
    """Return a description as it was written. Raises SettingUnusable."""
    read_description(text)
    return text


def configured(settings: Mapping[str, Any]) -> Provider:
    """Return the provider that a source's description makes. Raises SettingUnusable."""
    text, revision = settings.get(DESCRIPTION), settings.get(REVISION, 0)
    if not isinstance(text, str) or type(revision) is not int:
        raise SettingUnusable(DESCRIPTION, "не задано", "is not set")
    return _described(text, min(revision, _LAST_REVISION))


@lru_cache(maxsize=128)
def _described(text: str, revision: int) -> Provider:
    description = read_description(text)
    return replace(
        PROVIDER,
        scheme=description.scheme,
        signed=not isinstance(description.scheme, UNSIGNED),
        split=splitter(description),
        normalisers=normalisers(description),
        ignored=frozenset(kind for kind, actions in description.types.items() if not actions),
        redacted=description.cut,
        # A sum, so that a newer reading of either kind stands above all before it.
        mapper=PROVIDER.mapper + revision,
    )


def _undescribed(delivery: Delivery) -> list[Event]:
    raise EventUnsupported("no description")


PROVIDER = Provider(
    slug="custom",
    title="Своя система / Custom",
    scheme=Undescribed(),
    split=_undescribed,
    normalisers={},
    settings={DESCRIPTION: check},
    requires={
        DESCRIPTION: "описание системы, документ JSON или @файл / the description of the system, a"
        " JSON document or @file"
    },
    configured=configured,
)
