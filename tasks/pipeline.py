"""How hearing becomes knowing: ``settle`` takes ids of deliveries and leaves sales.

No broker in sight: a worker, the sweep, a command and a test call the same plain function.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction

from . import batch, inbox, loading, metrics, options, outcomes, sql, traces, understanding
from .batch import How
from .inbox import Claim
from .models import Outcome
from .outcomes import Consequence
from .understanding import Providers

log = structlog.get_logger(__name__)

_REPEATS = 3
#: Batches that could not even be given back, and why: the next settler of this process does it.
#: Where it dies before, or too many are owed, their leases end by themselves.
_owed: deque[tuple[Sequence[Claim], str]] = deque(maxlen=64)


def settle(
    ids: Sequence[UUID], *, replay: bool = False, providers: Providers | None = None
) -> Counter[str]:
    """Settle those of the deliveries that are due and nobody else has, and count their outcomes.

    Raises a database error only where nothing could be claimed; what was claimed is either
    settled, put off or given back.
    """
    _repay()
    how = How(providers or _all_providers(), replay)
    result: Counter[str] = Counter()
    for chunk in _chunks(ids):
        fresh = inbox.claim(chunk)
        result += _settle(fresh, how)
        if len(fresh) < len(chunk):
            # One of them may have killed its process: each alone, so that it takes nobody along.
            for suspect in inbox.suspects(chunk):
                result += _settle_suspect(suspect, how)
    return result


def settle_claimed(claims: Sequence[Claim], *, providers: Providers | None = None) -> None:
    """Settle one batch that was claimed: each of it is settled, put off or given back."""
    _repay()
    _settle(claims, How(providers or _all_providers()))


def settle_inside(ids: Sequence[UUID], *, providers: Providers | None = None) -> Counter[str]:
    """Settle deliveries that the running transaction has staged, under its scope.

    Raises whatever goes wrong (PayloadUnrecognised included), so that the transaction rolls back.
    """
    how = How(providers or _all_providers(), strict=True)
    return batch.settle(loading.load_own(ids), how)


def _all_providers() -> Providers:
    from integrations.registry import PROVIDERS

    return PROVIDERS


def _chunks(ids: Sequence[UUID]) -> Iterator[list[UUID]]:
    rest = iter(ids)
    while chunk := list(islice(rest, options.batch())):
        yield chunk


def _settle_suspect(identifier: UUID, how: How) -> Counter[str]:
    claims = inbox.claim([identifier], tried=options.attempts() + 1)
    if claims and claims[0].attempt > options.attempts():
        return _transaction(claims, lambda: _bury(claims[0], "process died"))
    return _settle(claims, how)


def _settle(claims: Sequence[Claim], how: How) -> Counter[str]:
    """Settle a batch, in halves where it is too heavy; where it fails, find the delivery to blame
    by halves."""
    if not claims:
        return Counter()
    try:
        return _repeating(claims, how)
    except loading.TooHeavy:
        pass
    except Exception as error:
        metrics.RETRIES.labels(cause=outcomes.consequence(error).value).inc()
        if outcomes.consequence(error) is not Consequence.BISECT:
            return _give_back(claims, error)
        if len(claims) == 1:
            return _blame(claims[0], error)
    middle = len(claims) // 2
    return _settle(claims[:middle], how) + _settle(claims[middle:], how)


def _repeating(claims: Sequence[Claim], how: How) -> Counter[str]:
    """Try again what lost a deadlock or its connection, a few times and within the lease."""
    started = time.monotonic()
    for repeat in range(_REPEATS + 1):
        try:
            return _timed(claims, how)
        except Exception as error:
            late = time.monotonic() - started > options.lease() / 4
            if repeat == _REPEATS or late or outcomes.consequence(error) is Consequence.BISECT:
                raise
            metrics.RETRIES.labels(cause=outcomes.consequence(error).value).inc()
            forget_broken_connection()
            time.sleep(random.uniform(0.02, 0.1) * 3**repeat)  # noqa: S311
    raise AssertionError("unreachable")


def _timed(claims: Sequence[Claim], how: How) -> Counter[str]:
    started = time.perf_counter()
    result = _transaction(claims, lambda: batch.settle(loading.load(claims), how))
    metrics.settled(result, deliveries=len(claims), seconds=time.perf_counter() - started)
    log.info("batch_settled", deliveries=len(claims), replay=how.replay, **result)
    return result


def _transaction(claims: Sequence[Claim], work: Callable[[], Counter[str]]) -> Counter[str]:
    with transaction.atomic(durable=True):
        sql.scope(claim.account_id for claim in claims)
        return work()


def _blame(claim: Claim, error: Exception) -> Counter[str]:
    """Try a delivery that cannot be recorded again later; bury it after the last attempt."""
    batch.report(claim, error)
    reason = outcomes.fingerprint(error)
    try:
        if claim.attempt >= options.attempts():
            return _transaction([claim], lambda: _bury(claim, reason))
        inbox.put_off([(claim, reason)])
    except DatabaseError as second:
        # The lease ends by itself.
        log.warning("batch_lost", deliveries=1, error=outcomes.fingerprint(second))
    return Counter()


def _bury(claim: Claim, reason: str) -> Counter[str]:
    for loaded in loading.load([claim]):
        end = [(understanding.given_up(loaded, reason), Outcome.DEAD)]
        traces.append_attempts(end)
        traces.settle_dead_letters(end)
    inbox.finish([claim.delivery_id])
    metrics.settled({Outcome.DEAD.value: 1}, deliveries=1, seconds=0.0)
    return Counter({Outcome.DEAD.value: 1})


def _give_back(claims: Sequence[Claim], error: Exception) -> Counter[str]:
    """Return a batch that the database could not take."""
    reason = outcomes.fingerprint(error)
    _owed.append((claims, reason))
    _repay()
    log.warning("batch_given_back", deliveries=len(claims), error=reason)
    return Counter()


def _repay() -> None:
    """Give back what is owed; where the database is away still, it stays so."""
    while True:
        try:
            claims, reason = _owed.pop()
        except IndexError:  # asked for, not looked up: other threads repay too
            return
        forget_broken_connection()
        try:
            inbox.give_back(claims, reason)
        except (DatabaseError, InterfaceError):
            _owed.append((claims, reason))
            return


def forget_broken_connection() -> None:
    """Drop a connection that is broken, so that the next statement opens another."""
    raw = connection.connection
    if raw is not None and (raw.closed or raw.broken) and not connection.in_atomic_block:
        connection.close()
