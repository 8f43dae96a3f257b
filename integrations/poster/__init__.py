"""Poster (joinposter): hooks that say which cheque changed, the cheque itself is read."""

from integrations.apps import whole
from integrations.contract import Answer, Provider
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API
from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="poster",
    title="Poster",
    scheme=named("poster"),
    split=split,
    part=whole,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    # An md5 of a few fields, without a time: what a hook says is believed of nobody.
    signed=False,
    redacted=("data.access_token",),
    sender=Sender(
        repeats=15,
        over=2 * 86_400,
        then="событие потеряно; пока оно не принято, новых не присылают / the event is lost;"
        " until it is accepted no new ones are sent",
        source="https://dev.joinposter.com/docs/v3/web/webhooks, 2026-11-27",
    ),
    answer=Answer(b'{"status":"accept"}', "application/json"),
    api=API,
)
