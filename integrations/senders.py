"""What a provider's sender expects of an answer, and what it does without one, as data.

The receiver answers within the time that is allowed here, and tests hold every provider's samples
to it; docs/providers.md shows it to people.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """How a sender takes an answer, as its provider documents it; None is what it does not say.

    ``within`` is for how many seconds it waits for the whole answer. ``repeats`` is how often it
    comes again (0 never), ``pauses`` the seconds before each repeat where they are documented, and
    ``over`` the seconds that all of them take. ``then`` tells people what happens afterwards
    (Russian, " / ", English), ``source`` where it was read and when.
    """

    accepts: Collection[int] = (200,)
    within: float | None = None
    repeats: int | None = None
    pauses: tuple[float, ...] = ()
    over: float | None = None
    then: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.pauses and len(self.pauses) != self.repeats:
            raise ValueError(f"pauses: {len(self.pauses)}, repeats: {self.repeats}")
