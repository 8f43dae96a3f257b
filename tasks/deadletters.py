"""Dead letters in PostgreSQL: what is open, grouped; send again, drop with a reason.

Changes go in pages, newest first, each a short transaction of its caller: a hundred thousand
letters never hold a lock for long, and whoever stops half-way goes on from the last id.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from . import inbox, sql
from .models import DeadLetter

#: Letters of one page.
PAGE = 1000
#: Open letters that are counted for groups; beyond them the counts are those of a part.
COUNTED = 1_000_000
#: Groups that are shown, the largest.
GROUPS = 200

#: Any index in a path: whether the third line or the fourth could not be read is one fault.
ANY = "[*]"

#: By the partial index of what is open. The inner limit bounds the work, whatever waits.
_GROUPS = r"""
SELECT provider, type, reason, place, count(*), min(id), max(id), min(created_at),
       max(created_at), array_agg(DISTINCT source_id), sum(count(*)) OVER ()
FROM (
  SELECT s.provider, l.type, l.reason, p.place, l.id, l.created_at, l.source_id
  FROM tasks_deadletter l JOIN accounts_source s ON s.id = l.source_id
  CROSS JOIN LATERAL (
    SELECT CASE WHEN strpos(l.path, '[') = 0 THEN l.path
                ELSE regexp_replace(l.path, '\[\d+\]', '[*]', 'g') END AS place) p
  WHERE l.closed_at IS NULL AND (%b::int8[] IS NULL OR l.account_id = ANY(%b::int8[]))
    AND (%b::int8 IS NULL OR l.source_id = %b::int8)
    AND (%b::text IS NULL OR s.provider = %b::text)
    AND (%b::text IS NULL OR l.type = %b::text) AND (%b::text IS NULL OR l.reason = %b::text)
    AND (%b::text IS NULL OR l.path = %b::text OR p.place = %b::text)
  LIMIT %b::int4) t
GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT %b::int4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which open dead letters: all of the scope by default. ``[*]`` in a path is any index."""

    ids: Sequence[int] = ()
    accounts: Sequence[int] | None = None
    source: int | None = None
    provider: str | None = None
    type: str | None = None
    reason: str | None = None
    path: str | None = None


class Group(NamedTuple):
    """Open letters that say the same. ``sources`` are those it was heard from."""

    provider: str
    type: str
    reason: str
    path: str
    letters: int
    first_id: int
    last_id: int
    first_at: datetime
    last_at: datetime
    sources: list[int]


@dataclass(frozen=True, slots=True)
class Page:
    """What one page did: its letters, their deliveries, and behind which id the next begins."""

    letters: int
    deliveries: Sequence[UUID] = ()
    next: int | None = None


def open_letters(chosen: Filter, *, before: int | None = None) -> QuerySet[DeadLetter]:
    """Return the open dead letters that match, below an id, the newest first. Needs a scope."""
    found = DeadLetter.objects.filter(closed_at=None).order_by("-id")
    wanted = {
        "id__in": list(chosen.ids) or None,
        "account_id__in": chosen.accounts,
        "source_id": chosen.source,
        "source__provider": chosen.provider,
        "type": chosen.type,
        "reason": chosen.reason,
        "id__lt": before,
        **of_path(chosen.path),
    }
    return found.filter(**{key: value for key, value in wanted.items() if value is not None})


def of_path(path: str | None) -> dict[str, str | None]:
    """Return the condition on the column of a path, ``[*]`` being any index."""
    if path is None or ANY not in path:
        return {"path": path}
    pieces = map(re.escape, path.split(ANY))
    return {"path__regex": "^" + r"\[[0-9]+\]".join(pieces) + "$"}


def groups(chosen: Filter, *, most: int = COUNTED) -> tuple[list[Group], bool]:
    """Count what is open by provider, type, reason and path, the most first.

    Returns also whether all of it was counted. Needs a scope.
    """
    wanted = (chosen.source, chosen.provider, chosen.type, chosen.reason, chosen.path)
    accounts = None if chosen.accounts is None else list(chosen.accounts)
    doubled = [value for one in wanted for value in (one, one)]
    found = sql.rows(_GROUPS, accounts, accounts, *doubled, chosen.path, most, GROUPS)
    counted = int(found[0][-1]) if found else 0
    return [Group(*row[:-1]) for row in found], counted < most


def requeue(chosen: Filter, *, before: int | None = None, limit: int = PAGE) -> Page:
    """Put the deliveries of one page of letters back into the inbox.

    A letter is closed when its event settles, not now.
    """
    found = _page(chosen, before, limit)
    ids = sorted({delivery for _, delivery in found})
    inbox.enlist(ids)
    return Page(len(found), ids, _next(found, limit))


def drop(
    chosen: Filter, reason: str, *, by: str = "", before: int | None = None, limit: int = PAGE
) -> Page:
    """Close one page of letters unsettled, for a stated reason."""
    found = _page(chosen, before, limit)
    rows = DeadLetter.objects.filter(id__in=[key for key, _ in found], closed_at=None)
    who = f" ({by})" if by else ""
    closed = rows.update(closed_at=Now(), closed_by=f"dropped: {reason}{who}")
    return Page(closed, (), _next(found, limit))


def _page(chosen: Filter, before: int | None, limit: int) -> list[tuple[int, UUID]]:
    found = open_letters(chosen, before=before)
    return list(found.values_list("id", "delivery_id")[:limit])


def _next(found: Sequence[tuple[int, UUID]], limit: int) -> int | None:
    return found[-1][0] if len(found) == limit else None
