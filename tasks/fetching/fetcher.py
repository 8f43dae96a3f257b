"""The thread of the leader in which asking happens."""

import threading
import time

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from .. import outcomes
from ..wakeup import Doorbell
from .work import POLL, Work

log = structlog.get_logger(__name__)

#: Seconds after the last word of the clock that it leads, in which we still ask.
_LEADS = 60.0


class Fetcher:
    """Keeps a thread at work while the clock leads."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._leads_until = 0.0
        self._work: Work | None = None

    def tick(self) -> bool:
        """See that the thread runs; a chore of the clock, which is told so that it leads."""
        self._leads_until = time.monotonic() + _LEADS
        alive = self._thread is not None and self._thread.is_alive()
        if not alive and not self._ended.is_set():
            self._thread = threading.Thread(target=self._run, name="fetch", daemon=True)
            self._thread.start()
        return False

    def stop(self, limit: float = 2.0) -> None:
        """End after the answer at hand; what is under way is read again after its lease."""
        self._ended.set()
        if self._work is not None:
            self._work.wake()
        if self._thread is not None:
            self._thread.join(limit)

    def _run(self) -> None:
        from integrations.registry import PROVIDERS

        bell = Doorbell(settings.REDIS_URL)
        self._work = work = Work(PROVIDERS, ring=bell.ring)
        try:
            while not self._ended.is_set() and time.monotonic() < self._leads_until:
                self._turn(work)
        finally:
            work.close()
            bell.close()
            connection.close()

    def _turn(self, work: Work) -> None:
        try:
            work.turn()
        except (DatabaseError, InterfaceError) as error:
            if not self._ended.is_set():
                log.warning("fetch_interrupted", error=outcomes.fingerprint(error))
            connection.close()
            self._ended.wait(POLL)
