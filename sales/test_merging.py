"""The rule of docs/merge-rule.md: order-free, and the same in SQL and in plain Python."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.rls import set_scope
from sales.drafts import OrderedBy
from sales.merging import Reg, Stamp, join
from sales.recording import Recorded, derive, record
from sales.recording.arrays import Cursor
from tests import universe
from tests.comparing import assert_same, chopped, recorded, reference
from tests.universe import NOON, Universe

pytestmark = pytest.mark.django_db


def check(world: Universe, data: st.DataObject) -> None:
    items = data.draw(universe.statements(world))
    seed = data.draw(st.integers(0, 1_000))
    expected = reference(world, items)
    assert_same(recorded(world, chopped(items, random.Random(seed))), expected)


quick = settings(
    max_examples=70, deadline=None, suppress_health_check=[*HealthCheck], derandomize=True
)


@quick
@given(data=st.data())
def test_the_tables_are_the_reference_of_any_batches_in_any_order(
    world: Universe, data: st.DataObject
) -> None:
    check(world, data)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(quick, max_examples=1500, derandomize=False)
@given(data=st.data())
def test_the_tables_are_the_reference_at_length(world: Universe, data: st.DataObject) -> None:
    check(world, data)


@settings(quick, max_examples=25)
@given(data=st.data())
def test_what_was_derived_in_passing_is_what_deriving_everything_gives(
    world: Universe, data: st.DataObject
) -> None:
    items = data.draw(universe.statements(world))
    with universe.undone():
        set_scope([world.account])
        universe.record_all([[item] for item in items])
        cursor = Cursor()

        every = {kind: list(rows) for kind, rows in universe.read().items()}

        assert derive.refunds(cursor, every["refund"]) == set()
        assert derive.sales(cursor, every["sale"]) == set()
        assert derive.mirrors(cursor, every["sale"]) == set()


@settings(quick, max_examples=30)
@given(data=st.data())
def test_settling_again_changes_no_row_and_reports_no_change(
    world: Universe, data: st.DataObject
) -> None:
    items = data.draw(universe.statements(world))
    with universe.undone():
        set_scope([world.account])
        universe.record_all([items])

        again = [record([item]) for item in reversed(items)]

        assert set(again) == {Recorded(frozenset(), frozenset(), frozenset())}


stamps = st.builds(
    Stamp,
    st.sampled_from([5, 20, 30]),
    st.integers(0, 2),
    st.integers(0, 1),
    st.integers(1, 2),
    st.sampled_from([b"a" * 8, b"b" * 8]),
)
regs = st.builds(
    Reg, stamps, st.none(), st.just(OrderedBy.PROVIDER), st.just(NOON), tied=st.booleans()
)


@given(regs, regs, regs)
def test_joining_is_associative_commutative_and_idempotent(a: Reg, b: Reg, c: Reg) -> None:
    assert join(a, b) == join(b, a) or a.stamp == b.stamp
    assert join(join(a, b), c) == join(a, join(b, c)) or len({a.stamp, b.stamp, c.stamp}) < 3
    assert join(a, a) == a
    assert join(None, a) == a


@given(stamps, stamps)
def test_the_bytes_of_stamps_are_ordered_as_their_parts(a: Stamp, b: Stamp) -> None:
    assert (a.pack() < b.pack()) == (a < b)
