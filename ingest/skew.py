"""How far our clock is from the database's: it judges every signed time."""

import time
from datetime import datetime

import structlog

from . import metrics

log = structlog.get_logger()

#: A fifth of the five minutes that signed times are allowed, in seconds.
WORTH_TELLING = 60.0
#: Seconds between two lines about it.
PAUSE = 60.0


class Skew:
    """Compares clocks at every lookup, and warns now and then while they differ."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def note(self, database: datetime) -> None:
        """Take the database's time of a moment ago."""
        seconds = time.time() - database.timestamp()
        metrics.clock_skew(seconds)
        if abs(seconds) > WORTH_TELLING and time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + PAUSE
            log.warning("clock_skewed", seconds=round(seconds, 1))
