"""From a provider's time to the version of a statement (``docs/merge-rule.md``)."""

from datetime import UTC, datetime, timedelta

from sales.drafts import OrderedBy, Rank, Version

from .contract import Context

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
#: The zones there are: from UTC-12 to UTC+14.
_WEST, _EAST = timedelta(hours=12), timedelta(hours=14)
_EARLIEST = (datetime(2000, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND


def micros(time: datetime) -> int:
    """Return the microseconds since 1970 of an aware time, without going through a float."""
    return (time - EPOCH) // _MICROSECOND


def utc_text(time: datetime) -> str:
    """Return a time as many APIs take it: ``2026-09-14T12:00:00.000Z``."""
    return time.astimezone(UTC).isoformat("T", "milliseconds").replace("+00:00", "Z")


def is_plausible(time: datetime, context: Context) -> bool:
    """Say whether a time lies between 2000 and a day after the first receipt.

    A till's time outside is recorded with the anomaly ``clock``.
    """
    return _EARLIEST <= micros(time) <= context.received + _DAY


def anywhere(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """Return the stretch, in UTC, that holds this one in whatever zone its ends are read.

    For lists whose filter takes times without a zone, and no document says of which zone.
    """
    return (since - _WEST).astimezone(UTC), (until + _EAST).astimezone(UTC)


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


def version_of_answer(provider_time: datetime | None, context: Context) -> Version:
    """Return the version of what a provider answered: its own clock, never behind what was known
    when we asked, then the time of asking. Without a clock of the object, the time of asking."""
    answered = context.answered
    if answered is None:
        return version(Rank.FULL, provider_time, context)
    if provider_time is None or not is_plausible(provider_time, context):
        return Version(Rank.FULL, max(answered.sent, answered.over or 0), 0, OrderedBy.READ)
    clock = max(micros(provider_time), answered.over or 0)
    return Version(Rank.FULL, clock, answered.sent, OrderedBy.PROVIDER)


def version_of_absence(context: Context) -> Version:
    """Return as of when an object is gone that the provider could not find: the answer's ``Date``
    to the end of its second, never behind what was known when we asked."""
    answered = context.answered
    if answered is None:
        return Version(Rank.FULL, context.received, 0, OrderedBy.RECEIPT)
    date = answered.date if answered.date is not None else answered.sent
    last = date - date % 1_000_000 + 999_999
    return Version(Rank.FULL, max(last, answered.over or 0), answered.sent, OrderedBy.READ)
