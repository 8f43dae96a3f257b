"""The sweep: settles what nobody woke, directly, so that a dead Redis costs seconds only."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil
from operator import itemgetter
from typing import LiteralString
from uuid import UUID

from . import inbox, metrics, options, pipeline, sql, turns
from .understanding import Providers

#: Only what was never tried is left to its wake-up first.
_DUE: LiteralString = """
SELECT one.delivery_id, one.account_id FROM unnest(%b::int8[]) AS a(id), LATERAL (
  SELECT i.delivery_id, i.account_id FROM ingest_inbox i
  WHERE i.account_id BETWEEN a.id AND a.id AND i.delivery_id >= %b::uuid AND i.due_at <= now()
    - make_interval(secs => CASE WHEN i.attempts > 0 THEN 0 ELSE %b::float8 END)
  ORDER BY i.account_id {order}, i.delivery_id {order} LIMIT %b::int4) AS one
ORDER BY one.account_id, one.delivery_id {order}
"""
_OLDEST: LiteralString = _DUE.replace("{order}", "ASC")
_NEWEST: LiteralString = _DUE.replace("{order}", "DESC")
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
        return self._in_turns(limit)

    def _in_turns(self, limit: int) -> list[UUID]:
        """Return what is due of each account in turns: nobody waits for another's backlog."""
        found: dict[int, dict[UUID, float]] = {}
        accounts, depth, left = turns.circle(turns.anywhere(), limit), 0, limit
        while accounts and left > 0:
            depth += ceil(left / len(accounts))
            found |= self._due(accounts, depth)
            accounts = [one for one in accounts if len(found.get(one, ())) >= depth]
            left = limit - sum(map(len, found.values()))
        ordered = sorted((turn, one) for of in found.values() for one, turn in of.items())
        return [one for _, one in ordered][:limit]

    def _due(self, accounts: Sequence[int], most: int) -> dict[int, dict[UUID, float]]:
        """Return the turn of at most so many of each account: after three oldest one newest."""
        newest = turns.newest_of(most)
        found: dict[int, dict[UUID, float]] = defaultdict(dict)
        with inbox.by_index():
            for account, place, one in self._walk(_OLDEST, accounts, most - newest):
                found[account][one] = place / 3
            for account, place, one in self._walk(_NEWEST, accounts, newest):
                turn = place + 0.9
                found[account][one] = min(turn, found[account].get(one, turn))
        return found

    def _walk(
        self, statement: LiteralString, accounts: Sequence[int], share: int
    ) -> Iterator[tuple[int, int, UUID]]:
        """Go from an end of each account: account, place from that end, and id of what is due."""
        rows = sql.rows(statement, accounts, self.watermark, options.grace(), share)
        for account, of in groupby(rows, key=itemgetter(1)):
            yield from ((account, place, one) for place, (one, _) in enumerate(of))

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
