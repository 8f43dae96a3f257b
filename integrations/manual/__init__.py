"""What people enter and edit in our own API: the same inbox, and nothing over HTTP."""

from integrations.contract import Provider
from integrations.edits import normalise_edit
from integrations.envelope import NORMALISERS, split
from integrations.schemes import Never

PROVIDER = Provider(
    slug="manual",
    title="Вручную",
    scheme=Never(),
    split=split,
    normalisers={**NORMALISERS, "entity.edited": normalise_edit},
    methods=frozenset(),
    secret_from="us",  # noqa: S106
    signed=False,
)
