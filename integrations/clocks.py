"""From a provider's time to the version of a statement (``docs/merge-rule.md``)."""

from datetime import UTC, datetime, timedelta

from sales.drafts import OrderedBy, Version

from .contract import Context

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_EARLIEST = (datetime(2000, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND


def micros(time: datetime) -> int:
    """Return the microseconds since 1970 of an aware time, without going through a float."""
    return (time - EPOCH) // _MICROSECOND


def is_plausible(time: datetime, context: Context) -> bool:
    """Say whether a time lies between 2000 and a day after the first receipt.

    A till's time outside is recorded with the anomaly ``clock``.
    """
    return _EARLIEST <= micros(time) <= context.received + _DAY


def version(
    rank: int,
    provider_time: datetime | None,
    context: Context,
    *,
    seq: int = 0,
    round_up: timedelta | None = None,
) -> Version:
    """Return the version of a statement dated by the provider's clock.

    No time, or an impossible one, is the first receipt. ``round_up`` is the unit of a coarse
    clock on a tombstone: the last microsecond of that unit.
    """
    if provider_time is None or not is_plausible(provider_time, context):
        return Version(rank, context.received, seq, OrderedBy.RECEIPT)
    clock = micros(provider_time)
    if round_up is not None:
        unit = round_up // _MICROSECOND
        clock += unit - 1 - clock % unit
    return Version(rank, clock, seq)
