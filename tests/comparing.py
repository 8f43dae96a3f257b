"""The tables that ``record`` leaves, and the pure rule's, row by row and column by column."""

import random
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from accounts.rls import set_scope
from sales.drafts import Edit
from sales.merging import F, Settings
from sales.merging.deriving import Table
from sales.recording import Stated

from . import universe
from .universe import Universe

T = TypeVar("T")


def rule(items: Iterable[Stated], settings: Settings) -> dict[str, Table]:
    """Return the pure rule over statements and edits, in any order."""
    every = list(items)
    edits = [item for item in every if isinstance(item.draft, Edit)]
    return F([item for item in every if not isinstance(item.draft, Edit)], edits, settings)


def reference(world: Universe, items: Sequence[Stated]) -> dict[str, Any]:
    """Return the tables as the pure rule has them."""
    return universe.pure(rule(items, world.settings))


def recorded(world: Universe, batches: Sequence[Sequence[Stated]]) -> dict[str, Any]:
    """Return the tables after these batches, and undo them."""
    with universe.undone():
        set_scope([world.account])
        universe.record_all(batches)
        return universe.read()


def chopped(items: Sequence[T], chance: random.Random) -> list[list[T]]:
    """Shuffle, repeat some, and cut into batches."""
    again = [*items, *(item for item in items if chance.random() < 0.3)]
    chance.shuffle(again)
    batches: list[list[T]] = [[]]
    for item in again:
        if chance.random() < 0.4:
            batches.append([])
        batches[-1].append(item)
    return batches


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare table by table, row by row, so that a failure names the column."""
    for kind, rows in expected.items():
        assert found[kind].keys() == rows.keys(), kind
        for key, row in rows.items():
            other = found[kind][key]
            assert other.keys() == row.keys(), kind
            different = {n: (other[n], v) for n, v in row.items() if other[n] != v}
            assert not different, (kind, row.get("external_id", key), different)
