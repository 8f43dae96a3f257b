"""The queue of record: claim, give back, put off, finish.

``due_at`` is lease and not-before in one. An attempt is counted and committed before the work, so
that a delivery which kills its process still reaches the dead letters.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from . import options, sql

_CLAIM = """
WITH due AS (
  SELECT delivery_id FROM ingest_inbox
  WHERE delivery_id = ANY(%b::uuid[]) AND due_at <= now() AND attempts <= %b::int4
  ORDER BY delivery_id FOR UPDATE SKIP LOCKED
)
UPDATE ingest_inbox AS i
SET attempts = i.attempts + 1, due_at = now() + make_interval(secs => %b::float8)
FROM due WHERE i.delivery_id = due.delivery_id
RETURNING i.delivery_id, i.account_id, i.source_id, i.attempts
"""
#: The planner expects few rows of any account to be due, and would rather read and sort them all;
#: to it the backlog of one is always news.
_BY_INDEX = """
SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_seqscan', 'off', true)
"""
#: BETWEEN, so that only the index by account gives the order: after an equality the key's would do
#: too, and finding one delivery of a quiet account would pass the backlog of all others.
_CLAIM_IN_TURNS = """
WITH oldest AS MATERIALIZED (
  SELECT one.delivery_id FROM unnest(%b::int8[]) AS a(id), LATERAL (
    SELECT i.delivery_id FROM ingest_inbox i
    WHERE i.account_id BETWEEN a.id AND a.id AND i.due_at <= now() AND i.attempts = 0
    ORDER BY i.account_id, i.delivery_id LIMIT %b::int4 FOR UPDATE SKIP LOCKED) AS one
), newest AS MATERIALIZED (
  SELECT one.delivery_id FROM unnest(%b::int8[]) AS a(id), LATERAL (
    SELECT i.delivery_id FROM ingest_inbox i
    WHERE i.account_id BETWEEN a.id AND a.id AND i.due_at <= now() AND i.attempts = 0
    ORDER BY i.account_id DESC, i.delivery_id DESC LIMIT %b::int4 FOR UPDATE SKIP LOCKED) AS one
)
UPDATE ingest_inbox AS i
SET attempts = i.attempts + 1, due_at = now() + make_interval(secs => %b::float8)
FROM (SELECT delivery_id FROM oldest UNION SELECT delivery_id FROM newest) AS due
WHERE i.delivery_id = due.delivery_id
RETURNING i.delivery_id, i.account_id, i.source_id, i.attempts
"""
#: From one account to the next by the index, without passing what each has waiting.
_ACCOUNTS = """
WITH RECURSIVE turn(account_id) AS (
  (SELECT account_id FROM ingest_inbox WHERE account_id > %b::int8
   ORDER BY account_id, delivery_id LIMIT 1)
  UNION ALL
  SELECT (SELECT i.account_id FROM ingest_inbox i WHERE i.account_id > t.account_id
          ORDER BY i.account_id, i.delivery_id LIMIT 1)
  FROM turn t WHERE t.account_id IS NOT NULL
)
SELECT account_id FROM turn WHERE account_id IS NOT NULL LIMIT %b::int4
"""
_HIGHEST = """
SELECT account_id FROM ingest_inbox ORDER BY account_id DESC, delivery_id DESC LIMIT 1
"""
_SUSPECTS = """
SELECT delivery_id FROM ingest_inbox
WHERE delivery_id = ANY(%b::uuid[]) AND due_at <= now() AND attempts > 0
ORDER BY attempts, delivery_id
"""
_GIVE_BACK = """
UPDATE ingest_inbox AS i
SET attempts = i.attempts - 1, due_at = now() + make_interval(secs => %b::float8),
    last_error = %b::text
FROM unnest(%b::uuid[], %b::int4[]) AS c(id, attempt)
WHERE i.delivery_id = c.id AND i.attempts = c.attempt
"""
_PUT_OFF = """
UPDATE ingest_inbox AS i
SET due_at = now() + make_interval(secs => c.pause), last_error = c.error
FROM unnest(%b::uuid[], %b::int4[], %b::float8[], %b::text[]) AS c(id, attempt, pause, error)
WHERE i.delivery_id = c.id AND i.attempts = c.attempt
"""
_FINISH = "DELETE FROM ingest_inbox WHERE delivery_id = ANY(%b::uuid[])"
#: Below zero: whoever enlists settles them himself, in his own way, and nobody takes them before.
_ENLIST = """
INSERT INTO ingest_inbox (delivery_id, account_id, source_id, attempts)
SELECT id, account_id, source_id, -1 FROM ingest_delivery WHERE id = ANY(%b::uuid[]) ORDER BY id
ON CONFLICT (delivery_id) DO NOTHING
"""
#: Claimed by somebody else or given back; what failed by itself is tried again later, and held is
#: what waits for its paused source.
_UNFINISHED = """
SELECT count(*) FROM ingest_inbox
WHERE delivery_id = ANY(%b::uuid[]) AND due_at < 'infinity'
  AND (attempts <= 0 OR last_error IS NULL)
"""
#: Waiting or being settled for the first time. Not what failed or is held, whatever its number, and
#: not what a replay enlisted.
_LIVE = """
SELECT EXISTS (
  SELECT FROM ingest_inbox
  WHERE last_error IS NULL AND due_at < 'infinity'
    AND (attempts > 0 OR (attempts = 0 AND due_at <= now())))
"""
#: One pass over the table, which is small or being emptied: due_at has no index on purpose. Not the
#: age of the delivery, which is old from its first second where somebody requeued it.
_STATE = """
SELECT count(*), count(*) FILTER (WHERE due_at = 'infinity'),
       coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE due_at <= now())), 0)::float8
FROM ingest_inbox
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours until the lease ends; ``attempt`` counts from 1, or from 0 where
    it was enlisted."""

    delivery_id: UUID
    account_id: int
    source_id: int
    attempt: int


@dataclass(frozen=True, slots=True)
class State:
    """The inbox at a glance; ``held`` rows wait for their paused source. ``oldest`` is for how
    long (seconds) something has been due that nobody took."""

    size: int
    held: int
    oldest: float


def claim(ids: Iterable[UUID], *, tried: int = 0) -> list[Claim]:
    """Take what is due and was tried at most so often, in a committed transaction of its own."""
    with transaction.atomic(durable=True):
        taken = sql.rows(_CLAIM, list(ids), tried, float(options.lease()))
    return sorted((Claim(*row) for row in taken), key=lambda one: one.delivery_id)


@contextmanager
def by_index() -> Iterator[None]:
    """Run statements that walk along the index by account, in a committed transaction."""
    with transaction.atomic(durable=True):
        sql.rows(_BY_INDEX)
        yield


def claim_oldest_and_newest(accounts: Sequence[int], share: int, *, newest: int) -> list[Claim]:
    """Take at most a share of what each account has due and never tried, some of it newest."""
    of_each = (accounts, share - newest, accounts, newest)
    with by_index():
        taken = sql.rows(_CLAIM_IN_TURNS, *of_each, float(options.lease()))
    return [Claim(*row) for row in taken]


def accounts(after: int, limit: int) -> list[int]:
    """Return accounts that have anything in the inbox, from behind an id, at most so many."""
    with by_index():
        return [row[0] for row in sql.rows(_ACCOUNTS, after, limit)]


def highest_account() -> int:
    """Return the greatest id of an account that has anything in the inbox, 0 where none has."""
    with by_index():
        found = sql.rows(_HIGHEST)
    return int(found[0][0]) if found else 0


def suspects(ids: Iterable[UUID]) -> list[UUID]:
    """Return what is due and had an attempt that did not end well, the least tried first."""
    return [row[0] for row in sql.rows(_SUSPECTS, list(ids))]


def give_back(claims: Sequence[Claim], error: str) -> None:
    """Return deliveries unharmed: no fault of theirs, so the attempt does not count."""
    pause = options.backoff() * random.uniform(0.2, 0.6)  # noqa: S311
    ids, attempts = [one.delivery_id for one in claims], [one.attempt for one in claims]
    sql.rows(_GIVE_BACK, pause, error, ids, attempts)


def put_off(failures: Sequence[tuple[Claim, str]]) -> None:
    """Let failed deliveries wait: three times longer after each attempt, with jitter."""
    if failures:
        table = [
            (claim.delivery_id, claim.attempt, pause(claim.attempt), error)
            for claim, error in failures
        ]
        sql.rows(_PUT_OFF, *sql.columns(table))


def pause(attempt: int) -> float:
    """Return the seconds to wait after this attempt."""
    longest: float = options.backoff() * 3 ** (attempt - 1)
    return longest * random.uniform(0.7, 1.3)  # noqa: S311


def finish(ids: Iterable[UUID]) -> None:
    """Take settled deliveries out of the inbox."""
    sql.rows(_FINISH, sorted(ids))


def enlist(ids: Iterable[UUID]) -> None:
    """Put settled deliveries back into the inbox. Needs the scope of their accounts."""
    sql.rows(_ENLIST, sorted(ids))


def unfinished(ids: Iterable[UUID]) -> int:
    """Count those of the deliveries that are not settled though nothing is wrong with them."""
    return int(sql.rows(_UNFINISHED, list(ids))[0][0])


def live() -> bool:
    """Say whether anything that was just staged waits or is being settled."""
    return bool(sql.rows(_LIVE)[0][0])


def state() -> State:
    """Count the inbox and tell for how long the longest due has waited."""
    size, held, oldest = sql.rows(_STATE)[0]
    return State(size, held, oldest)
