"""Figures that only the database knows: when a sale could be seen, dead rows, attempts."""

from typing import Any

import psycopg

#: By commit times: from "the delivery is safe" to "its effect can be read", in seconds.
_LAG = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(d.xmin)),
       extract(epoch FROM pg_xact_commit_timestamp(a.xmin) - pg_xact_commit_timestamp(d.xmin))
FROM tasks_attempt a JOIN ingest_delivery d ON d.id = a.delivery_id
WHERE d.origin = 'push' ORDER BY 2
"""
_ATTEMPTS = """
SELECT number, count(*) FROM (
  SELECT delivery_id, max(number) AS number FROM tasks_attempt GROUP BY 1) a
GROUP BY 1 ORDER BY 1
"""
_DEAD_ROWS = """
SELECT relname, n_dead_tup FROM pg_stat_user_tables
WHERE n_dead_tup > 0 ORDER BY n_dead_tup DESC LIMIT 5
"""


def lags(connection: psycopg.Connection[Any]) -> list[tuple[float, float]]:
    """Return when each delivery was safe (Unix time) and how long it took to become visible.

    In seconds, the quickest first.
    """
    rows = connection.execute(_LAG)
    return [(float(at), float(lag)) for at, lag in rows if None not in (at, lag)]


def attempts(connection: psycopg.Connection[Any]) -> dict[int, int]:
    """Return how many deliveries took how many attempts."""
    return dict(connection.execute(_ATTEMPTS).fetchall())


def dead_rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Return the tables with the most dead rows."""
    return dict(connection.execute(_DEAD_ROWS).fetchall())


def quantile(values: list[float], share: float) -> float | None:
    """Return a quantile of sorted values, None where there are none."""
    if not values:
        return None
    return values[min(len(values) - 1, int(len(values) * share))]
