"""Insert what is new, lock what is there, let greater stamps win: the same for every kind.

The order is fixed: inserts first, then locks, each by id. Nobody waits in the first phase while
holding a lock of the second, so two batches cannot wait for each other.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ..drafts import Rank
from . import dating
from .arrays import Cursor, encode, ordered
from .fold import MONEY, VERSION_SIZE, Reg, Row
from .tables import Table


class ForeignRow(LookupError):
    """An id of this account's batch belongs to a row that this account may not see."""


class State(NamedTuple):
    """A row as it stood. ``parent`` is the sale of a part; ``handled`` says that edits exist."""

    received: datetime
    ties: int
    parent: UUID | None
    handled: bool
    stamps: tuple[bytes, ...]


class Won(NamedTuple):
    """A facet that a statement won. ``existed`` says that there may be older parts of it."""

    row: Row
    reg: Reg
    existed: bool


@dataclass(slots=True)
class Written:
    """What became of the rows of one kind. ``changed`` includes ``created``; ``tied`` are those
    with a facet that was just stated differently as of one version."""

    created: set[UUID] = field(default_factory=set)
    locked: dict[UUID, State] = field(default_factory=dict)
    changed: set[UUID] = field(default_factory=set)
    won: dict[int, list[Won]] = field(default_factory=dict)
    #: Locked sales whose money is what this batch states again.
    repeated: list[Row] = field(default_factory=list)
    tied: set[UUID] = field(default_factory=set)

    @property
    def touched(self) -> set[UUID]:
        """Ids of all rows that this transaction holds."""
        return self.created | self.locked.keys()

    def winners(self, facet: int) -> list[Won]:
        """Return what won a facet."""
        return self.won.get(facet, [])

    def indexes(self) -> set[int]:
        """Return the statements that won anything."""
        return {won.reg.index for group in self.won.values() for won in group}


def write(
    cursor: Cursor, table: Table, rows: Mapping[UUID, Row], *, hold: Collection[UUID] = ()
) -> Written:
    """Write the rows of one kind; ``hold`` are ids that are locked whatever happens to them.

    Raises ForeignRow.
    """
    done = Written()
    known = _states(cursor.rows(table.read, ordered(rows))) if rows else {}
    needed = [row for key, row in rows.items() if key not in known or _matters(row, known[key])]
    needed.sort(key=_by_id)
    repeated = [row for key, row in rows.items() if _repeats(row, known.get(key))]
    fresh = [row for row in needed if row.id not in known]
    if fresh:
        types = [*table.types, *("numeric" for _ in table.sums)]
        wires = [(*row.wire(table), *row.sums(table)) for row in fresh]
        done.created = _ids(cursor.rows(table.insert, *encode(types, wires)))
        done.changed |= done.created
    rest = {*hold, *(row.id for row in needed), *dating.later(cursor, repeated)} - done.created
    if rest:
        done.locked = _states(cursor.rows(table.lock, ordered(rest)))
        if len(done.locked) < len(rest):
            raise ForeignRow(f"{table.kind} {next(iter(rest - done.locked.keys()))}")
    later = [row for row in needed if row.id in done.locked and _matters(row, done.locked[row.id])]
    if later:
        wires = [row.wire(table) for row in later]
        done.changed |= _ids(cursor.rows(table.update, *encode(table.types, wires)))
    _award(done, needed)
    done.repeated = [row for key, row in rows.items() if _repeats(row, done.locked.get(key))]
    return done


def _award(done: Written, rows: Collection[Row]) -> None:
    for row in rows:
        state = done.locked.get(row.id)
        for facet, reg in row.regs.items():
            if _is_new_tie(reg, facet, state):
                done.tied.add(row.id)
            if state is None or reg.stamp > state.stamps[facet]:
                done.won.setdefault(facet, []).append(Won(row, reg, state is not None))


def _repeats(row: Row, state: State | None) -> bool:
    """Say whether the money that stands is what the batch states, perhaps received before."""
    reg = row.regs.get(MONEY)
    return reg is not None and state is not None and reg.stamp == state.stamps[MONEY]


def _is_new_tie(reg: Reg, facet: int, state: State | None) -> bool:
    if state is None or reg.stamp[:VERSION_SIZE] > state.stamps[facet][:VERSION_SIZE]:
        return reg.tied
    return _ties(reg, 1 << facet, state, state.stamps[facet])


def _ids(found: list[tuple[Any, ...]]) -> set[UUID]:
    return {row[0] for row in found}


def _states(found: list[tuple[Any, ...]]) -> dict[UUID, State]:
    return {row[0]: State(row[1], row[2], row[3], row[4], row[5:]) for row in found}


def _by_id(row: Row) -> int:
    return row.id.int


def _matters(row: Row, state: State) -> bool:
    return row.received < state.received or any(
        reg.stamp > state.stamps[facet] or _ties(reg, 1 << facet, state, state.stamps[facet])
        for facet, reg in row.regs.items()
    )


def _ties(reg: Reg, bit: int, state: State, stamp: bytes) -> bool:
    if state.ties & bit or reg.stamp[:VERSION_SIZE] != stamp[:VERSION_SIZE]:
        return False
    return reg.tied or (reg.stamp != stamp and reg.stamp[0] != Rank.MENTION)
