"""Bitrix24 (Битрикс24): thin events, and deals read by the portal's inbound webhook."""

from integrations.contract import Provider
from integrations.hosts import read_host
from integrations.schemes import FormField

from .asking import API
from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="bitrix24",
    title="Битрикс24",
    scheme=FormField("auth.application_token"),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    signed=False,
    redacted=("auth.access_token", "auth.refresh_token", "auth.application_token"),
    api=API,
    settings={"portal": read_host},
)
