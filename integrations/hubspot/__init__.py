"""HubSpot: events that name what changed; deals, their rows and contacts are read."""

from integrations.contract import Provider
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API, read_portal
from .payload import IGNORED, NORMALISERS, part, split

PROVIDER = Provider(
    slug="hubspot",
    title="HubSpot",
    scheme=named("hubspot-v3"),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    part=part,
    sender=Sender(
        accepts=range(200, 300),
        within=5.0,
        repeats=10,
        over=86_400,
        then="событие потеряно / the event is lost",
        source="https://developers.hubspot.com/docs/api/webhooks, 2026-11-27",
    ),
    default_currency="USD",
    api=API,
    settings={"portal": read_portal},
)
