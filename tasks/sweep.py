"""The sweep: settles what nobody woke, directly, so that a dead Redis costs seconds only."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from . import metrics, options, pipeline, sql
from .understanding import Providers

#: Accounts take turns: one account's backlog waits for nobody else's newest delivery. Only what
#: was never tried is left to its wake-up first.
_DUE = """
SELECT delivery_id FROM (
  SELECT delivery_id, row_number() OVER (PARTITION BY account_id ORDER BY delivery_id) AS turn
  FROM ingest_inbox
  WHERE delivery_id >= %b::uuid
    AND due_at <= now() - make_interval(secs => CASE attempts WHEN 0 THEN %b::float8 ELSE 0 END)
) AS due ORDER BY turn, delivery_id LIMIT %b::int4
"""
#: Rows of a paused source wait for a person and would pin the watermark.
_LOWEST = """
SELECT delivery_id FROM ingest_inbox
WHERE delivery_id >= %b::uuid AND due_at < 'infinity' ORDER BY delivery_id LIMIT 1
"""
_NIL = UUID(int=0)
#: Seconds between two scans from the very beginning, which pass all dead rows of the index.
_FULL_SCAN = 60.0
#: Deliveries a round.
ROUND = 2000


@dataclass(slots=True)
class Sweeper:
    """Remembers how low the inbox begins, so that a scan need not pass what was deleted."""

    watermark: UUID = _NIL
    _full_scan_at: float = field(default=0.0)

    def pick(self, limit: int) -> list[UUID]:
        """Return what is due, accounts in turns."""
        now = time.monotonic()
        if now >= self._full_scan_at:
            self.watermark, self._full_scan_at = _NIL, now + _FULL_SCAN
        lowest = sql.rows(_LOWEST, self.watermark)
        if not lowest:
            return []
        self.watermark = lowest[0][0]
        return [row[0] for row in sql.rows(_DUE, self.watermark, options.grace(), limit)]

    def sweep(
        self,
        *,
        stopped: Callable[[], bool] = lambda: False,
        limit: int = ROUND,
        providers: Providers | None = None,
    ) -> int:
        """Settle what is due, at most the limit; return how many deliveries were looked at.

        Raises a database error where nothing can be claimed.
        """
        due = self.pick(limit)
        for start in range(0, len(due), options.batch()):
            if stopped():
                return start
            pipeline.settle(due[start : start + options.batch()], providers=providers)
        metrics.SWEPT.inc(len(due))
        return len(due)


def sweep() -> int:
    """Settle what nobody woke, once, from the beginning of the inbox."""
    return Sweeper().sweep()
