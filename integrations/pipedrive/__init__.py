"""Pipedrive: deals with their products, and persons; what a webhook does not have is read."""

from integrations.apps import whole
from integrations.contract import Provider
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API, read_domain
from .payload import NORMALISERS, split

PROVIDER = Provider(
    slug="pipedrive",
    title="Pipedrive",
    scheme=named("basic"),
    split=split,
    normalisers=NORMALISERS,
    mapper=2,
    methods=frozenset({"POST"}),
    secret_from="us",  # noqa: S106
    signed=False,
    part=whole,
    sender=Sender(
        accepts=range(200, 300),
        within=10.0,
        then="хуки, которые не принимают, на время отключаются / hooks that are not taken are"
        " banned for a time",
        source="https://pipedrive.readme.io/docs/guide-for-webhooks-v2, 2026-11-27",
    ),
    default_currency="USD",
    api=API,
    settings={"domain": read_domain},
)
