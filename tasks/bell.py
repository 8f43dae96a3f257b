"""The doorbell of a process that settles: for what settling itself stages."""

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import transaction

from .wakeup import Doorbell


@cache
def of_process() -> Doorbell:
    """Return the one doorbell of this process; it connects when it is first rung."""
    return Doorbell(settings.REDIS_URL)


def ring_after_commit(ids: Sequence[UUID]) -> None:
    """Let a worker hear of these deliveries once the running transaction is committed."""
    transaction.on_commit(lambda: of_process().ring(ids))
