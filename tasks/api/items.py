"""Rows → the records of the API."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sales.api.formats import moment
from sales.api.items import source_item

from .. import sql
from ..deadletters import Group
from ..letters import Body, state
from ..models import Attempt, DeadLetter, Owned

Item = dict[str, Any]
_PENDING = "SELECT delivery_id FROM ingest_inbox WHERE delivery_id = ANY(%b::uuid[])"


def _head(row: Owned) -> Item:
    return {"id": row.pk, "source": source_item(row.source)}


def event_items(rows: Sequence[Attempt]) -> list[Item]:
    """Describe how runs over events ended."""
    return [
        _head(row)
        | {
            "delivery": row.delivery_id,
            "position": row.position,
            "type": row.type,
            "key": row.key,
            "outcome": row.outcome,
            "path": row.path,
            "reason": row.error,
            "attempt": row.number,
            "mapper": row.mapper,
            "at": moment(row.created_at),
        }
        for row in rows
    ]


def letter_items(rows: Sequence[DeadLetter]) -> list[Item]:
    """Describe dead letters; ``pending`` says that the delivery waits to be settled again."""
    pending = _pending([row.delivery_id for row in rows])
    return [_letter(row, pending) for row in rows]


def _pending(deliveries: Sequence[UUID]) -> Collection[UUID]:
    return {row[0] for row in sql.rows(_PENDING, list(deliveries))}


def _letter(row: DeadLetter, pending: Collection[UUID]) -> Item:
    return _head(row) | {
        "delivery": row.delivery_id,
        "position": row.position,
        "type": row.type,
        "key": row.key,
        "path": row.path,
        "reason": row.reason,
        "state": state(row),
        "pending": row.delivery_id in pending,
        "created_at": moment(row.created_at),
        "closed_at": moment(row.closed_at),
        "closed_by": row.closed_by or None,
    }


def group_item(group: Group) -> Item:
    """Describe open letters that say the same."""
    return {
        **group._asdict(),
        "first_at": moment(group.first_at),
        "last_at": moment(group.last_at),
    }


def body_item(found: Body) -> Item:
    """Describe a body at the failing path."""
    shown = found.excerpt
    return {
        "content_type": found.content_type,
        "received_at": moment(found.received_at),
        "redacted": found.redacted,
        "form": shown.form,
        "size": shown.size,
        "found": shown.found,
        "exact": shown.exact,
        "offset": shown.offset,
        "value": shown.value,
        "lines": [{"text": line.text, "marked": line.marked} for line in shown.lines],
    }
