"""The pending reads in the database: taken under a lease, put off, served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .. import sql
from .judging import AGAIN

#: Sources that have a read due. What is paused, disabled or waits for its secret is not asked.
_WAITING = """
SELECT s.id, s.account_id FROM accounts_source s
WHERE s.state = 'active' AND s.provider = ANY(%b::text[]) AND EXISTS (
  SELECT FROM tasks_fetch f
  WHERE f.source_id = s.id AND f.account_id = s.account_id AND f.due_at <= now())
ORDER BY s.id
"""
#: ``read_at`` is before the first call is sent, by the database's clock. MATERIALIZED, because what
#: is run once for each row of a join takes so many of a source each time.
_TAKE = """
WITH taken AS MATERIALIZED (
  SELECT one.id FROM unnest(%b::int8[], %b::int4[]) AS u(source_id, most), LATERAL (
    SELECT d.id FROM tasks_fetch d
    WHERE d.source_id = u.source_id AND d.due_at <= now()
    ORDER BY d.due_at, d.id LIMIT u.most FOR UPDATE SKIP LOCKED) AS one
)
UPDATE tasks_fetch AS f
SET token = gen_random_uuid(), due_at = clock_timestamp() + make_interval(secs => %b::float8)
FROM taken
WHERE f.id = taken.id
RETURNING f.id, f.token, f.account_id, f.source_id, f.kind, f.external_id, f.cause, f.over,
          f.deleted, f.listed, f.attempts, clock_timestamp()
"""
_HELD = """
SELECT f.lagged FROM tasks_fetch f WHERE f.id = %b::int8 AND f.token = %b::uuid FOR UPDATE
"""
_READ_AGAIN = """
UPDATE tasks_fetch SET token = NULL, attempts = 0, last_error = NULL, lagged = lagged + 1,
  due_at = CASE WHEN requested_at >= %b::timestamptz THEN now()
                ELSE now() + make_interval(secs => %b::float8) END
WHERE id = %b::int8
"""
#: Asked for again since the answer was asked for: due now. To be read again after quiet: then.
_SERVED = """
WITH kept AS (
  UPDATE tasks_fetch SET token = NULL, attempts = 0, last_error = NULL, lagged = 0,
    settle = CASE WHEN requested_at >= %b::timestamptz THEN settle END,
    due_at = CASE WHEN requested_at >= %b::timestamptz THEN now()
                  ELSE greatest(now(), requested_at + make_interval(secs => settle)) END
  WHERE id = %b::int8 AND (requested_at >= %b::timestamptz OR settle IS NOT NULL)
  RETURNING id
)
DELETE FROM tasks_fetch WHERE id = %b::int8 AND NOT EXISTS (SELECT FROM kept)
"""
_PUT_OFF = """
UPDATE tasks_fetch SET token = NULL, last_error = left(%b::text, 500),
  attempts = least(attempts + %b::int4, 30000),
  due_at = clock_timestamp() + make_interval(secs => %b::float8)
WHERE id = %b::int8 AND token = %b::uuid
"""
_PUT_OFF_ALL = """
UPDATE tasks_fetch SET last_error = left(%b::text, 500),
  attempts = least(attempts + 1, 30000),
  due_at = clock_timestamp() + make_interval(secs => %b::float8)
WHERE source_id = %b::int8 AND due_at <= now()
"""
_DUE_NOW = """
UPDATE tasks_fetch SET attempts = 0, due_at = now()
WHERE source_id = %b::int8 AND token IS NULL AND attempts > 0
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A read under our lease, with what was known when it was taken."""

    id: int
    token: UUID
    account_id: int
    source_id: int
    kind: str
    external_id: str
    cause: UUID
    over: int | None
    deleted: bool
    listed: bool
    attempts: int
    read_at: datetime


def waiting(providers: Sequence[str]) -> dict[int, int]:
    """Return source → account of those that have something due."""
    return dict(sql.rows(_WAITING, list(providers)))


def take(most: Mapping[int, int], *, lease: float) -> list[Taken]:
    """Take due reads, at most so many of each source, for the length of a lease (seconds)."""
    table = [(source, count) for source, count in sorted(most.items()) if count > 0]
    if not table:
        return []
    return [Taken(*row) for row in sql.rows(_TAKE, *sql.columns(table), lease)]


def held(one: Taken) -> int | None:
    """Lock a read that is still ours; return how often its answer lagged. None: the lease is over,
    and the answer is nobody's any more."""
    found = sql.rows(_HELD, one.id, one.token)
    return found[0][0] if found else None


def read_again(one: Taken, lagged: int) -> None:
    """Let a lagging answer be asked for again."""
    sql.rows(_READ_AGAIN, one.read_at, AGAIN[lagged], one.id)


def served(one: Taken) -> None:
    """End a read whose answer is staged; what was asked since, or waits for quiet, stays."""
    sql.rows(_SERVED, one.read_at, one.read_at, one.id, one.read_at, one.id)


def put_off(one: Taken, reason: str, *, seconds: float, counts: bool) -> None:
    """Give a read back, to be tried again later."""
    sql.rows(_PUT_OFF, reason, int(counts), seconds, one.id, one.token)


def put_off_all(source: int, reason: str, *, seconds: float) -> None:
    """Let everything of a source wait that a person has to make possible first."""
    sql.rows(_PUT_OFF_ALL, reason, seconds, source)


def due_now(source: int) -> None:
    """Try a source's reads at once that failed: what they lacked may have been set."""
    sql.rows(_DUE_NOW, source)
