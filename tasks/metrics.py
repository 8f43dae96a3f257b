"""What settling tells Prometheus; gauges are asked of the database when somebody looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, LiteralString
from uuid import UUID

from django.db import transaction
from prometheus_client import Counter, Histogram

from . import options, sql
from .inbox import State, state

ATTEMPTS = Counter("gjango_attempts", "Events settled, by outcome", ["outcome"])
RETRIES = Counter("gjango_settle_retries", "Batches that failed, by what was done", ["cause"])
SECONDS = Histogram(
    "gjango_settle_seconds",
    "Duration of a batch's transaction",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BATCH = Histogram(
    "gjango_settle_batch_size",
    "Deliveries in a batch",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
CONFLICTS = Counter(
    "gjango_conflicts", "Facts told in two ways, by what the two have in common", ["by"]
)
DRIFT = Counter(
    "gjango_drift", "Events whose form or type no normaliser knows", ["provider", "finding"]
)
SWEPT = Counter("gjango_swept", "Deliveries that the sweep settled because nobody woke them")
FETCH_CALLS = Counter(
    "gjango_fetch_calls", "Requests that a provider answered", ["provider", "result"]
)
FETCHES = Counter("gjango_fetches", "Reads of an object that ended, by how", ["result"])
#: Walks through lists count where they fail: a window waits all the time.
_READS = """
SELECT s.provider, count(*) FILTER (WHERE f.asked),
       count(*) FILTER (WHERE f.attempts >= %b::int4),
       coalesce(extract(epoch FROM now() - min(f.since) FILTER (WHERE f.asked)), 0)::float8
FROM (
  SELECT source_id, true AS asked, attempts, requested_at AS since FROM tasks_fetch
  UNION ALL
  SELECT source_id, false, attempts, NULL FROM tasks_backfill WHERE state = 'running'
) f JOIN accounts_source s ON s.id = f.source_id
WHERE s.state <> 'disabled' GROUP BY 1 ORDER BY 1
"""
#: So many deliveries tell what is usual for a source.
_LAST_IDS = """
SELECT s.id, s.provider, now(), recent.ids
FROM (SELECT id, provider FROM accounts_source WHERE state = 'active' AND provider <> 'manual'
      ORDER BY id LIMIT 1000) s
CROSS JOIN LATERAL (
  SELECT array_agg(d.id ORDER BY d.id DESC) AS ids
  FROM (SELECT id FROM ingest_delivery WHERE source_id = s.id ORDER BY id DESC LIMIT 20) d
) recent
WHERE recent.ids IS NOT NULL
"""
_OPEN = "SELECT count(*) FROM tasks_deadletter WHERE closed_at IS NULL"
_UNROUTED = "SELECT count(*) FROM tasks_routed WHERE routed_id IS NULL"

_INVARIANTS = """
SELECT count(DISTINCT v.line) FILTER (WHERE greatest(v.failed, v.last_failed) > 0 AND NOT u.warning),
       count(v.finished_at) = count(*),
       extract(epoch FROM now() - min(v.finished_at))::float8
FROM unnest(%b::text[], %b::int2[], %b::bool[]) AS u(line, part, warning)
LEFT JOIN tasks_verification v USING (line, part)
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Silence:
    """For how long a source has sent nothing, and its longest pause lately, both in seconds."""

    source: int
    provider: str
    seconds: float
    usual: float


@dataclass(frozen=True, slots=True)
class Reads:
    """What waits to be asked of a provider: how much, how much of it fails again and again, and
    the age of the oldest in seconds."""

    provider: str
    pending: int
    failing: int
    oldest: float


def settled(outcomes: Mapping[str, int], *, deliveries: int, seconds: float) -> None:
    """Count a settled batch."""
    for outcome, count in outcomes.items():
        ATTEMPTS.labels(outcome=outcome).inc(count)
    BATCH.observe(deliveries)
    SECONDS.observe(seconds)


def contradicted(*, keys: int, versions: int) -> None:
    """Count events of one key, and rows of one version, that came with two contents."""
    CONFLICTS.labels(by="key").inc(keys)
    CONFLICTS.labels(by="version").inc(versions)


def drifted(provider: str, finding: str) -> None:
    """Count an event that a provider sends in a form, or of a type, that we do not know."""
    DRIFT.labels(provider=provider, finding=finding).inc()


def inbox_state() -> State:
    """Return size, held and age (seconds) of the inbox now."""
    return state()


def invariants_state() -> tuple[int, float | None]:
    """Count the invariants that are broken, and return for how many seconds the oldest of them
    was not examined to the end; None where one never was."""
    from .invariants import CHECKS

    walks = [
        (check.id, part, check.warning) for check in CHECKS for part in range(len(check.parts))
    ]
    broken, whole, age = sql.rows(_INVARIANTS, *sql.columns(walks))[0]
    return broken, age if whole else None


def dead_letters_open() -> int:
    """Count the dead letters of all accounts that wait for a human."""
    return int(_of_all_accounts(_OPEN)[0][0])


def unrouted() -> int:
    """Count the parts of apps' deliveries whose merchant nobody has connected."""
    return int(_of_all_accounts(_UNROUTED)[0][0])


def reads() -> list[Reads]:
    """Return what waits to be asked of each provider."""
    return [Reads(*row) for row in _of_all_accounts(_READS, options.fetch_attempts())]


def silences() -> list[Silence]:
    """Return for how long each active source has been silent; those that never sent are left out.

    At most a thousand sources: each costs a look into the index of staging.
    """
    return [_silence(*row) for row in _of_all_accounts(_LAST_IDS)]


def _silence(source: int, provider: str, now: datetime, last: list[UUID]) -> Silence:
    # An id begins with its milliseconds: the newest first.
    times = [(one.int >> 80) / 1000 for one in last]
    gaps = [later - earlier for later, earlier in pairwise(times)]
    return Silence(source, provider, max(now.timestamp() - times[0], 0.0), max(gaps, default=0.0))


def _of_all_accounts(statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    with transaction.atomic():
        sql.scope_everything()
        return sql.rows(statement, *values)
