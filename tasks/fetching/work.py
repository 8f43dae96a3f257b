"""What the thread of the leader does: it alone speaks to the database, its pool to providers."""

import queue
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from integrations.asking import Api, Window

from .. import metrics, options, outcomes, sql
from ..outcomes import Consequence
from ..understanding import Providers
from . import rows, walks
from .asking import Answer, Line, Listed, ask, ask_page
from .failures import Cause, Failed
from .gate import Gate
from .http import Client
from .lines import Lines
from .rows import Taken
from .serving import Server
from .walks import Page

log = structlog.get_logger(__name__)

#: Seconds between two looks at the rows where nothing happens.
POLL = 1.0
#: Seconds until a read is tried again that a person has to make possible first.
_UNTIL_SET = 300.0
_LONGEST = 3600.0

#: Seconds between two looks for sources without their sliding windows.
_WINDOWS = 60.0

Ring = Callable[[Sequence[UUID]], None]


class PutOff(Protocol):
    def __call__(self, source: int, reason: str, *, seconds: float) -> None:
        """Let all that is due of a source wait."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of asking for one object or page."""

    taken: Taken | Page
    result: Answer | Listed | Exception
    gate: Gate


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
    _windows_at: float = 0.0
    #: Gate → what of it is under way: more than may be asked at once would only wait in a thread.
    _busy: Counter[Gate] = field(default_factory=Counter)

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
                ended += 1
                self._running -= 1
                self._busy[done.gate] -= 1
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
        """Take what may be asked now: reads first, then a page of each source's walks."""
        apis = {slug: one.api for slug, one in self.providers.items() if one.api is not None}
        if not apis or self._running >= self.threads:
            return 0
        taken: list[tuple[Line, Taken | Page]] = []
        with transaction.atomic(durable=True):
            sql.scope_everything()
            if time.monotonic() >= self._windows_at:
                walks.open_windows(_windows(apis))
                self._windows_at = time.monotonic() + _WINDOWS
            lines = self._able(rows.waiting(list(apis)), rows.put_off_all)
            shares = self._shares(lines, self.threads - self._running)
            lease = options.fetch_lease()
            for one in rows.take(shares, lease=lease):
                if self._server.knows(one):
                    rows.served(one)
                else:
                    taken.append((lines[one.source_id], one))
            lines = self._able(walks.waiting(list(apis)), walks.put_off_all)
            free = self.threads - self._running - len(taken)
            shares = self._shares(lines, free)
            pages = walks.take([one for one, count in shares.items() if count], lease=lease)
            taken += [(lines[one.source_id], one) for one in pages]
        for line, job in taken:
            self._running += 1
            self._busy[line.gate] += 1
            self._pool.submit(self._ask, line, job)
        return len(taken)

    def _able(self, waiting: Mapping[int, int], put_off: PutOff) -> dict[int, Line]:
        """Return the lines of sources that can be asked; the others wait for a person."""
        lines = self.lines.of(waiting)
        for source, line in lines.items():
            if isinstance(line, Failed):
                put_off(source, line.reason, seconds=_UNTIL_SET)
        return {key: line for key, line in lines.items() if isinstance(line, Line)}

    def _shares(self, lines: Mapping[int, Line], free: int) -> dict[int, int]:
        """Divide free threads: sources in turns, each account within what it may be asked."""
        gates = {line.gate for line in lines.values()}
        left = {
            gate: min(gate.free(), gate.budget.at_once - self._busy[gate]) for gate in gates
        }  # fmt: skip
        shares = dict.fromkeys(lines, 0)
        order = random.sample(list(lines), len(lines))
        while free > 0 and (able := [one for one in order if left[lines[one].gate] > 0]):
            for one in able[:free]:
                if left[lines[one].gate] > 0:
                    shares[one] += 1
                    left[lines[one].gate] -= 1
                    free -= 1
        return shares

    def _ask(self, line: Line, one: Taken | Page) -> None:
        """Runs in the pool: no database here."""
        result: Answer | Listed | Exception
        # Well within the lease, so that the answer is still ours.
        until = time.monotonic() + options.fetch_lease() * 0.75
        try:
            if isinstance(one, Taken):
                result = ask(line, one.kind, one.external_id, until=until)
            else:
                window = Window(one.since, one.until)
                result = ask_page(line, one.kind, window, one.cursor, until=until)
        except Exception as error:
            result = error
        self._done.put(Done(one, result, line.gate))

    def _end(self, done: Done) -> None:
        """Write down what became of a read. Raises database errors."""
        try:
            self._write(done)
        except DatabaseError as error:
            if outcomes.consequence(error) is not Consequence.BISECT:
                # It is not to blame: while the lease lasts, it can be written later.
                self._running += 1
                self._busy[done.gate] += 1
                self._done.put(done)
                raise
            self._write(Done(done.taken, error, done.gate))

    def _write(self, done: Done) -> None:
        one, result = done.taken, done.result
        with transaction.atomic(durable=True):
            sql.scope([one.account_id])
            staged = None
            if isinstance(one, Taken) and isinstance(result, Answer):
                word, staged = self._server.serve(one, result)
            elif isinstance(one, Page) and isinstance(result, Listed):
                word, staged = self._server.turn_page(one, result, left=done.gate.remaining())
            else:
                word = self._put_off(one, result)
        metrics.FETCHES.labels(result=word).inc()
        if staged is not None:
            self.ring([staged])

    def _put_off(self, one: Taken | Page, error: object) -> str:
        if not isinstance(error, Failed):
            reason = outcomes.fingerprint(error) if isinstance(error, Exception) else str(error)
            log.error("fetch_crashed", source=one.source_id, error=reason)
            error = Failed(Cause.FAILED, reason)
        counts = error.cause is not Cause.BUSY
        attempts = one.attempts + counts
        seconds = error.pause if error.pause is not None else backoff(attempts)
        if isinstance(one, Taken):
            rows.put_off(one, error.reason, seconds=seconds, counts=counts)
        else:
            walks.put_off(one, error.reason, seconds=seconds, counts=counts)
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


def _windows(apis: Mapping[str, Api]) -> list[tuple[str, str, float]]:
    return [
        (slug, kind, api.window)
        for slug, api in sorted(apis.items())
        if api.window is not None
        for kind in sorted(api.lists)
    ]
