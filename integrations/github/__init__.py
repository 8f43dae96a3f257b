"""Our own schema, signed as GitHub signs: for senders that have learned that and nothing else."""

from integrations.contract import Provider
from integrations.envelope import NORMALISERS
from integrations.schemes import named
from integrations.senders import Sender

from .payload import DELIVERY, EVENT, PING, split

PROVIDER = Provider(
    slug="github",
    title="GitHub-style",
    scheme=named("github"),
    split=split,
    normalisers=NORMALISERS,
    ignored=frozenset({PING}),
    methods=frozenset({"POST"}),
    reads_headers=frozenset({EVENT, DELIVERY}),
    sender=Sender(
        accepts=range(200, 300),
        within=10.0,
        repeats=0,
        then="решает отправитель; сам GitHub не повторяет / the sender decides; GitHub itself does"
        " not repeat",
        source="https://docs.github.com/en/webhooks, 2026-11-27",
    ),
    secret_from="us",  # noqa: S106
)
