"""Shopify: orders of the web and of its tills, signed by HMAC over the raw body."""

from integrations.apps import whole
from integrations.contract import Provider
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API, read_shop
from .payload import EVENT_ID, IGNORED, NORMALISERS, SHOP, TOPIC, split

PROVIDER = Provider(
    slug="shopify",
    title="Shopify",
    scheme=named("shopify"),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    mapper=2,
    methods=frozenset({"POST"}),
    part=whole,
    merchant_setting="shop",
    api=API,
    settings={"shop": read_shop},
    sender=Sender(
        accepts=range(200, 300),
        within=5.0,
        repeats=8,
        over=14_400,
        then="подписка, созданная через API, удалена / a subscription made through the API is"
        " removed",
        source="https://shopify.dev/docs/apps/build/webhooks, 2026-11-23",
    ),
    reads_headers=frozenset({TOPIC, EVENT_ID, SHOP}),
)
