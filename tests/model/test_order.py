"""What ``record`` leaves does not depend on how statements come: properties 1, 2, 3, 7, 9, 11–13.

The statements are those of each provider's own deliveries, simulated or recorded.
"""

import itertools
import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings

from accounts.rls import set_scope
from integrations import samples
from sales.drafts import Edit, ReferenceDraft
from sales.merging import World, derive, fold
from sales.recording import derive as sql
from sales.recording.arrays import Cursor
from sales.statements import Stated
from tests import universe
from tests.comparing import assert_same, chopped, recorded, reference
from tests.universe import Universe

from .arrivals import Arrival, Site, flat, stated
from .histories import RECEIVED, history, moves, quick, resent, seeds, thorough
from .shops import Move

pytestmark = pytest.mark.django_db


@quick
@given(played=moves, seed=seeds)
def test_property_01_any_permutation_leaves_the_same(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    day = history(site, played, seed)
    order = day.items
    day.chance.shuffle(order)

    one_by_one = recorded(world, [[item] for item in order])

    assert_same(one_by_one, reference(world, day.items))


@quick
@given(played=moves, seed=seeds)
def test_property_02_any_batches_and_any_tree_of_joins_leave_the_same(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    day = history(site, played, seed)
    expected = reference(world, day.items)
    leaves = [fold(batch) for batch in chopped(day.items, day.chance)]

    while len(leaves) > 1:
        branch = leaves.pop(day.chance.randrange(len(leaves)))
        day.chance.choice(leaves).absorb(branch)

    assert_same(universe.pure(derive(leaves[0], world.settings)), expected)
    assert_same(recorded(world, chopped(day.items, day.chance)), expected)


@quick
@given(played=moves, seed=seeds)
def test_property_03_what_is_told_again_anywhere_changes_nothing(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    day = history(site, played, seed)
    batches: list[list[Stated]] = []
    for told in day.told:
        batches += [told, day.chance.choice([*batches, told])]

    assert_same(recorded(world, batches), reference(world, day.items))


@quick
@given(played=moves, seed=seeds)
def test_property_05_a_new_delivery_of_a_known_event_changes_nothing(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    day = history(site, played, seed)
    expected = reference(world, day.items)

    again = [*day.arrivals, *resent(day.arrivals, day.chance)]

    assert_same(reference(world, flat(stated(again))), expected)
    assert_same(recorded(world, stated(again)), expected)


def joined(world: Universe, parts: Sequence[Sequence[Stated]]) -> World:
    """Fold the parts apart, and join what came of them."""
    state = World()
    for part in parts:
        state.absorb(fold(part))
    return state


@quick
@given(played=moves, seed=seeds)
def test_property_07_a_state_joined_with_the_rest_is_the_whole(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    day = history(site, played, seed)
    cut = day.chance.randrange(len(day.told) + 1)
    archived, rest = flat(day.told[:cut]), flat(day.told[cut:])
    expected = reference(world, day.items)

    state = joined(world, [archived, rest])

    assert_same(universe.pure(derive(state, world.settings)), expected)
    assert_same(recorded(world, [archived, rest]), expected)
    assert_same(recorded(world, [rest, archived]), expected)


def recordings(site: Site) -> list[list[Stated]]:
    """Return what each recorded delivery of a provider states, and each recorded answer."""
    provider = site.provider
    found = [samples.signed(one, provider) for one in samples.load(provider.slug).values()]
    found += [samples.answered(body) for body in samples.load_answers(provider.slug).values()]
    arrivals = [
        Arrival(UUID(int=count + 1), site, RECEIVED + timedelta(seconds=count), delivery)
        for count, delivery in enumerate(found)
    ]
    return [told for told in stated(arrivals) if told]


def entities(told: Sequence[Stated]) -> set[tuple[str, str]]:
    """Return what a delivery speaks of, by kind and id, the sale of a part included.

    The customer whom nearly all of them name makes no two of them a pair.
    """
    found = set()
    for item in told:
        draft = item.draft
        assert not isinstance(draft, Edit)
        if isinstance(draft, ReferenceDraft):
            continue
        found.add((type(draft).__name__, draft.external_id))
        content = getattr(draft, "content", None)
        for name in ("sale_external_id", "payment_external_id"):
            of = getattr(content, name, None) or getattr(draft, name, None)
            found |= {(name, of), ("SaleDraft", of), ("PaymentDraft", of)} if of else set()
    return found


def test_property_09_every_recorded_pair_is_the_same_in_both_orders(
    world: Universe, site: Site
) -> None:
    pairs = 0
    for one, other in itertools.combinations(recordings(site), 2):
        expected = reference(world, [*one, *other])
        assert_same(universe.pure(derive(fold([*other, *one]), world.settings)), expected)
        if entities(one) & entities(other):
            pairs += 1
            assert_same(recorded(world, [one, other]), expected)
            assert_same(recorded(world, [other, one]), expected)

    assert pairs >= 2


@quick
@given(played=moves, seed=seeds)
def test_property_11_what_was_derived_in_passing_is_the_recomputation(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    day = history(site, played, seed)
    with universe.undone():
        set_scope([world.account])
        universe.record_all(chopped(day.items, day.chance))
        every = {kind: list(rows) for kind, rows in universe.read().items()}

        cursor = Cursor()

        assert sql.refunds(cursor, every["refund"]) == set()
        assert sql.sales(cursor, every["sale"]) == set()
        assert sql.mirrors(cursor, every["sale"]) == set()


def check(world: Universe, site: Site, played: list[Move], seed: int) -> None:
    """Compare the tables after random batches to the rule, exact and broken clocks alike."""
    day = history(site, played, seed, exact=seed % 2 == 0)
    assert_same(
        recorded(world, chopped(day.items, random.Random(seed))), reference(world, day.items)
    )


@settings(quick, max_examples=15)
@given(played=moves, seed=seeds)
def test_property_12_the_tables_are_the_rule_over_random_batches(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    check(world, site, played, seed)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(thorough, derandomize=False)
@given(played=moves, seed=seeds)
def test_property_12_the_tables_are_the_rule_at_length(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    check(world, site, played, seed)
