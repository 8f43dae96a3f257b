"""Thin actors: a message carries ids only, and the plain functions do the work."""

import time
from collections.abc import Sequence
from uuid import UUID

import dramatiq
import redis
import structlog
from django.db import DatabaseError, InterfaceError
from dramatiq.errors import BrokerConnectionError

from . import draining, outcomes, pipeline, replays
from .broker import broker, ending

log = structlog.get_logger(__name__)

#: Seconds; the run itself says when its next page is due.
_LONGEST_REST = 5.0
#: Seconds that a message about a replay lasts: a consumer looks for the next only so often.
_TURN = 2.0


@dramatiq.actor(queue_name="live", broker=broker)
def settle_deliveries(ids: list[str]) -> None:
    """Settle what was just staged and what waits besides; where that fails the sweep does it."""
    try:
        more = draining.drain([UUID(one) for one in ids])
    except (DatabaseError, InterfaceError) as error:
        _given_up(ids, error)
        return
    if more:
        _ring(settle_deliveries, [])


#: Behind whatever else waits for a thread of this worker.
@dramatiq.actor(queue_name="bulk", broker=broker, priority=10)
def replay_page(run: int) -> None:
    """Take a replay's pages for a turn and ring for the next; if that is lost the clock goes on."""
    until = time.monotonic() + _TURN
    try:
        while (page := replays.step(run)) is not None:
            # No delayed message: a short rest here, in the one thread that a replay ever takes.
            time.sleep(min(page.rest, _LONGEST_REST))
            if time.monotonic() >= until or ending.is_set():
                ring_replay(run)
                return
    except (DatabaseError, InterfaceError) as error:
        _given_up([], error)


def ring_replay(run: int) -> bool:
    """Tell a worker that a replay waits; say whether that went out."""
    return _ring(replay_page, run)


def _ring(actor: dramatiq.Actor[..., None], argument: object) -> bool:
    try:
        actor.send(argument)
    except (redis.RedisError, BrokerConnectionError, OSError) as error:
        log.warning("wakeup_failed", error=type(error).__name__, actor=actor.actor_name)
        return False
    return True


def _given_up(ids: Sequence[str], error: Exception) -> None:
    pipeline.forget_broken_connection()
    log.warning("batch_unclaimed", deliveries=len(ids), error=outcomes.fingerprint(error))
