"""How long the event loop has been at what was ready when it last came round."""

import asyncio
import time


class Turn:
    """Measures the loop's present turn from the first question in it.

    Whoever is ready waits for all who are before him, and nobody else sees that queue: under load
    it is where time goes, so that taking in is bounded per turn and the rest is refused cheaply.
    """

    def __init__(self) -> None:
        self._begun: float | None = None

    def spent(self) -> float:
        """Return the seconds since the first question of this turn."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = now
            asyncio.get_running_loop().call_soon(self._end)
        return now - self._begun

    def _end(self) -> None:
        self._begun = None
