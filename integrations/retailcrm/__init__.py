"""RetailCRM: requests that the merchant's own trigger sends, and orders read by the API."""

from integrations.contract import Provider
from integrations.schemes import Parameter
from integrations.senders import Sender

from .calls import API, account_host, site_code
from .payload import IGNORED, NORMALISERS, SECRET, split
from .words import status_codes

PROVIDER = Provider(
    slug="retailcrm",
    title="RetailCRM",
    scheme=Parameter(SECRET),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"GET", "POST"}),
    reads_query=True,
    secret_from="us",  # noqa: S106 - a side, no secret
    signed=False,
    redacted=(SECRET,),
    # Neither how long a trigger waits nor whether it comes again is documented.
    sender=Sender(
        source="https://docs.modx.pro/en/components/modretailcrm/triggers/order-status-change,"
        " 2026-11-27",
    ),
    api=API,
    settings={
        "account": account_host,
        "site": site_code,
        "won": status_codes,
        "lost": status_codes,
    },
)
