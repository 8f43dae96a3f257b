"""How much one account at a provider may be asked: units per window, and how many at once.

Kept in memory, by the one leader. A call's units count from before it is sent until a whole window
after its answer: whatever the way there and back takes, the provider never sees more.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from integrations.asking import Budget

from .failures import Cause, Failed

#: The longest pause that anybody may ask of us, in seconds, and the longest of our own.
LONGEST_PAUSE = 3600.0
_LONGEST_REST = 60.0


@dataclass(slots=True)
class _Use:
    units: int
    until: float


class Gate:
    """What one account has been asked lately; shared by all threads."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._uses: list[_Use] = []
        self._running = 0
        self._closed_until = 0.0
        self._failures = 0
        self._changed = threading.Condition()

    def free(self) -> int:
        """Return how many more questions may begin now; 0 while paused or used up."""
        with self._changed:
            now = time.monotonic()
            if self._wait(1, now) > 0:
                return 0
            return min(self.budget.at_once - self._running, self._left(now))

    def remaining(self) -> int:
        """Return the units that are left of the present window."""
        with self._changed:
            return max(self._left(time.monotonic()), 0)

    @contextmanager
    def entered(self, units: int, *, until: float) -> Iterator[None]:
        """Hold the place of one call, waiting for it at most until then (monotonic seconds).

        Raises Failed where the time does not suffice.
        """
        use = self._enter(min(units, self.budget.units), until)
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                use.until = time.monotonic() + self.budget.seconds
                self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Ask nothing for so long."""
        with self._changed:
            until = time.monotonic() + min(seconds, LONGEST_PAUSE)
            self._closed_until = max(self._closed_until, until)

    def failed(self) -> None:
        """Rest a little longer after each failure in a row: what is down is not asked in a rush."""
        self._failures += 1
        self.pause(min(2.0 ** min(self._failures, 10) / 2, _LONGEST_REST))

    def answered(self) -> None:
        """Note that the provider is there."""
        self._failures = 0

    def _enter(self, units: int, until: float) -> _Use:
        with self._changed:
            while True:
                now = time.monotonic()
                wait = self._wait(units, now)
                if wait <= 0:
                    break
                if now + wait > until:
                    raise Failed(
                        Cause.BUSY,
                        "бюджет запросов занят / the budget of requests is taken",
                        pause=min(wait, _LONGEST_REST),
                    )
                self._changed.wait(wait)
            use = _Use(units, float("inf"))
            self._uses.append(use)
            self._running += 1
            return use

    def _left(self, now: float) -> int:
        self._uses = [use for use in self._uses if use.until > now]
        return self.budget.units - sum(use.units for use in self._uses)

    def _wait(self, units: int, now: float) -> float:
        """Return for how many seconds at least so many units must wait."""
        if now < self._closed_until:
            return self._closed_until - now
        if self._running < self.budget.at_once and self._left(now) >= units:
            return 0.0
        ends = min((use.until for use in self._uses), default=now)
        return min(max(ends - now, 0.001), 1.0)
