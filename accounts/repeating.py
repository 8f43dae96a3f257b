"""A request whose transaction lost to another one runs again: nothing of the first is left."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

log = structlog.get_logger(__name__)

#: SQLSTATEs of a deadlock and of a serialization failure: the loser tries again.
LOST = frozenset({"40P01", "40001"})
#: How often a request is repeated; each may have waited for ``deadlock_timeout`` before.
REPEATS = 3
#: The longest first pause in seconds; each is three times the last.
_PAUSE = 0.05
_Answer = TypeVar("_Answer")


def lost(error: BaseException) -> bool:
    """Say whether PostgreSQL has ended this transaction for the sake of another one."""
    one: BaseException | None = error
    while one is not None:
        if getattr(one, "sqlstate", None) in LOST:
            return True
        one = one.__cause__
    return False


def repeat(work: Callable[[bool], _Answer]) -> _Answer:
    """Run a whole transaction, again where it lost; ``work`` is told whether it is the last time.

    Raises what the last time raises, and whatever is no lost race.
    """
    for repeats in range(REPEATS):
        try:
            return work(False)
        except Exception as error:
            if not lost(error):
                raise
            log.info("request_repeated", repeats=repeats + 1)
            # Two that met once would meet again without chance.
            time.sleep(random.uniform(0, _PAUSE) * 3**repeats)  # noqa: S311
    return work(True)
