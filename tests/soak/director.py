"""Lets the faults strike, one after the other, and remembers when."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .faults import Scene, Strike
from .sender import Acknowledged

#: Seconds after its end for which a fault excuses slow answers.
AFTERMATH = 5.0


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that was: its times are monotonic seconds."""

    name: str
    begun: float
    ended: float
    error: str = ""


class Director:
    """Works a plan off in threads, so that nobody waits for a fault."""

    def __init__(self, scene: Scene, strikes: Sequence[Strike]) -> None:
        self._scene, self._strikes = scene, strikes
        self.struck: list[Struck] = []

    async def run(self, started: float, say: Callable[[str], None]) -> None:
        """Let every fault strike at its time."""
        for strike in self._strikes:
            await asyncio.sleep(max(0.0, started + strike.at - time.monotonic()))
            name = strike.fault.name
            say(f"fault: {name}")
            begun, error = time.monotonic(), ""
            try:
                await asyncio.to_thread(strike.fault.strike, self._scene)
            except Exception as failure:
                error = f"{type(failure).__name__}: {failure}"
                say(f"fault failed: {name}: {error}")
            self.struck.append(Struck(name, begun, time.monotonic(), error))


def inside(struck: Sequence[Struck], at: float) -> bool:
    """Say whether a moment lies in the window of a fault."""
    return touched(struck, at, at)


def touched(struck: Sequence[Struck], begun: float, ended: float) -> bool:
    """Say whether a time overlaps the window of a fault."""
    return any(one.begun <= ended and begun <= one.ended + AFTERMATH for one in struck)


def taken(answers: Sequence[Acknowledged]) -> list[float]:
    """Return when something was acknowledged, sorted."""
    return sorted(one.at for one in answers if 200 <= one.status < 300)


def recovery(one: Struck, times: Sequence[float]) -> float | None:
    """Return the seconds from the end of a fault to the next 2xx."""
    return min((at - one.ended for at in times if at >= one.ended), default=None)


def silence(one: Struck, times: Sequence[float]) -> float:
    """Return the longest time without any 2xx that began in the window of a fault, in seconds."""
    after = [one.begun, *(at for at in times if at > one.begun)]
    gaps = (b - a for a, b in pairwise(after) if a <= one.ended + AFTERMATH)
    return max(gaps, default=0.0)
