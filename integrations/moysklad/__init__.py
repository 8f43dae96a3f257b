"""МойСклад: notices without content, the document itself is read from the API."""

from integrations.contract import Provider
from integrations.schemes import Address
from integrations.senders import Sender

from .calls import API
from .payload import CONFIRM, IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="moysklad",
    title="МойСклад",
    scheme=Address(),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    signed=False,
    default_currency="RUB",
    sender=Sender(
        accepts=(200, 204),
        within=1.5,
        repeats=3,
        pauses=(0, 0, 0),
        then="событие потеряно; вебхук отключат, если больше 7 из последних 10 дней были одни"
        " ошибки / the event is lost; the webhook is switched off where more than 7 of the last"
        " 10 days had nothing but errors",
        source="https://dev.moysklad.ru/doc/api/remap/1.2/#/dictionaries/webhook, 2026-11-25",
    ),
    api=API,
    confirm=CONFIRM,
)
