"""Group commit: whoever waits is written together, in one statement and one commit.

Writing happens in threads of its own. On the event loop each of the waits of one commit would
last as long as the loop takes to come round, and so the rate would fall with every request that
has to be refused.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID

import psycopg
import structlog

from . import metrics
from .limits import Limits
from .link import UNAVAILABLE, Link
from .pace import Pace
from .staging import Row, in_order, staging

log = structlog.get_logger()

#: What a single row can be to blame for. Everything else fails the batch as a whole.
BLAMED_ON_DATA = (psycopg.DataError, psycopg.IntegrityError, ValueError, TypeError)
#: The statement's own deadline: a smaller batch may be within it.
SLOW = psycopg.errors.QueryCanceled
#: How exactly a request's deadline is kept, in seconds.
TICK = 0.1


class NotStaged(Exception):
    """The row was not committed, as far as we know; ``cause`` is a word for metrics."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Pending:
    """A row that waits for its commit, and whoever waits for it."""

    __slots__ = ("deadline", "future", "held", "row", "size")

    def __init__(
        self, row: Row, future: asyncio.Future[UUID], *, held: bool, deadline: float
    ) -> None:
        self.row = row
        self.future = future
        self.held = held
        self.deadline = deadline
        self.size = row.size


class Writer:
    """Bounded queue in front of one or two connections that stage what is there.

    A request waits on its own future with its own deadline, never on the database. Futures are
    touched on the loop only; queue and pace are shared with the threads, under the lock.
    """

    def __init__(
        self,
        url: str,
        limits: Limits,
        *,
        on_staged: Callable[[list[UUID]], None] | None = None,
    ) -> None:
        self._limits = limits
        self._on_staged = on_staged
        self._queue: deque[Pending] = deque()
        self._bytes = 0
        #: Everybody who waits, oldest first, queued and in flight alike.
        self._waiting: deque[Pending] = deque()
        self._more = threading.Condition()
        self._closing = False
        self._pace = Pace(limits)
        self._links = [Link(url, limits) for _ in range(limits.writers)]
        #: Since when each of them that is busy has been with its batch.
        self._busy: dict[Link, float] = {}
        self._threads: list[threading.Thread] = []
        self._ticker: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start the writing threads, which answer on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._threads = [
            threading.Thread(target=self._write_on, args=(link,), name="writer", daemon=True)
            for link in self._links
        ]
        for thread in self._threads:
            thread.start()
        self._tick()

    def admit(self) -> None:
        """Raise NotStaged where a row that came now would wait too long, or for nothing."""
        limits, rows = self._limits, len(self._queue)
        if rows >= limits.queue_rows or self._bytes >= limits.queue_bytes:
            raise NotStaged("queue_full")
        if self._closing:
            raise NotStaged("shutting_down")
        if self._pace.wait(rows, self._bytes, running=self._running()) > limits.wait_seconds:
            raise NotStaged("overloaded")

    def _running(self) -> float | None:
        busy = list(self._busy.values())
        return time.monotonic() - max(busy) if len(busy) == len(self._links) else None

    def submit(self, row: Row, *, held: bool = False) -> asyncio.Future[UUID]:
        """Queue a row; the future gives its id after the commit, or NotStaged.

        Raises NotStaged at once where it is not admitted.
        """
        self.admit()
        future: asyncio.Future[UUID] = self._loop.create_future()
        deadline = time.monotonic() + self._limits.answer_seconds
        pending = Pending(row, future, held=held, deadline=deadline)
        self._waiting.append(pending)
        with self._more:
            self._queue.append(pending)
            self._bytes += pending.size
            self._more.notify()
        return future

    async def close(self) -> None:
        """Write what is queued, then end."""
        with self._more:
            self._closing = True
            self._more.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        if self._ticker is not None:
            self._ticker.cancel()
        for link in self._links:
            link.close()

    def _write_on(self, link: Link) -> None:
        while (batch := self._next(link)) is not None:
            self._settle(link, batch)
            with self._more:
                del self._busy[link]

    def _next(self, link: Link) -> list[Pending] | None:
        """Wait for a batch; None means that the thread is to end."""
        with self._more:
            while not self._queue and not self._closing:
                self._more.wait()
            if not self._queue:
                return None
            self._busy[link] = time.monotonic()
            return self._take()

    def _take(self) -> list[Pending]:
        """Take what is there, within the bounds of a batch, leaving out whoever gave up."""
        batch: list[Pending] = []
        size = 0
        queue, limits = self._queue, self._limits
        while queue and len(batch) < self._pace.rows:
            if batch and size + queue[0].size > limits.batch_bytes:
                break
            pending = queue.popleft()
            self._bytes -= pending.size
            if not pending.future.done():
                batch.append(pending)
                size += pending.size
        return batch

    def _settle(self, link: Link, batch: list[Pending]) -> None:
        """Stage a batch; whatever goes wrong, everybody in it is answered and the thread lives."""
        try:
            self._stage_twice(link, batch)
        except BLAMED_ON_DATA as error:
            self._bisect(link, batch, error)
        except UNAVAILABLE as error:
            self._pace.failed(slow=isinstance(error, SLOW))
            log.warning("database_unavailable", error=type(error).__name__, rows=len(batch))
            self._fail(batch, "database")
        except Exception:
            log.exception("staging_failed", rows=len(batch))
            self._fail(batch, "staging")

    def _stage_twice(self, link: Link, batch: list[Pending]) -> None:
        """Stage; where the server was lost, once more on a new connection: nobody is answered."""
        try:
            self._stage(link, batch)
        except SLOW:
            raise  # by the time that it failed again, nobody would wait any more
        except UNAVAILABLE as error:
            log.info("staging_retried", error=type(error).__name__, rows=len(batch))
            self._stage(link, [one for one in batch if not one.future.done()])

    def _bisect(self, link: Link, batch: list[Pending], error: Exception) -> None:
        """Write a refused batch in halves, so that one bad row fails alone."""
        if len(batch) == 1:
            log.error("row_refused", error=type(error).__name__, source_id=batch[0].row.source_id)
            self._fail(batch, "row_refused")
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            self._settle(link, half)

    def _stage(self, link: Link, batch: list[Pending]) -> None:
        if not batch:
            return
        started = time.perf_counter()
        rows = [one.row for one in batch]
        held = {one.row.source_id for one in batch if one.held}
        ids = in_order(rows, link.fetch(*staging(rows, held)))
        took = time.perf_counter() - started
        self._loop.call_soon_threadsafe(self._answer, batch, ids)
        self._pace.committed(len(batch), took)
        metrics.committed(len(batch), took)

    def _answer(self, batch: Sequence[Pending], ids: Sequence[UUID]) -> None:
        """Tell everybody in a committed batch, and ring for those whose source is not paused."""
        for one, identifier in zip(batch, ids, strict=True):
            if not one.future.done():
                one.future.set_result(identifier)
        due = [identifier for identifier, one in zip(ids, batch, strict=True) if not one.held]
        if not due or self._on_staged is None:
            return
        try:
            self._on_staged(due)
        except Exception:
            log.exception("wakeup_failed", deliveries=len(due))

    def _fail(self, batch: Sequence[Pending], cause: str) -> None:
        self._loop.call_soon_threadsafe(_fail, batch, cause)

    def _tick(self) -> None:
        """Free whoever waited long enough; deadlines are in the order of arrival."""
        now = time.monotonic()
        waiting = self._waiting
        while waiting and (waiting[0].future.done() or waiting[0].deadline <= now):
            _fail((waiting.popleft(),), "database")
        for link in self._links:
            link.cut_overdue()
        metrics.queue(len(self._queue), self._bytes)
        self._ticker = self._loop.call_later(TICK, self._tick)


def _fail(batch: Sequence[Pending], cause: str) -> None:
    for one in batch:
        if not one.future.done():
            one.future.set_exception(NotStaged(cause))
            one.future.exception()  # its request may be gone, and that is no news
