"""The examination of the invariants in the clock: a thread of its own, slow on purpose."""

import threading
from datetime import timedelta

import psycopg
import structlog

from . import options, outcomes
from .invariants import running
from .invariants.progress import Session, states

log = structlog.get_logger(__name__)

#: Seconds between two looks whether something is due, and until the first.
INTERVAL, FIRST = 600.0, 60.0
#: The longest rest after a step, in seconds.
_LONGEST_REST = 10.0


class Verifier:
    """Examines what nobody has examined for a day; never in the way of the sweep."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._session: Session | None = None

    def tick(self) -> bool:
        """See that the thread runs; a chore of the clock."""
        alive = self._thread is not None and self._thread.is_alive()
        if options.verify_every() > 0 and not alive and not self._ended.is_set():
            self._thread = threading.Thread(target=self._run, name="verify", daemon=True)
            self._thread.start()
        return False

    def stop(self, limit: float = 2.0) -> None:
        """End after the statement at hand, which is cancelled; where it stands is kept."""
        self._ended.set()
        session, thread = self._session, self._thread
        if session is not None:
            session.cancel_safe(timeout=limit)
        if thread is not None:
            thread.join(limit)

    def _run(self) -> None:
        try:
            with running.connect() as self._session:
                self.examine(self._session)
        except psycopg.Error as error:
            # The next look goes on where this one stood.
            if not self._ended.is_set():
                log.warning("verify_interrupted", error=outcomes.fingerprint(error))
        finally:
            self._session = None

    def examine(self, session: Session) -> int:
        """Walk all that is due, resting in between; return how many walks came to their end."""
        ((now,),) = session.execute("SELECT clock_timestamp()").fetchall()
        since = now - timedelta(seconds=options.verify_every())
        wanted = running.due(states(session), since)
        done = running.advance(
            session, wanted, since=since, stopped=self._ended.is_set, rest=self._rest
        )
        count = sum(1 for _ in done)
        if wanted and count == len(wanted):
            broken = [one.check.id for one in running.results(session) if one.state == "failed"]
            log.info("invariants_verified", walks=count, broken=broken)
        return count

    def _rest(self, taken: float) -> None:
        self._ended.wait(min(taken * options.verify_rest(), _LONGEST_REST))
