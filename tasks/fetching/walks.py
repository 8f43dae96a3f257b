"""Walks through lists in the database: begun, taken page by page under a lease, put off, ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from accounts.models import Source

from .. import sql
from ..models import Backfill

#: Seconds between two passes of a window, at most; a short window is walked more often.
EVERY = 300.0
_WAITING = """
SELECT s.id, s.account_id FROM accounts_source s
WHERE s.state = 'active' AND s.provider = ANY(%b::text[]) AND EXISTS (
  SELECT FROM tasks_backfill b
  WHERE b.source_id = s.id AND b.account_id = s.account_id AND b.state = 'running'
    AND b.due_at <= now())
ORDER BY s.id
"""
#: One page of each source at a time: the walks of one source take turns. MATERIALIZED as reads are.
_TAKE = """
WITH taken AS MATERIALIZED (
  SELECT one.id FROM unnest(%b::int8[]) AS u(source_id), LATERAL (
    SELECT d.id FROM tasks_backfill d
    WHERE d.source_id = u.source_id AND d.state = 'running' AND d.due_at <= now()
      AND NOT EXISTS (
        SELECT FROM tasks_backfill o
        WHERE o.source_id = u.source_id AND o.state = 'running' AND o.token IS NOT NULL
          AND o.due_at > now())
    ORDER BY d.due_at, d.id LIMIT 1 FOR UPDATE SKIP LOCKED) AS one
)
UPDATE tasks_backfill AS b
SET token = gen_random_uuid(), until = coalesce(b.until, now()),
    due_at = clock_timestamp() + make_interval(secs => %b::float8)
FROM taken
WHERE b.id = taken.id
RETURNING b.id, b.token, b.account_id, b.source_id, b.kind, b.since, b.until, b.cursor, b.attempts,
          b."window", clock_timestamp()
"""
_HELD = """
SELECT 1 FROM tasks_backfill WHERE id = %b::int8 AND token = %b::uuid FOR UPDATE
"""
_TURNED = """
UPDATE tasks_backfill SET token = NULL, attempts = 0, last_error = NULL, cursor = %b::text,
  pages = pages + 1, staged = staged + %b::int4, "left" = %b::int4, changed_at = now(),
  due_at = now()
WHERE id = %b::int8
"""
_ENDED = """
UPDATE tasks_backfill SET state = 'done' WHERE id = %b::int8
"""
#: What changed while a list was walked may have moved to a page that was passed already.
_NEXT_ROUND = """
UPDATE tasks_backfill SET since = until - make_interval(secs => %b::float8), until = NULL,
  due_at = now() + make_interval(secs => %b::float8)
WHERE id = %b::int8
"""
_PUT_OFF = """
UPDATE tasks_backfill SET token = NULL, last_error = left(%b::text, 500), changed_at = now(),
  attempts = least(attempts + %b::int4, 30000),
  due_at = clock_timestamp() + make_interval(secs => %b::float8)
WHERE id = %b::int8 AND token = %b::uuid
"""
#: Nothing was asked, so nothing failed: who wants no list walked gives no secret.
_PUT_OFF_ALL = """
UPDATE tasks_backfill SET last_error = left(%b::text, 500), changed_at = now(),
  due_at = clock_timestamp() + make_interval(secs => %b::float8)
WHERE source_id = %b::int8 AND state = 'running' AND due_at <= now()
"""
_DUE_NOW = """
UPDATE tasks_backfill SET attempts = 0, due_at = now()
WHERE source_id = %b::int8 AND state = 'running' AND token IS NULL
  AND last_error IS NOT NULL
"""
_OPEN_WINDOWS = """
INSERT INTO tasks_backfill (account_id, source_id, kind, "window", since, state)
SELECT s.account_id, s.id, u.kind, true, now() - make_interval(secs => u.seconds), 'running'
FROM unnest(%b::text[], %b::text[], %b::float8[]) AS u(provider, kind, seconds)
JOIN accounts_source s ON s.provider = u.provider AND s.state = 'active'
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page under our lease: where its walk stands."""

    id: int
    token: UUID
    account_id: int
    source_id: int
    kind: str
    since: datetime
    until: datetime
    cursor: str | None
    attempts: int
    window: bool
    read_at: datetime


def parts(
    since: datetime, until: datetime, longest: timedelta | None
) -> Iterator[tuple[datetime, datetime]]:
    """Cut a stretch into walks that a list may be asked for; they meet at their ends."""
    while longest is not None and until - since > longest:
        yield since, since + longest
        since += longest
    yield since, until


def start(source: Source, kind: str, since: datetime, until: datetime) -> Backfill:
    """Begin a walk, or let one over the same stretch go on where it was."""
    same = Backfill.objects.filter(
        source=source, kind=kind, since=since, until=until, window=False
    ).exclude(state=Backfill.State.DONE)
    found = same.order_by("-pk").first()
    if found is None:
        found = Backfill(
            account_id=source.account_id, source=source, kind=kind, since=since, until=until
        )
        found.save()
    else:
        resume(found.pk)
    found.refresh_from_db()
    return found


def resume(key: int) -> bool:
    """Let a cancelled walk go on where it was; say whether it can."""
    rows = Backfill.objects.filter(pk=key).exclude(state=Backfill.State.DONE)
    rows.filter(token=None).update(due_at=Now())
    return bool(rows.update(state=Backfill.State.RUNNING, changed_at=Now()))


def cancel(key: int) -> bool:
    """End a walk after the page at hand; say whether it was running."""
    rows = Backfill.objects.filter(pk=key, state=Backfill.State.RUNNING, window=False)
    return bool(rows.update(state=Backfill.State.CANCELLED, changed_at=Now()))


def describe(walk: Backfill) -> dict[str, Any]:
    """Return a walk as people and programs see it."""
    names = (
        *("kind", "window", "since", "until", "state", "pages", "staged", "cursor", "left"),
        *("attempts", "last_error", "created_at", "changed_at"),
    )
    said = {name: getattr(walk, name) for name in names}
    return {"backfill": walk.pk, "source": walk.source_id, **said}


def waiting(providers: Sequence[str]) -> dict[int, int]:
    """Return source → account of those that have a page due."""
    return dict(sql.rows(_WAITING, list(providers)))


def take(sources: Sequence[int], *, lease: float) -> list[Page]:
    """Take the next page of a walk of each source, for the length of a lease (seconds)."""
    if not sources:
        return []
    return [Page(*row) for row in sql.rows(_TAKE, sorted(sources), lease)]


def held(page: Page) -> bool:
    """Lock a walk whose page is still ours; say whether it is."""
    return bool(sql.rows(_HELD, page.id, page.token))


def turned(page: Page, cursor: str | None, *, staged: int, left: int, overlap: float) -> None:
    """Go on behind a page; at the end of the list end, or let a window's next pass be due.

    ``overlap`` is how far (seconds) the next pass of a window reaches back behind this one.
    """
    sql.rows(_TURNED, cursor, staged, left, page.id)
    if cursor is None and page.window:
        sql.rows(_NEXT_ROUND, overlap, min(EVERY, overlap / 2), page.id)
    elif cursor is None:
        sql.rows(_ENDED, page.id)


def put_off(page: Page, reason: str, *, seconds: float, counts: bool) -> None:
    """Give a page back, to be tried again later."""
    sql.rows(_PUT_OFF, reason, int(counts), seconds, page.id, page.token)


def put_off_all(source: int, reason: str, *, seconds: float) -> None:
    """Let the walks of a source wait that a person has to make possible first."""
    sql.rows(_PUT_OFF_ALL, reason, seconds, source)


def due_now(source: int) -> None:
    """Try a source's walks at once that failed: what they lacked may have been set."""
    sql.rows(_DUE_NOW, source)


def open_windows(windows: Sequence[tuple[str, str, float]]) -> None:
    """Let every active source have its sliding windows: (provider, kind, seconds)."""
    if windows:  # one provider may count in whole seconds, another not: an array is of one type
        rows = [(provider, kind, float(seconds)) for provider, kind, seconds in windows]
        sql.rows(_OPEN_WINDOWS, *sql.columns(rows))
