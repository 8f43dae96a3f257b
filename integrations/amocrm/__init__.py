"""amoCRM and Kommo: hooks with many entities in one form, and leads read by the API."""

from integrations.contract import Provider
from integrations.schemes import Address

from .asking import API, account_host
from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="amocrm",
    title="amoCRM / Kommo",
    scheme=Address(),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    signed=False,
    api=API,
    settings={"subdomain": account_host},
)
