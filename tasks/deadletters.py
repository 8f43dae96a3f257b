"""Dead letters in PostgreSQL: list, send again, drop with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from . import inbox
from .models import DeadLetter


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which open dead letters: all of the scope by default."""

    ids: Sequence[int] = ()
    source: int | None = None
    type: str | None = None
    reason: str | None = None
    path: str | None = None
    until: datetime | None = None


def open_letters(chosen: Filter) -> QuerySet[DeadLetter]:
    """Return the open dead letters that match, the newest first. Needs a scope."""
    found = DeadLetter.objects.filter(closed_at=None).order_by("-id")
    wanted = {
        "id__in": list(chosen.ids) or None,
        "source_id": chosen.source,
        "type": chosen.type,
        "reason": chosen.reason,
        "path": chosen.path,
        "created_at__lt": chosen.until,
    }
    return found.filter(**{key: value for key, value in wanted.items() if value is not None})


def requeue(chosen: Filter) -> list[UUID]:
    """Put the deliveries of matching dead letters back into the inbox; return their ids.

    A letter is closed when its event settles, not now.
    """
    ids = sorted(set(open_letters(chosen).values_list("delivery_id", flat=True)))
    inbox.enlist(ids)
    return ids


def drop(chosen: Filter, reason: str) -> int:
    """Close matching dead letters unsettled, for a stated reason; return how many."""
    return open_letters(chosen).update(closed_at=Now(), closed_by=f"dropped: {reason}")
