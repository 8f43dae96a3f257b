"""The rule of docs/merge-rule.md: order-free, and the same in SQL and in plain Python."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.rls import set_scope
from sales.drafts import Draft, Edit, Money, OrderedBy, Version, digest, pack_stamp
from sales.merging import F, Reg, Stamp, join
from sales.recording import Recorded, Stated, derive, fold, record
from sales.recording.arrays import Cursor
from sales.recording.tables import SALE
from tests import universe
from tests.told import V1, V2, header, paid, sale
from tests.universe import NOON, Universe

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
@settings(quick, max_examples=3000, derandomize=False)
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


# Teeth ------------------------------------------------------------------------------------------


def _rank_ignored(patch: pytest.MonkeyPatch) -> None:
    def stamp(version: Version, mapper: int, value: Any) -> bytes:
        return pack_stamp(replace(version, rank=30), mapper, digest(value))

    patch.setattr(fold, "_stamp", stamp)


def _gone_with_the_header(patch: pytest.MonkeyPatch) -> None:
    state = fold.Row.state

    def stated(self: fold.Row, facet: int, reg: fold.Reg) -> None:
        state(self, facet, reg)
        if facet == fold.GONE:
            state(self, fold.HEADER, fold.Reg(reg.stamp, SALE.facets[0].blank, (), reg.index))

    patch.setattr(fold.Row, "state", stated)


def _owned_by_position(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("sales.recording.parts._older", lambda *_: [])


def _digest_ignored(patch: pytest.MonkeyPatch) -> None:
    def stamp(version: Version, mapper: int, value: Any) -> bytes:
        return pack_stamp(version, mapper, bytes(8))

    patch.setattr(fold, "_stamp", stamp)


ONE, TWO = (Money(payments=(paid("5.00"),) * count) for count in (1, 2))
#: Defect → how it is made, and statements whose rows it falsifies.
TEETH: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], list[Draft]]] = {
    "rank": (
        _rank_ignored,
        [sale(V1, header=header()), sale(replace(V2, rank=20), header=header("1.00"))],
    ),
    "digest": (_digest_ignored, [sale(header=header("1.00")), sale(header=header("2.00"))]),
    "separate gone": (_gone_with_the_header, [sale(V2, gone=True), sale(V1, header=header())]),
    "owned parts": (_owned_by_position, [sale(V1, money=TWO), sale(V2, money=ONE)]),
}


@pytest.mark.parametrize("name", TEETH)
def test_a_rule_without_it_is_caught(
    world: Universe, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect, drafts = TEETH[name]
    items = [
        Stated(draft, world.account, world.sources[0], UUID(int=1), NOON, 1) for draft in drafts
    ]
    orders = ([[item] for item in items], [[item] for item in reversed(items)])
    expected = reference(world, items)
    for order in orders:
        assert_same(recorded(world, order), expected)

    defect(monkeypatch)

    wrong = 0
    for order in orders:
        try:
            assert_same(recorded(world, order), expected)
        except AssertionError:
            wrong += 1
    assert wrong
