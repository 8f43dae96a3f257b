"""YClients and Altegio: visits, goods sold and payments, each in an event of its own."""

from integrations.contract import Provider
from integrations.schemes import Address
from integrations.senders import Sender

from .calls import API, api_host, company_number
from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="yclients",
    title="YClients / Altegio",
    scheme=Address(),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    signed=False,
    sender=Sender(
        accepts=range(200, 300),
        within=15,
        repeats=0,
        then="событие потеряно / the event is lost",
        source="https://developer.alteg.io/en/developers/openapi/webhooks/, 2026-11-27",
    ),
    api=API,
    settings={"company": company_number, "api_host": api_host},
)
