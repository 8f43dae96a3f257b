"""Stripe (Terminal): charges, refunds and customers, each in full; lost events are listed."""

from integrations.apps import whole
from integrations.contract import Provider
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API, read_account
from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="stripe",
    title="Stripe",
    scheme=named("stripe"),
    split=split,
    part=whole,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    sender=Sender(
        accepts=range(200, 300),
        over=259_200,
        then="событие больше не присылается / the event is sent no more",
        source="https://docs.stripe.com/webhooks, 2026-11-27",
    ),
    default_currency="USD",
    api=API,
    merchant_setting="account",
    settings={"account": read_account},
)
