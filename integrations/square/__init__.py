"""Square: payments and refunds in full, orders as a hint to read them."""

from integrations.contract import Provider
from integrations.schemes import named

from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="square",
    title="Square",
    scheme=named("square"),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    default_currency="USD",
)
