"""МойСклад: notices without content, the document itself is read from the API."""

from integrations.contract import Provider
from integrations.schemes import Address

from .calls import API
from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="moysklad",
    title="МойСклад",
    scheme=Address(),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    signed=False,
    default_currency="RUB",
    api=API,
)
