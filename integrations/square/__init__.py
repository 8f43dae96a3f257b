"""Square: payments and refunds in full, orders as a hint to read them."""

from integrations.contract import Provider
from integrations.schemes import HmacHeader

from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="square",
    title="Square",
    scheme=HmacHeader("x-square-hmacsha256-signature", parts=("url", "body")),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    default_currency="USD",
)
