"""Evotor (Эвотор): smart terminals; documents and receipts are pushed with a Bearer token."""

from integrations.contract import Provider
from integrations.schemes import UserBearer
from integrations.senders import Sender

from .payload import IGNORED, NORMALISERS, part, split

PROVIDER = Provider(
    slug="evotor",
    title="Эвотор",
    scheme=UserBearer(),
    split=split,
    part=part,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST", "PUT"}),
    secret_from="us",  # noqa: S106
    signed=False,
    sender=Sender(source="https://developer.evotor.ru/docs/, 2026-11-23"),
    # Of the calls that link an account: they are kept, and not answered as Evotor wants yet.
    redacted=("password", "token"),
    default_currency="RUB",
)
