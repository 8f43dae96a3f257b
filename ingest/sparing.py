"""One line a second of each kind: an outage must not drown in its own log, nor slow down by it."""

import time

#: Seconds between two lines of a kind.
PAUSE = 1.0


class Sparing:
    """Counts what it does not let through. Kinds are words of a closed list."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[float, int]] = {}

    def take(self, kind: str) -> int | None:
        """Return how many lines were left out since the last one, or None to leave this out."""
        now = time.monotonic()
        until, left_out = self._kinds.get(kind, (0.0, 0))
        if now < until:
            self._kinds[kind] = (until, left_out + 1)
            return None
        self._kinds[kind] = (now + PAUSE, 0)
        return left_out
