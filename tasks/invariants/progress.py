"""How far each walk has come, kept in the database: any process takes the next step.

A step is one short transaction: lock the walk's row, look at the next rows, write down where it
ended. Whoever is killed loses that step alone, and two who verify at once help each other.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from .base import Check, Finding, Key, Part, Scope, Walk

Session = psycopg.Connection[Any]

_MAKE = """
INSERT INTO tasks_verification (line, part, definition) VALUES (%s, %s, %s)
ON CONFLICT (line, part) DO NOTHING
"""
_FORGET = """
UPDATE tasks_verification
SET definition = %s, begin = NULL, covered = 0, after = NULL, held = false, started_at = NULL
WHERE line = %s AND part = %s
"""
_EVERYTHING = """
UPDATE tasks_verification
SET begin = NULL, covered = 0, after = NULL, held = false, started_at = NULL
"""


@dataclass(slots=True)
class Progress:
    """A row of ``Verification``. ``started_at`` is None between two passes."""

    line: str
    part: int
    definition: str
    begin: Key | None
    covered: int
    after: Key | None
    held: bool
    started_at: datetime | None
    walked: int
    examined: int
    failed: int
    examples: list[str]
    last_started_at: datetime | None
    finished_at: datetime | None
    last_examined: int
    last_failed: int
    last_examples: list[str]

    def open(self, now: datetime) -> None:
        """Begin a pass where none is under way."""
        if self.started_at is None:
            self.started_at, self.after, self.held = now, self.begin, False
            self.walked = self.examined = self.failed = 0
            self.examples = []

    def take(self, step: Any) -> None:
        """Write down what a step has found."""
        found = Finding(self.examined, self.failed, self.examples)
        found.join(step.finding)
        self.examined, self.failed, self.examples = found.examined, found.failed, found.examples
        self.after = step.last
        self.walked += step.walked
        self.held = self.held or not step.final
        if not self.held and step.last is not None:
            self.begin, self.covered = step.last, self.covered + step.walked

    def close(self, now: datetime) -> None:
        """End the pass."""
        self.last_started_at, self.finished_at, self.started_at = self.started_at, now, None
        self.last_examined, self.last_failed = self.examined, self.failed
        self.last_examples = self.examples


_NAMES = [one.name for one in fields(Progress)]
_COLUMNS = ", ".join(_NAMES)
_READ = f"SELECT {_COLUMNS} FROM tasks_verification"  # noqa: S608
_LOCK = f"{_READ} WHERE line = %s AND part = %s FOR UPDATE"
_WRITE = f"""
UPDATE tasks_verification SET {", ".join(f"{name} = %({name})s" for name in _NAMES)}
WHERE line = %(line)s AND part = %(part)s
"""  # noqa: S608
_JSON = ("begin", "after", "examples", "last_examples")


def step(session: Session, check: Check, part: int, scope: Scope, *, since: datetime) -> Progress:
    """Take the next step of one walk of a check, beginning a pass where none is under way.

    Nothing is done where somebody else ended a pass after ``since`` meanwhile. Raises a database
    error; nothing is written then.
    """
    walk = check.parts[part]
    with session.transaction(), session.cursor() as cursor:
        state = _locked(cursor, check.id, part, definition(walk))
        cursor.execute("SELECT clock_timestamp()")
        ((now,),) = cursor.fetchall()
        if state.started_at is None and state.finished_at and state.finished_at >= since:
            return state
        state.open(now)
        taken = walk.step(cursor, scope, state.after)
        state.take(taken)
        if taken.last is None:
            state.close(now)
        _write(cursor, state)
    return state


def definition(part: Part) -> str:
    """Return a mark of what a walk asks: what was seen by another question was not seen."""
    # Only walks remember what they have seen; the others begin anew each time.
    text = repr(part) if isinstance(part, Walk) else part.table
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _locked(cursor: Any, line: str, part: int, wanted: str) -> Progress:
    cursor.execute(_MAKE, [line, part, wanted])
    cursor.execute(_LOCK, [line, part])
    state = Progress(*cursor.fetchone())
    if state.definition != wanted:
        cursor.execute(_FORGET, [wanted, line, part])
        cursor.execute(_LOCK, [line, part])
        state = Progress(*cursor.fetchone())
    return state


def _write(cursor: Any, state: Progress) -> None:
    values = {name: getattr(state, name) for name in _NAMES}
    for name in _JSON:
        values[name] = None if values[name] is None else Jsonb(values[name])
    cursor.execute(_WRITE, values)


def states(session: Session) -> dict[tuple[str, int], Progress]:
    """Return how far all walks have come."""
    rows = session.execute(_READ).fetchall()
    return {(row[0], row[1]): Progress(*row) for row in rows}


def forget(session: Session) -> None:
    """Let the next pass of every walk begin at the beginning of its table."""
    session.execute(_EVERYTHING)


def estimates(session: Session, tables: Sequence[str]) -> dict[str, int]:
    """Return about how many rows tables have, as the planner believes."""
    rows = session.execute(
        "SELECT t.name, sum(greatest(c.reltuples, 0))::bigint FROM unnest(%s::text[]) AS t(name)"
        " JOIN pg_class c ON c.oid = t.name::regclass OR c.oid IN ("
        "   SELECT inhrelid FROM pg_inherits WHERE inhparent = t.name::regclass)"
        " WHERE c.relkind = 'r' GROUP BY 1",
        [list(tables)],
    ).fetchall()
    return dict(rows)
