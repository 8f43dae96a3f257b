"""Lightspeed Retail X-Series (once Vend): sales, returns and customers in full."""

from integrations.apps import whole
from integrations.contract import Provider
from integrations.hooks import signed_for_apps
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API, read_domain
from .payload import NORMALISERS, split

PROVIDER = signed_for_apps(
    Provider(
        slug="lightspeed",
        title="Lightspeed Retail X",
        scheme=named("lightspeed-x"),
        split=split,
        normalisers=NORMALISERS,
        mapper=2,
        methods=frozenset({"POST"}),
        part=whole,
        api=API,
        settings={"domain": read_domain},
        sender=Sender(
            accepts=range(200, 300),
            within=5.0,
            repeats=20,
            over=172_800,
            then="событие потеряно / the event is lost",
            source="https://x-series-api.lightspeedhq.com/docs/webhooks, 2026-11-27",
        ),
    )
)
