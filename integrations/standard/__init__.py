"""Our own published schema, signed by Standard Webhooks: for whoever writes the sender."""

from integrations.contract import Provider
from integrations.envelope import NORMALISERS, split
from integrations.schemes import named

PROVIDER = Provider(
    slug="standard",
    title="Standard Webhooks",
    scheme=named("standard-webhooks"),
    split=split,
    normalisers=NORMALISERS,
    ignored=frozenset({"ping"}),
    secret_from="us",  # noqa: S106
)
