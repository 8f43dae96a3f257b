"""Evotor (Эвотор): smart terminals; documents and receipts are pushed with a Bearer token."""

from integrations.contract import Provider
from integrations.schemes import UserBearer
from integrations.senders import Sender

from . import linking
from .asking import API
from .payload import IGNORED, NORMALISERS, part, split

PROVIDER = Provider(
    slug="evotor",
    title="Эвотор",
    scheme=UserBearer(own=linking.OWN_CALLS),
    split=split,
    part=part,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST", "PUT"}),
    secret_from="us",  # noqa: S106
    signed=False,
    sender=Sender(
        within=10.0,
        then="событие подписки и установки повторяется около раза в минуту трое суток"
        " / an event of a subscription or installation comes about once a minute for three days",
        source="https://developer.evotor.ru/docs/, evotor/documentation-api 9e9f41d, 2026-11-27",
    ),
    redacted=("password", "token", "*.password", "*.token"),
    respond=linking.respond,
    refusal=linking.refusal,
    brings=linking.brings,
    invite=linking.invite,
    settings={linking.REGISTRATION: linking.read_registration},
    app_settings={
        linking.REGISTRATION: "open или closed: выдавать ли токен каждому, кто установил приложение"
        " / open or closed: whether whoever installs the app gets a token"
    },
    default_currency="RUB",
    api=API,
)
