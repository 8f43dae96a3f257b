"""Which staged deliveries: a filter, looked through in bounded statements by id.

A filter may match one delivery in a million, so a statement is bounded by what it looks at and not
by what it finds.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from django.db import transaction

from . import sql

NIL = UUID(int=0)
LAST = UUID(int=2**128 - 1)
#: Deliveries that one statement looks at.
LOOK = 5_000
_BOUNDS = {"after", "upto"}
_TIMES = {"since", "until"}

#: A type or an outcome is that of the latest attempt at an event. Ids begin with their time, and a
#: minute more covers statements that took long.
_LOOKED: LiteralString = """
WITH looked AS MATERIALIZED (
  SELECT d.id, d.account_id, d.received_at FROM ingest_delivery d
  WHERE d.id > GREATEST(%b::uuid, uuid_floor(%b::timestamptz - interval '1 minute'))
    AND d.id <= LEAST(%b::uuid, uuid_floor(%b::timestamptz + interval '1 minute')){source}
  ORDER BY d.id LIMIT %b::int4
), matching AS (
  SELECT l.id FROM looked l
  WHERE l.received_at >= coalesce(%b::timestamptz, '-infinity')
    AND l.received_at < coalesce(%b::timestamptz, 'infinity')
    AND (%b::int8 IS NULL OR l.account_id = %b::int8)
    AND (%b::text IS NULL OR EXISTS (
      SELECT FROM tasks_deadletter x
      WHERE x.account_id = l.account_id AND x.delivery_id = l.id
        AND x.closed_at IS NULL AND x.reason = %b::text))
    AND ((%b::text IS NULL AND %b::text IS NULL) OR EXISTS (
      SELECT FROM tasks_attempt a
      WHERE a.delivery_id = l.id
        AND (%b::text IS NULL OR a.type = %b::text)
        AND (%b::text IS NULL OR a.outcome = %b::text)
        AND NOT EXISTS (
          SELECT FROM tasks_attempt later
          WHERE later.delivery_id = l.id AND later.position = a.position AND later.id > a.id)))
    AND (%b::text IS NULL OR EXISTS (
      SELECT FROM tasks_routed r
      WHERE r.account_id = l.account_id AND r.delivery_id = l.id AND r.merchant = %b::text
        AND r.routed_id IS NULL))
  ORDER BY l.id LIMIT %b::int4
)
SELECT (SELECT count(*) FROM looked), (SELECT id FROM looked ORDER BY id DESC LIMIT 1),
       ARRAY(SELECT id FROM matching ORDER BY id)
"""
_EVERYWHERE: LiteralString = _LOOKED.replace("{source}", "")
_OF_SOURCE: LiteralString = _LOOKED.replace("{source}", " AND d.source_id = %b::int8")
_NEWEST = "SELECT id FROM ingest_delivery ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which deliveries: everything by default. ``reason`` is that of an open dead letter,
    ``merchant`` one for whom an app's delivery holds something that waits.

    ``after`` and ``upto`` bound the ids, the first exclusively.
    """

    source: int | None = None
    account: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    type: str | None = None
    outcome: str | None = None
    reason: str | None = None
    merchant: str | None = None
    after: UUID = NIL
    upto: UUID = LAST

    def as_json(self) -> dict[str, Any]:
        """Return what is set as JSON, but for the bounds."""
        said = {name: value for name, value in asdict(self).items() if name not in _BOUNDS}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in said.items()
            if value is not None
        }

    @classmethod
    def from_json(cls, said: dict[str, Any], after: UUID, upto: UUID) -> "Filter":
        """Return a filter as ``as_json`` wrote it, within bounds."""
        times = {name: datetime.fromisoformat(said[name]) for name in _TIMES & said.keys()}
        return cls(**{**said, **times}, after=after, upto=upto)


@dataclass(frozen=True, slots=True)
class Look:
    """What one statement found; ``after`` resumes behind it, and None says that it was the last."""

    ids: list[UUID]
    after: UUID | None


def look(chosen: Filter, *, limit: int, most: int = LOOK) -> Look:
    """Look at the next deliveries, at most so many, and return at most ``limit`` that match."""
    of_source = () if chosen.source is None else (chosen.source,)
    with transaction.atomic():
        sql.scope_everything()
        ((looked, last, ids),) = sql.rows(
            _EVERYWHERE if chosen.source is None else _OF_SOURCE,
            *(chosen.after, chosen.since, chosen.upto, chosen.until, *of_source, most),
            *(chosen.since, chosen.until, chosen.account, chosen.account),
            *(chosen.reason, chosen.reason, chosen.type, chosen.outcome),
            *(chosen.type, chosen.type, chosen.outcome, chosen.outcome),
            *(chosen.merchant, chosen.merchant, limit),
        )
    if len(ids) == limit:
        # There may be more among those looked at.
        return Look(ids, ids[-1])
    return Look(ids, last if looked == most else None)


def looks(chosen: Filter, *, limit: int) -> Iterator[Look]:
    """Look at all deliveries of a filter, a statement after the other, each a transaction."""
    after: UUID | None = chosen.after
    while after is not None:
        found = look(replace(chosen, after=after), limit=limit)
        yield found
        after = found.after


def count(chosen: Filter, tell: Callable[[int], None] = lambda _: None) -> int:
    """Count the deliveries that match; ``tell`` hears the count so far where it takes long."""
    total = 0
    for found in looks(chosen, limit=LOOK):
        total += len(found.ids)
        if found.after is not None:
            tell(total)
    return total


def newest() -> UUID:
    """Return the greatest id in staging: what comes later is settled by itself."""
    with transaction.atomic():
        sql.scope_everything()
        found = sql.rows(_NEWEST)
    return found[0][0] if found else NIL
