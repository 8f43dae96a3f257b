"""Providers that sign what an app of theirs made, and nothing that a person made by hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .contract import Provider
from .schemes import named

HOOKS = "hooks"
#: Who made the webhooks → whether they are signed.
_SIGNED = {"app": True, "person": False}


def read_hooks(text: str) -> str:
    """Return who made the webhooks: app or person. Raises ValueError."""
    found = text.strip().lower()
    if found not in _SIGNED:
        raise ValueError(text)
    return found


def signed_for_apps(provider: Provider) -> Provider:
    """Return the provider with the setting ``hooks``: where it is ``person``, nothing but the
    address proves a delivery, and the source is marked as unsigned."""

    def configured(settings: Mapping[str, Any]) -> Provider:
        return signed if _SIGNED[settings.get(HOOKS, "app")] else unsigned

    settings = {**provider.settings, HOOKS: read_hooks}
    signed = replace(provider, settings=settings, configured=configured)
    unsigned = replace(signed, scheme=named("address"), signed=False)
    return signed
