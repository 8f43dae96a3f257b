"""Square: payments, refunds and customers in full; orders and the catalogue are read."""

from integrations.apps import whole
from integrations.contract import Provider
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API, read_environment
from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="square",
    title="Square",
    scheme=named("square"),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    mapper=2,
    methods=frozenset({"POST"}),
    part=whole,
    sender=Sender(
        accepts=range(200, 300),
        within=10.0,
        repeats=11,
        pauses=(60, 120, 240, 480, 960, 1920, 3600, 7200, 14_400, 28_800, 28_800),
        over=86_400,
        then="событие отброшено / the event is dropped",
        source="https://developer.squareup.com/docs/webhooks/overview, 2026-11-23",
    ),
    default_currency="USD",
    api=API,
    settings={"environment": read_environment},
)
