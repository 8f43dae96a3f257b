"""What settling tells Prometheus; gauges are asked of the database when somebody looks."""

from collections.abc import Mapping

from django.db import transaction
from prometheus_client import Counter, Histogram

from . import sql
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
SWEPT = Counter("gjango_swept", "Deliveries that the sweep settled because nobody woke them")
_OPEN = "SELECT count(*) FROM tasks_deadletter WHERE closed_at IS NULL"

_INVARIANTS = """
SELECT count(DISTINCT v.line) FILTER (WHERE greatest(v.failed, v.last_failed) > 0 AND NOT u.warning),
       count(v.finished_at) = count(*),
       extract(epoch FROM now() - min(v.finished_at))::float8
FROM unnest(%b::text[], %b::int2[], %b::bool[]) AS u(line, part, warning)
LEFT JOIN tasks_verification v USING (line, part)
"""  # noqa: E501


def settled(outcomes: Mapping[str, int], *, deliveries: int, seconds: float) -> None:
    """Count a settled batch."""
    for outcome, count in outcomes.items():
        ATTEMPTS.labels(outcome=outcome).inc(count)
    BATCH.observe(deliveries)
    SECONDS.observe(seconds)


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
    with transaction.atomic():
        sql.scope(row[0] for row in sql.rows("SELECT id FROM accounts_account"))
        return int(sql.rows(_OPEN)[0][0])
