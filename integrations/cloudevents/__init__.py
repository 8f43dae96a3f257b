"""Our own schema as CloudEvents 1.0 over HTTP: structured, in batches, or in headers."""

from integrations.contract import Provider
from integrations.envelope import NORMALISERS
from integrations.schemes import BearerOrQuery
from integrations.senders import Sender

from .payload import ATTRIBUTES, PING, UNREADABLE, permission, split, unreadable

PROVIDER = Provider(
    slug="cloudevents",
    title="CloudEvents",
    scheme=BearerOrQuery(),
    split=split,
    normalisers={**NORMALISERS, UNREADABLE: unreadable},
    ignored=frozenset({PING}),
    methods=frozenset({"POST", "OPTIONS"}),
    reads_headers=ATTRIBUTES,
    reads_query=True,
    secret_from="us",  # noqa: S106
    signed=False,
    redacted=("access_token",),
    probe=permission,
    sender=Sender(
        accepts=(200, 201, 202, 204),
        then="решает отправитель; 410 отписал бы / the sender decides; 410 would unsubscribe",
        source="https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md,"
        " 2026-11-27",
    ),
)
