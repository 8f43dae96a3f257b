"""Loyverse: receipts, refunds, customers and items in full; lost receipts are listed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.contract import Provider
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API
from .payload import IGNORED, NORMALISERS, part, split

HOOKS = "hooks"
#: Who made the webhooks → whether Loyverse signs what they send.
_SIGNED = {"app": True, "token": False}


def read_hooks(text: str) -> str:
    """Return who made the webhooks: app or token. Raises ValueError."""
    found = text.strip().lower()
    if found not in _SIGNED:
        raise ValueError(text)
    return found


def configured(settings: Mapping[str, Any]) -> Provider:
    """Return the provider as the source's webhooks are: those of a personal token or the back
    office are not signed, and nothing but the address proves them."""
    if _SIGNED[settings.get(HOOKS, "app")]:
        return PROVIDER
    return _UNSIGNED


PROVIDER = Provider(
    slug="loyverse",
    title="Loyverse",
    scheme=named("loyverse"),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    part=part,
    sender=Sender(
        accepts=range(200, 300),
        repeats=200,
        over=172_800,
        then="вебхук отключат / the webhook is disabled",
        source="https://help.loyverse.com/help/webhooks, 2026-11-27",
    ),
    api=API,
    settings={HOOKS: read_hooks},
    configured=configured,
)
_UNSIGNED = replace(PROVIDER, scheme=named("address"), signed=False)
