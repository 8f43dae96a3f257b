"""Our own published schema, signed by Standard Webhooks: for whoever writes the sender."""

from integrations.contract import Provider
from integrations.envelope import NORMALISERS, split
from integrations.schemes import named
from integrations.senders import Sender

PROVIDER = Provider(
    slug="standard",
    title="Standard Webhooks",
    scheme=named("standard-webhooks"),
    split=split,
    normalisers=NORMALISERS,
    ignored=frozenset({"ping"}),
    sender=Sender(
        accepts=range(200, 300),
        within=15.0,
        over=270_000,
        then="решает отправитель / the sender decides",
        source="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/"
        "standard-webhooks.md, 2026-11-23",
    ),
    secret_from="us",  # noqa: S106
)
