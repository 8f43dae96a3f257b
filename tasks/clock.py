"""What runs when: one process of many leads, and works down a table of chores."""

import queue
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
import structlog
from django.db import DatabaseError, InterfaceError, connection

from . import options, outcomes, replays, sql, verifying
from .fetching import fetcher
from .leadership import Leadership
from .sweep import ROUND, Sweeper

log = structlog.get_logger(__name__)

_HOUR = 3600.0
#: Seconds until the thread that asks providers begins.
_FETCH_FIRST = 2.0
#: Seconds after which a replay's next page is nobody else's.
_ABANDONED = 3.0
#: Rows are never deleted there, so that a size means rows; its owner alone may count them.
_STRAYS = "SELECT pg_relation_size('ingest_delivery_default'::regclass)"


@dataclass(slots=True)
class Chore:
    """Something to be done every so often (seconds). ``work`` returns True where more waits."""

    name: str
    every: float
    work: Callable[[], bool]
    due: float = field(default=0.0)


def ensure_partitions() -> bool:
    """Make the partitions of the months ahead, and warn of rows that found none."""
    # First: where they belong into a month that is missing, its partition cannot be made.
    if sql.rows(_STRAYS)[0][0]:
        log.error("default_partition_not_empty", repair="manage.py partitions --rehome")
    made = sql.rows("SELECT ensure_delivery_partitions(%b::int4)", 2)[0][0]
    if made:
        log.info("partitions_made", count=made)
    return False


def expire_rejections() -> bool:
    """Forget the rejected deliveries that nobody came for within 7 days."""
    gone = sql.rows("SELECT expire_rejections()")[0][0]
    if gone:
        log.info("rejections_expired", count=gone)
    return False


def advance_replays() -> bool:
    """Take a page of a replay that nobody advances, and look again soon while there is one."""
    run = replays.waiting(_ABANDONED)
    return run is not None and replays.step(run) is not None


class Clock:
    """Runs the chores while it leads, until it is stopped."""

    def __init__(self, leadership: Leadership | None = None) -> None:
        """Take the leadership to compete for."""
        self._leadership = leadership or Leadership()
        self._stopped = False
        # Unlike an Event's, its lock cannot be held by the code that a signal interrupts.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._sweeper = Sweeper()
        self._away = False
        self._verifier = verifying.Verifier()
        self._fetcher = fetcher.Fetcher()
        now = time.monotonic()
        self.chores = [
            Chore("partitions", _HOUR, ensure_partitions),
            Chore("rejections", _HOUR, expire_rejections),
            Chore("sweep", options.interval(), self._sweep),
            Chore("replays", options.interval(), advance_replays),
            # Not at once: what has just started has other things to do.
            Chore("fetch", options.interval(), self._fetcher.tick, now + _FETCH_FIRST),
            Chore("verify", verifying.INTERVAL, self._verifier.tick, now + verifying.FIRST),
        ]

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stopped = True
        self._bell.put(None)

    def run(self) -> None:
        """Work until stopped; a database that is away is waited for."""
        while not self._stopped:
            rest = self._tick()
            with suppress(queue.Empty):
                self._bell.get(timeout=rest)
        self._verifier.stop()
        self._fetcher.stop()
        self._leadership.step_down()

    def _tick(self) -> float:
        """Do what is due and return for how many seconds to rest."""
        try:
            leads = self._leadership.leads()
            if self._away:
                log.info("database_back")
            self._away = False
            return self._work() if leads else options.interval()
        except (DatabaseError, InterfaceError, psycopg.Error) as error:
            self._report_away(error)
            # Whichever session failed, this one saw the same outage and may not know it yet.
            connection.close()
            return min(options.interval(), 1.0)

    def _report_away(self, error: Exception) -> None:
        # One line for one outage, however long it lasts.
        if not self._away:
            log.warning("database_away", error=outcomes.fingerprint(error))
        self._away = True

    def _work(self) -> float:
        for chore in self.chores:
            if chore.due <= time.monotonic() and not self._stopped:
                more = _done(chore)
                chore.due = time.monotonic() + (0.0 if more else chore.every)
        return max(min(chore.due for chore in self.chores) - time.monotonic(), 0.0)

    def _sweep(self) -> bool:
        # A full round: more waits. Less may be in other hands, which is no reason to hurry.
        return self._sweeper.sweep(stopped=lambda: self._stopped) >= ROUND


def _done(chore: Chore) -> bool:
    """Do a chore; where the database is there and refuses it, the others still get their turn."""
    try:
        return chore.work()
    except DatabaseError as error:
        raw = connection.connection
        if raw is None or raw.closed or raw.broken:
            raise
        log.error("chore_failed", chore=chore.name, error=outcomes.fingerprint(error))
        return False


def run() -> None:
    """Run a clock in this process until SIGTERM or SIGINT."""
    clock = Clock()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: clock.stop())
    clock.run()
