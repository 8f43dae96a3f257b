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

#: By the partial index of what is open. The inner limit bounds the work, whatever waits; letters
#: that say the very same are counted first, so that the rest is done for a few.
_GROUPS = r"""
WITH alike AS MATERIALIZED (
  SELECT source_id, type, reason, path, count(*) AS letters, min(id) AS first_id,
         max(id) AS last_id, min(created_at) AS first_at, max(created_at) AS last_at
  FROM (
    SELECT id, source_id, type, reason, path, created_at FROM tasks_deadletter l
    WHERE closed_at IS NULL AND (%b::int8[] IS NULL OR account_id = ANY(%b::int8[]))
      AND (%b::int8 IS NULL OR source_id = %b::int8)
      AND (%b::text IS NULL OR source_id IN (SELECT id FROM accounts_source WHERE provider = %b))
      AND (%b::text IS NULL OR type = %b::text) AND (%b::text IS NULL OR reason = %b::text)
      AND (%b::text IS NULL OR path ~ %b::text)
    LIMIT %b::int4) l
  GROUP BY 1, 2, 3, 4)
SELECT s.provider, a.type, a.reason, regexp_replace(a.path, '\[\d+\]', '[*]', 'g'),
       sum(a.letters)::int8, min(a.first_id), max(a.last_id), min(a.first_at), max(a.last_at),
       array_agg(DISTINCT a.source_id), (SELECT sum(letters)::int8 FROM alike)
FROM alike a JOIN accounts_source s ON s.id = a.source_id
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
    return {"path": path} if path is None or ANY not in path else {"path__regex": _pattern(path)}


def _pattern(path: str) -> str:
    return "^" + r"\[[0-9]+\]".join(map(re.escape, path.split(ANY))) + "$"


def groups(chosen: Filter, *, most: int = COUNTED) -> tuple[list[Group], bool]:
    """Count what is open by provider, type, reason and path, the most first.

    Returns also whether all of it was counted. Needs a scope.
    """
    accounts = None if chosen.accounts is None else list(chosen.accounts)
    pattern = None if chosen.path is None else _pattern(chosen.path)
    wanted = (accounts, chosen.source, chosen.provider, chosen.type, chosen.reason, pattern)
    doubled = [value for one in wanted for value in (one, one)]
    found = sql.rows(_GROUPS, *doubled, most, GROUPS)
    counted = found[0][-1] if found else 0
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
