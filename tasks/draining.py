"""What a bell sets off: whoever hears it settles in turns until nobody waits.

So a message says no more than that there is work: one that comes late, twice or never changes
nothing, and the leftovers of a burst need no other.
"""

import time
from collections.abc import Sequence
from uuid import UUID

from . import pipeline, turns
from .broker import ending
from .understanding import Providers

#: Seconds after which other messages get a turn of this thread.
LONGEST = 2.0


def drain(named: Sequence[UUID], *, providers: Providers | None = None) -> bool:
    """Settle what is named and what waits besides; say whether more was left.

    Raises a database error where nothing could be claimed.
    """
    begun = time.monotonic()
    for claims in turns.batches(named):
        pipeline.settle_claimed(claims, providers=providers)
        if ending.is_set() or time.monotonic() - begun > LONGEST:
            return True
    return False
