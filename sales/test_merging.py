"""The rule of docs/merge-rule.md: order-free, and the same in SQL and in plain Python."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.rls import set_scope
from sales.drafts import Edit
from sales.merging import F
from sales.recording import Stated
from tests import universe
from tests.universe import Universe

pytestmark = pytest.mark.django_db


def reference(world: Universe, items: Sequence[Stated]) -> dict[str, Any]:
    edits = [item for item in items if isinstance(item.draft, Edit)]
    stated = [item for item in items if not isinstance(item.draft, Edit)]
    return universe.pure(F(stated, edits, world.settings))


def recorded(world: Universe, batches: Sequence[Sequence[Stated]]) -> dict[str, Any]:
    with universe.undone():
        set_scope([world.account])
        universe.record_all(batches)
        return universe.read()


def chopped(items: Sequence[Stated], chance: random.Random) -> list[list[Stated]]:
    """Shuffle, repeat some, and cut into batches."""
    again = [*items, *(item for item in items if chance.random() < 0.3)]
    chance.shuffle(again)
    batches: list[list[Stated]] = [[]]
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
            assert not different, (kind, row.get("external_id", key))


def check(world: Universe, data: st.DataObject) -> None:
    items = data.draw(universe.statements(world))
    seed = data.draw(st.integers(0, 1_000))
    expected = reference(world, items)
    assert_same(recorded(world, chopped(items, random.Random(seed))), expected)


quick = settings(
    max_examples=120, deadline=None, suppress_health_check=[*HealthCheck], derandomize=True
)


@quick
@given(data=st.data())
def test_the_tables_are_the_reference_of_any_batches_in_any_order(
    world: Universe, data: st.DataObject
) -> None:
    check(world, data)
