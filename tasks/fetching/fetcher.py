"""The thread of the leader that asks: it alone speaks to the database, its pool to providers."""

import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from .. import metrics, options, outcomes, sql
from ..outcomes import Consequence
from ..understanding import Providers
from ..wakeup import Doorbell
from . import rows
from .asking import Answer, Line, ask
from .failures import Cause, Failed
from .http import Client
from .lines import Lines
from .rows import Taken
from .serving import Server

log = structlog.get_logger(__name__)

#: Seconds between two looks at the rows where nothing happens.
POLL = 1.0
#: Seconds after the last word of the clock that it leads, in which we still ask.
_LEADS = 60.0
#: Seconds until a read is tried again that a person has to make possible first.
_UNTIL_SET = 300.0
_LONGEST = 3600.0

Ring = Callable[[Sequence[UUID]], None]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of asking for one object."""

    taken: Taken
    result: Answer | Failed | Exception


@dataclass(slots=True)
class Work:
    """Takes reads, asks, and writes the answers down: one turn after the other."""

    providers: Providers
    client: Client = field(default_factory=Client)
    ring: Ring = lambda _: None
    threads: int = field(default_factory=options.fetch_threads)
    lines: Lines = field(init=False)
    _server: Server = field(init=False)
    _pool: ThreadPoolExecutor = field(init=False)
    _done: "queue.SimpleQueue[Done | None]" = field(init=False)
    _running: int = 0

    def __post_init__(self) -> None:
        self.lines = Lines(self.providers, self.client)
        self._server = Server(self.providers)
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="fetch")
        self._done = queue.SimpleQueue()

    def turn(self, *, rest: float = POLL) -> int:
        """Take what may be asked now, and write down what was answered meanwhile.

        Rests for at most so many seconds (less as soon as an answer is there); returns how many
        reads were begun or ended. Raises database errors.
        """
        begun = self._begin()
        ended = 0
        with suppress(queue.Empty):
            while done := self._done.get(timeout=0.0 if ended or begun else rest):
                self._running -= 1
                ended += 1
                self._end(done)
        return begun + ended

    @property
    def running(self) -> int:
        """The reads that are under way."""
        return self._running

    def wake(self) -> None:
        """End a rest at once."""
        self._done.put(None)

    def close(self) -> None:
        """Wait for nobody: whatever is under way ends with its lease."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> int:
        slugs = [slug for slug, one in self.providers.items() if one.api is not None]
        free = self.threads - self._running
        if not slugs or free <= 0:
            return 0
        with transaction.atomic(durable=True):
            _see_everything()
            waiting = rows.waiting(slugs)
            if not waiting:
                return 0
            lines = self.lines.of(waiting)
            for source, line in lines.items():
                if isinstance(line, Failed):
                    rows.put_off_all(source, line.reason, seconds=_UNTIL_SET)
            able = {key: line for key, line in lines.items() if isinstance(line, Line)}
            taken = rows.take(_shares(able, free), lease=options.fetch_lease())
        for one in taken:
            self._running += 1
            self._pool.submit(self._ask, able[one.source_id], one)
        return len(taken)

    def _ask(self, line: Line, one: Taken) -> None:
        """Runs in the pool: no database here."""
        result: Answer | Failed | Exception
        # Well within the lease, so that the answer is still ours.
        until = time.monotonic() + options.fetch_lease() * 0.75
        try:
            result = ask(line, one.kind, one.external_id, until=until)
        except Exception as error:
            result = error
        self._done.put(Done(one, result))

    def _end(self, done: Done) -> None:
        """Write down what became of a read. Raises database errors."""
        try:
            self._write(done)
        except DatabaseError as error:
            if outcomes.consequence(error) is not Consequence.BISECT:
                # It is not to blame: while the lease lasts, it can be written later.
                self._running += 1
                self._done.put(done)
                raise
            self._write(Done(done.taken, error))

    def _write(self, done: Done) -> None:
        one, result = done.taken, done.result
        with transaction.atomic(durable=True):
            sql.scope([one.account_id])
            if isinstance(result, Answer):
                word, staged = self._server.serve(one, result)
            else:
                word, staged = self._put_off(one, result), None
        metrics.FETCHES.labels(result=word).inc()
        if staged is not None:
            self.ring([staged])

    def _put_off(self, one: Taken, error: Exception) -> str:
        if not isinstance(error, Failed):
            log.error("fetch_crashed", source=one.source_id, error=outcomes.fingerprint(error))
            error = Failed(Cause.FAILED, outcomes.fingerprint(error))
        counts = error.cause is not Cause.BUSY
        attempts = one.attempts + counts
        seconds = error.pause if error.pause is not None else backoff(attempts)
        rows.put_off(one, error.reason, seconds=seconds, counts=counts)
        if counts and attempts == options.fetch_attempts():
            log.error(
                "fetch_failing", source=one.source_id, kind=one.kind, cause=str(error.cause),
                attempts=attempts,
            )  # fmt: skip
        return str(error.cause)


def backoff(attempts: int) -> float:
    """Return the seconds until the next attempt: three times the last, an hour at most, and never
    the same for everybody."""
    base = options.fetch_backoff() * 3.0 ** min(attempts - 1, 20)
    return min(base, _LONGEST) * random.uniform(0.75, 1.25)  # noqa: S311


def _shares(lines: dict[int, Line], free: int) -> dict[int, int]:
    """Divide free threads: sources in turns, each account within what it may be asked at once."""
    left = {id(line.gate): line.gate.free() for line in lines.values()}
    shares = dict.fromkeys(lines, 0)
    order = list(lines)
    random.shuffle(order)
    while free > 0:
        open_ones = [one for one in order if left[id(lines[one].gate)] > 0]
        if not open_ones:
            break
        for one in open_ones[:free]:
            gate = id(lines[one].gate)
            if left[gate] > 0:
                shares[one] += 1
                left[gate] -= 1
                free -= 1
    return shares


def _see_everything() -> None:
    sql.scope(row[0] for row in sql.rows("SELECT id FROM accounts_account"))


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
