"""Group commit: whoever waits is written together, in one statement and one commit."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID

import psycopg
import structlog

from . import metrics
from .limits import Limits
from .link import UNAVAILABLE, Link
from .staging import STAGE, Row, columns, in_order

log = structlog.get_logger()

#: What a single row can be to blame for. Everything else fails the batch as a whole.
BLAMED_ON_DATA = (psycopg.DataError, psycopg.IntegrityError, ValueError, TypeError)
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

    A request waits on its own future with its own deadline, never on the database.
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
        self._wake = asyncio.Event()
        self._closing = False
        self._links = [Link(url, limits) for _ in range(limits.writers)]
        self._tasks: list[asyncio.Task[None]] = []
        self._ticker: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start the writing tasks on the running loop."""
        self._tasks = [asyncio.create_task(self._write_on(link)) for link in self._links]
        self._tick()

    def submit(self, row: Row, *, held: bool = False) -> asyncio.Future[UUID]:
        """Queue a row; the future gives its id after the commit, or NotStaged.

        Raises NotStaged at once where a bound of memory is reached.
        """
        limits = self._limits
        if len(self._queue) >= limits.queue_rows or self._bytes >= limits.queue_bytes:
            raise NotStaged("queue_full")
        if self._closing:
            raise NotStaged("shutting_down")
        future: asyncio.Future[UUID] = asyncio.get_running_loop().create_future()
        pending = Pending(row, future, held=held, deadline=time.monotonic() + limits.answer_seconds)
        self._queue.append(pending)
        self._waiting.append(pending)
        self._bytes += pending.size
        self._wake.set()
        return future

    async def close(self) -> None:
        """Write what is queued, then end."""
        self._closing = True
        self._wake.set()
        await asyncio.gather(*self._tasks)
        if self._ticker is not None:
            self._ticker.cancel()
        for link in self._links:
            await link.close()

    async def _write_on(self, link: Link) -> None:
        while True:
            batch = self._take()
            if batch:
                await self._settle(link, batch)
            elif self._closing:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    def _take(self) -> list[Pending]:
        """Take what is there, within the bounds of a batch, leaving out whoever gave up."""
        batch: list[Pending] = []
        size = 0
        queue, limits = self._queue, self._limits
        while queue and len(batch) < limits.batch_rows:
            if batch and size + queue[0].size > limits.batch_bytes:
                break
            pending = queue.popleft()
            self._bytes -= pending.size
            if not pending.future.done():
                batch.append(pending)
                size += pending.size
        return batch

    async def _settle(self, link: Link, batch: list[Pending]) -> None:
        """Stage a batch; whatever goes wrong, everybody in it is answered and the task lives."""
        try:
            await self._stage_twice(link, batch)
        except BLAMED_ON_DATA as error:
            await self._bisect(link, batch, error)
        except UNAVAILABLE as error:
            log.warning("database_unavailable", error=type(error).__name__, rows=len(batch))
            _fail(batch, "database")
        except Exception:
            log.exception("staging_failed", rows=len(batch))
            _fail(batch, "staging")

    async def _stage_twice(self, link: Link, batch: list[Pending]) -> None:
        """Stage; where the server was lost, once more on a new connection: nobody is answered."""
        try:
            await self._stage(link, batch)
        except UNAVAILABLE as error:
            log.info("staging_retried", error=type(error).__name__, rows=len(batch))
            await self._stage(link, [one for one in batch if not one.future.done()])

    async def _bisect(self, link: Link, batch: list[Pending], error: Exception) -> None:
        """Write a refused batch in halves, so that one bad row fails alone."""
        if len(batch) == 1:
            log.error("row_refused", error=type(error).__name__, source_id=batch[0].row.source_id)
            _fail(batch, "row_refused")
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            await self._settle(link, half)

    async def _stage(self, link: Link, batch: list[Pending]) -> None:
        if not batch:
            return
        started = time.perf_counter()
        rows = [one.row for one in batch]
        held = {one.row.source_id for one in batch if one.held}
        ids = in_order(rows, await link.fetch(STAGE, columns(rows, held)))
        for one, identifier in zip(batch, ids, strict=True):
            if not one.future.done():
                one.future.set_result(identifier)
        metrics.committed(len(batch), time.perf_counter() - started)
        if self._on_staged is not None:
            self._ring([i for i, one in zip(ids, batch, strict=True) if not one.held])

    def _ring(self, ids: list[UUID]) -> None:
        if not ids or self._on_staged is None:
            return
        try:
            self._on_staged(ids)
        except Exception:
            log.exception("wakeup_failed", deliveries=len(ids))

    def _tick(self) -> None:
        """Free whoever waited long enough; deadlines are in the order of arrival."""
        now = time.monotonic()
        waiting = self._waiting
        while waiting and (waiting[0].future.done() or waiting[0].deadline <= now):
            _fail((waiting.popleft(),), "database")
        metrics.queue(len(self._queue), self._bytes)
        self._ticker = asyncio.get_running_loop().call_later(TICK, self._tick)


def _fail(batch: Sequence[Pending], cause: str) -> None:
    for one in batch:
        if not one.future.done():
            one.future.set_exception(NotStaged(cause))
            one.future.exception()  # its request may be gone, and that is no news
