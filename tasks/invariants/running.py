"""Running the checks: on a session of their own, step by step, the longest unseen first."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import connection

from tasks.leadership import direct_parameters

from . import CHECKS
from .base import Check, Finding, Scope
from .progress import Progress, Session, estimates, states, step

log = structlog.get_logger(__name__)

#: A step that takes longer is given up: something else is wrong with the database. Where a walk
#: stood is no loss, so its commits need not wait for the disk.
_LIMITS = {"statement_timeout": "60s", "lock_timeout": "5s", "synchronous_commit": "off"}
_EVERY_ACCOUNT = """
SELECT set_config('app.accounts', coalesce(array_agg(id), '{}')::text, false) FROM accounts_account
"""

States = dict[tuple[str, int], Progress]


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of a check: of its last whole passes, or of those under way.

    ``covered`` rows were seen in earlier passes and cannot change; ``since`` is when the oldest
    pass began; ``share`` is how much of the tables is seen, None where nobody can tell yet.
    """

    check: Check
    finding: Finding
    complete: bool
    covered: int = 0
    since: datetime | None = None
    share: float | None = None

    @property
    def state(self) -> str:
        """``ok``, ``partly`` where not all of it was seen yet, ``warning`` or ``failed``."""
        if self.finding.failed:
            return "warning" if self.check.warning else "failed"
        return "ok" if self.complete else "partly"


def connect() -> Session:
    """Open a session that sees all accounts: the owner's where it is known.

    Not Django's connection: this one may be cancelled, and it changes role without a detour. The
    owner sees rows of accounts that are gone.
    """
    parameters = dict(direct_parameters())
    owner = settings.DATABASE_OWNER
    if owner is not None:
        parameters = {
            "dbname": connection.settings_dict["NAME"],
            "user": owner["USER"],
            "password": owner["PASSWORD"],
            "host": owner["HOST"],
            "port": owner["PORT"] or None,
            "connect_timeout": 5,
        }
    session = psycopg.connect(**parameters, autocommit=True, application_name="verify")
    for name, value in _LIMITS.items():
        session.execute("SELECT set_config(%s, %s, false)", [name, value])
    session.execute(_EVERY_ACCOUNT)
    return session


def scope(account: int | None = None) -> Scope:
    """Return what to look at."""
    return Scope(account, settings.DATABASE_APP_ROLE)


def walks(checks: Iterable[Check] = CHECKS) -> list[tuple[Check, int]]:
    """Return all walks of the checks."""
    return [(check, part) for check in checks for part in range(len(check.parts))]


def due(found: States, before: datetime) -> list[tuple[Check, int]]:
    """Return the walks without a whole pass since then: those under way, the longest unseen."""

    def order(one: tuple[Check, int]) -> tuple[bool, float]:
        state = found.get((one[0].id, one[1]))
        if state is None:
            return True, 0.0
        return state.started_at is None, state.finished_at.timestamp() if state.finished_at else 0.0

    return sorted((one for one in walks() if not _done(found, one, before)), key=order)


def _done(found: States, one: tuple[Check, int], before: datetime) -> bool:
    state = found.get((one[0].id, one[1]))
    return state is not None and state.finished_at is not None and state.finished_at >= before


def advance(
    session: Session,
    wanted: Sequence[tuple[Check, int]],
    *,
    since: datetime,
    stopped: Callable[[], bool] = lambda: False,
    rest: Callable[[float], Any] = lambda taken: None,
) -> Iterator[tuple[Check, int]]:
    """Walk these to the end of a pass that ends after ``since``, and yield each when it is there.

    ``rest`` is called after each step with the seconds it took.
    """
    for check, part in wanted:
        while not stopped():
            begun = time.monotonic()
            state = step(session, check, part, scope(), since=since)
            if state.started_at is None:
                _report(check, state)
                yield check, part
                break
            rest(time.monotonic() - begun)


def _report(check: Check, state: Progress) -> None:
    if state.last_failed and not check.warning:
        log.error(
            "invariant_broken",
            line=check.id,
            table=check.parts[state.part].table,
            failed=state.last_failed,
            examined=state.last_examined,
        )


def result(check: Check, found: States, sizes: dict[str, int]) -> Result:
    """Return what is known of a check."""
    known = [found.get((check.id, part)) for part in range(len(check.parts))]
    finding, seen, there = Finding(), 0, 0
    for part, state in zip(check.parts, known, strict=True):
        finding.join(_finding(state))
        if part.table:
            there += sizes.get(part.table, 0)
            seen += _seen(state, sizes.get(part.table, 0))
    reached = [state for state in known if state is not None]
    begun = [one for state in reached if (one := state.started_at or state.last_started_at)]
    return Result(
        check,
        finding,
        complete=len(reached) == len(known) and not any(one.started_at for one in reached),
        covered=sum(state.covered for state in reached),
        since=min(begun, default=None),
        share=min(seen / there, 1.0) if there else None,
    )


def _finding(state: Progress | None) -> Finding:
    """Return what a walk has found: a break stands until a whole pass has not seen it any more."""
    if state is None:
        return Finding()
    now = Finding(state.examined, state.failed, list(state.examples))
    last = Finding(state.last_examined, state.last_failed, list(state.last_examples))
    return last if state.started_at is None or last.failed > now.failed else now


def _seen(state: Progress | None, size: int) -> int:
    if state is None:
        return 0
    if state.started_at is None:
        return size
    # What the pass added to ``covered`` is in ``walked`` too.
    return min(size, max(state.covered, state.walked))


def results(session: Session) -> list[Result]:
    """Return what is known of all checks."""
    tables = sorted({part.table for check in CHECKS for part in check.parts if part.table})
    found, sizes = states(session), estimates(session, tables)
    return [result(check, found, sizes) for check in CHECKS]
