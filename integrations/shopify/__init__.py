"""Shopify: orders of the web and of its tills, signed by HMAC over the raw body."""

from integrations.contract import Provider
from integrations.schemes import named

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
    reads_headers=frozenset({TOPIC, EVENT_ID, SHOP}),
)
