"""What a batch met that a sender should not do: counted and told once it is committed."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from django.db import transaction

from . import metrics
from .models import Outcome
from .understanding import Identity, Understood

log = structlog.get_logger(__name__)


def note_drift(decided: Sequence[tuple[Understood, Outcome]]) -> None:
    """Count events whose form or type no normaliser knows, by provider."""
    found = [
        (one.loaded.source.provider, kind)
        for one, outcome in decided
        if (kind := _drift(one, outcome))
    ]

    def tell() -> None:
        for provider, kind in found:
            metrics.drifted(provider, kind)

    _after_commit(found, tell)


def _drift(one: Understood, outcome: Outcome) -> str:
    if outcome is Outcome.UNSUPPORTED:
        return "unsupported"
    # Neither a bug nor a request to a person has a path.
    return "unrecognised" if outcome is Outcome.DEAD and one.path else ""


def note_conflicts(
    entered: Mapping[Identity, bool], carriers: Mapping[Identity, Understood], versions: int
) -> None:
    """Count and tell of keys that came with other content, and of rows told twice as of one
    version. The merge rule decides; a person may want to ask the sender.
    """
    keys = [one for one, contradicts in entered.items() if contradicts]
    shown = [str(carriers[one].loaded.claim.delivery_id) for one in keys[:10]]

    def tell() -> None:
        metrics.contradicted(keys=len(keys), versions=versions)
        log.warning("facts_contradicted", keys=len(keys), versions=versions, deliveries=shown)

    _after_commit(keys or versions, tell)


def _after_commit(found: object, tell: Callable[[], object]) -> None:
    if found:
        transaction.on_commit(tell)
