"""Thin actors: a message carries ids only, and the plain functions do the work."""

from uuid import UUID

import dramatiq
import structlog
from django.db import DatabaseError, InterfaceError

from . import inbox, outcomes, pipeline, replays
from .broker import broker

log = structlog.get_logger(__name__)


@dramatiq.actor(queue_name="live", broker=broker)
def settle_deliveries(ids: list[str]) -> None:
    """Settle what was just staged, and its neighbours; where that fails the sweep does it."""
    try:
        pipeline.settle(inbox.with_neighbours([UUID(one) for one in ids]))
    except (DatabaseError, InterfaceError) as error:
        _given_up(ids, error)


@dramatiq.actor(queue_name="bulk", broker=broker)
def replay_deliveries(ids: list[str]) -> None:
    """Settle deliveries again, on a queue that never delays live sales."""
    try:
        replays.replay([UUID(one) for one in ids])
    except (DatabaseError, InterfaceError) as error:
        _given_up(ids, error)


def _given_up(ids: list[str], error: Exception) -> None:
    pipeline.forget_broken_connection()
    log.warning("batch_unclaimed", deliveries=len(ids), error=outcomes.fingerprint(error))
