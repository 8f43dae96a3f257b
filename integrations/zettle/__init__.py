"""Zettle (PayPal): purchases in full; a refund is a purchase below zero."""

from integrations.apps import whole
from integrations.contract import Provider
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API
from .payload import IGNORED, NORMALISERS, is_test_message, split

PROVIDER = Provider(
    slug="zettle",
    title="Zettle",
    scheme=named("zettle"),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    handshake=is_test_message,
    handshake_signed=True,
    part=whole,
    sender=Sender(
        accepts=range(200, 300),
        within=10.0,
        repeats=89,
        over=257_400 + 600,
        then="подписка удалена / the subscription is deleted",
        source="https://github.com/iZettle/api-documentation (pusher-api), 2026-11-27",
    ),
    default_currency="GBP",
    api=API,
    mapper=2,
)
