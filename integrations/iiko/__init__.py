"""iiko (abroad: Syrve), the cloud's webhooks: whole orders of tables and deliveries."""

from integrations.contract import Provider
from integrations.schemes import EchoedToken
from integrations.senders import Sender

from .asking import API, read_api_host, read_organization
from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="iiko",
    title="iiko / Syrve",
    scheme=EchoedToken(),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    secret_from="us",  # noqa: S106
    signed=False,
    api=API,
    settings={"api_host": read_api_host, "organization": read_organization},
    sender=Sender(source="https://api-ru.iiko.services/docs, 2026-11-27"),
)
