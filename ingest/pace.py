"""How fast commits go now: how large the next may be, and how long another row would wait."""

import math

from .limits import Limits

#: How much of the last commit's duration goes into what the next one is expected to take.
_WEIGHT = 0.5


class Pace:
    """Learns from each commit. A row that would wait too long is better refused at once: its
    sender, who gives up in the end, would have it written for nothing, and come again besides.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        #: Of one commit, infinite after one that failed: until the next we do not know.
        self._seconds = 0.0
        #: How many rows the next commit may have.
        self.rows = limits.batch_rows

    def committed(self, rows: int, seconds: float) -> None:
        """Learn from a commit."""
        known = self._seconds if math.isfinite(self._seconds) else seconds
        self._seconds = known + (seconds - known) * _WEIGHT
        if rows >= self.rows and seconds < self._limits.statement_seconds / 4:
            self.rows = min(self.rows * 2, self._limits.batch_rows)

    def failed(self, *, slow: bool) -> None:
        """Learn from a commit that the database refused, or was too ``slow`` to finish."""
        self._seconds = math.inf
        if slow:
            self.rows = max(self.rows // 2, 1)

    def wait(self, rows: int, size: int, *, running: float | None) -> float:
        """Return for how many seconds a further row would wait for its commit to begin.

        ``rows`` and ``size`` (bytes) wait already; ``running`` are the seconds since the last
        writer that was free began a commit, None while one is free. The commit at hand does not
        count, so that however slow the database is, there is always a whole batch for the next;
        unless it is the first after a failure, or has taken so long that nobody knows.
        """
        limits = self._limits
        if running is not None and (
            running > limits.answer_seconds / 2 or math.isinf(self._seconds)
        ):
            return math.inf
        ahead = max(rows // self.rows, size // limits.batch_bytes) / limits.writers
        return ahead and ahead * self._seconds
