"""Loyverse: receipts, refunds, customers and items in full; lost receipts are listed."""

from integrations.apps import whole
from integrations.contract import Provider
from integrations.hooks import signed_for_apps
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API
from .payload import IGNORED, NORMALISERS, split

PROVIDER = signed_for_apps(
    Provider(
        slug="loyverse",
        title="Loyverse",
        scheme=named("loyverse"),
        split=split,
        normalisers=NORMALISERS,
        mapper=2,
        ignored=IGNORED,
        methods=frozenset({"POST"}),
        part=whole,
        sender=Sender(
            accepts=range(200, 300),
            repeats=200,
            over=172_800,
            then="вебхук отключат / the webhook is disabled",
            source="https://help.loyverse.com/help/webhooks, 2026-11-27",
        ),
        api=API,
    )
)
