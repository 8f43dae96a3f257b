"""Clover: one delivery for many merchants names what changed; orders and payments are read."""

from integrations.contract import Provider
from integrations.schemes import StaticHeader
from integrations.senders import Sender

from .asking import API, read_merchant, read_region
from .payload import IGNORED, NORMALISERS, code, is_verification, part, split

PROVIDER = Provider(
    slug="clover",
    title="Clover",
    scheme=StaticHeader("x-clover-auth"),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    signed=False,
    handshake=is_verification,
    handshake_signed=True,
    code=code,
    part=part,
    sender=Sender(
        then="не обещано ничего / nothing is promised",
        source="https://docs.clover.com/dev/docs/webhooks, 2026-11-27",
    ),
    default_currency="USD",
    api=API,
    merchant_setting="merchant",
    settings={"merchant": read_merchant, "region": read_region},
)
