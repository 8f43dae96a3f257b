"""How long to wait before what died is started again."""

from dataclasses import dataclass

#: In seconds: the first wait, the longest one, and the life after which all is forgiven.
FIRST, MOST, STEADY = 0.2, 10.0, 30.0


@dataclass(slots=True)
class Backoff:
    """The waits of one process: doubled at every death, forgiven after a steady life."""

    delay: float = FIRST

    def after(self, lived: float) -> float:
        """Return how long to wait, in seconds, after a life of ``lived`` seconds."""
        if lived >= STEADY:
            self.delay = FIRST
        wait = self.delay
        self.delay = min(self.delay * 2, MOST)
        return wait
