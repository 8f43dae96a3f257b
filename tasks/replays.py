"""Settle staged deliveries again, over a filter: counted first, in bounded batches, resumable."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from . import inbox, options, pipeline, sql
from .understanding import Providers

_NIL = UUID(int=0)
_LAST = UUID(int=2**128 - 1)

#: A type or an outcome is that of the latest attempt at an event. Ids begin with their time, and a
#: minute more covers statements that took long.
_MATCHING = """
FROM ingest_delivery d
WHERE d.id > %b::uuid
  AND d.id >= coalesce(uuid_floor(%b::timestamptz - interval '1 minute'), %b::uuid)
  AND d.id <= coalesce(uuid_floor(%b::timestamptz + interval '1 minute'), %b::uuid)
  AND d.received_at >= coalesce(%b::timestamptz, '-infinity')
  AND d.received_at < coalesce(%b::timestamptz, 'infinity')
  AND (%b::int8 IS NULL OR d.source_id = %b::int8)
  AND (%b::int8 IS NULL OR d.account_id = %b::int8)
  AND ((%b::text IS NULL AND %b::text IS NULL) OR EXISTS (
    SELECT FROM tasks_attempt a
    WHERE a.delivery_id = d.id
      AND (%b::text IS NULL OR a.type = %b::text)
      AND (%b::text IS NULL OR a.outcome = %b::text)
      AND NOT EXISTS (
        SELECT FROM tasks_attempt later
        WHERE later.delivery_id = d.id AND later.position = a.position AND later.id > a.id)))
"""
_COUNT = "SELECT count(*) " + _MATCHING
_PAGE = "SELECT d.id " + _MATCHING + " ORDER BY d.id LIMIT %b::int4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which deliveries: everything by default. ``after`` resumes behind an id."""

    source: int | None = None
    account: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    type: str | None = None
    outcome: str | None = None
    after: UUID = _NIL

    def parameters(self, after: UUID | None = None) -> list[object]:
        """Return the parameters of the condition, in its order."""
        return [
            *(after or self.after, self.since, _NIL, self.until, _LAST, self.since, self.until),
            *(self.source, self.source, self.account, self.account, self.type, self.outcome),
            *(self.type, self.type, self.outcome, self.outcome),
        ]


def count(chosen: Filter) -> int:
    """Count the deliveries that match."""
    with transaction.atomic():
        _scope(chosen)
        return int(sql.rows(_COUNT, *chosen.parameters())[0][0])


def pages(chosen: Filter) -> Iterator[list[UUID]]:
    """Return the matching ids in bounded pages, by id: each page is a transaction of its own."""
    after = chosen.after
    while True:
        with transaction.atomic():
            _scope(chosen)
            found = sql.rows(_PAGE, *chosen.parameters(after), options.batch())
        if not found:
            return
        yield [row[0] for row in found]
        after = found[-1][0]


def replay(ids: Sequence[UUID], *, providers: Providers | None = None) -> Counter[str]:
    """Put deliveries back into the inbox and settle them, what the ledger knows included."""
    enlist(ids)
    return pipeline.settle(ids, replay=True, providers=providers)


def enlist(ids: Sequence[UUID]) -> None:
    """Put deliveries of any account back into the inbox, due now."""
    with transaction.atomic():
        _scope(Filter())
        inbox.enlist(ids)


def _scope(chosen: Filter) -> None:
    every = [row[0] for row in sql.rows("SELECT id FROM accounts_account")]
    sql.scope(every if chosen.account is None else [chosen.account])
