"""Bitrix24 (Битрикс24): thin events, and deals read by the portal's inbound webhook."""

from integrations.contract import Provider
from integrations.hosts import read_host
from integrations.schemes import FormField
from integrations.senders import Sender

from .asking import API
from .payload import CONFIRM, IGNORED, NORMALISERS, split

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
    sender=Sender(
        repeats=0,
        then="событие потеряно / the event is lost",
        source="https://apidocs.bitrix24.ru/api-reference/events/index.html, 2026-11-25",
    ),
    api=API,
    confirm=CONFIRM,
    settings={"portal": read_host},
)
