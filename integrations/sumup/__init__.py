"""SumUp: a notice of a checkout states nothing; transactions are read, those of readers listed."""

from integrations.contract import Provider
from integrations.schemes import Address
from integrations.senders import Sender

from .asking import API, read_merchant
from .payload import NORMALISERS, split

PROVIDER = Provider(
    slug="sumup",
    title="SumUp",
    scheme=Address(),
    split=split,
    normalisers=NORMALISERS,
    methods=frozenset({"POST"}),
    signed=False,
    asks_again=True,
    sender=Sender(
        accepts=range(200, 300),
        repeats=4,
        pauses=(60, 300, 1200, 7200),
        over=8760,
        then="событие потеряно / the event is lost",
        source="https://developer.sumup.com/online-payments/webhooks, 2026-11-27",
    ),
    default_currency="EUR",
    api=API,
    settings={"merchant": read_merchant},
)
