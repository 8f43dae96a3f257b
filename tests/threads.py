"""Several connections at once, each in a thread of its own."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import OperationalError, connection

from accounts.rls import scoped
from sales.recording import Stated, record

from .universe import Universe


def settle(world: Universe, batch: Sequence[Stated]) -> int:
    """Record a batch as a worker does: again after a deadlock. Returns how often it tried."""
    for attempt in range(1, 20):
        try:
            with scoped([world.account]):
                record(batch)
            return attempt
        except OperationalError:
            continue
    raise AssertionError("deadlocked for good")


def in_threads(works: Sequence[Callable[[], Any]]) -> None:
    """Run each in a thread with a connection of its own; raise what one of them raised."""
    failures: list[BaseException] = []

    def run(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as error:  # whatever it is, the test is to hear of it
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]
