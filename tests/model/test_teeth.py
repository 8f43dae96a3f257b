"""Property 17: take a part of the rule away, and one of the properties turns red.

The locks and the old parents are in ``sales/test_overlaps.py``, the remainder of a cumulative
counter (Stripe) in ``sales/test_sums.py``. Not here because not built yet: ``over`` (reads).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from integrations import clocks
from sales.drafts import Version, pack_stamp
from sales.recording import fold, parts
from sales.recording.tables import SALE
from sales.statements import Stated
from tests.comparing import assert_same, recorded, reference, rule
from tests.universe import Universe

from .arrivals import Arrival, Identity, Receipt, Site, events, flat, stated
from .histories import History, history, quick, resent, seeds, site_of
from .shops import Move
from .test_truth import assert_true

pytestmark = pytest.mark.django_db

Check = Callable[[Universe, Site, History], None]
Patch = Callable[[pytest.MonkeyPatch], None]


# The properties that are to turn red --------------------------------------------------------------


def _order(world: Universe, site: Site, day: History) -> None:
    """Hold the tables of two orders against each other: property 1."""
    there = recorded(world, [[item] for item in day.items])
    back = recorded(world, [[item] for item in reversed(day.items)])
    assert_same(back, there)


def _rule(world: Universe, site: Site, day: History) -> None:
    """Hold the tables to property 12."""
    assert_same(recorded(world, [day.items]), reference(world, day.items))


def _again(world: Universe, site: Site, day: History) -> None:
    """Hold the rule to property 5."""
    later = flat(stated([*day.arrivals, *resent(day.arrivals, day.chance)]))
    assert_same(rule(later, world.settings), rule(day.items, world.settings))


def _truth(world: Universe, site: Site, day: History) -> None:
    """Hold the rule to property 8."""
    assert_true(day, reference(world, day.items))


# The defects --------------------------------------------------------------------------------------


def _versions(change: Callable[[Version], Version]) -> Patch:
    """Let every statement have another version, in the rule and in the tables."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        def changed(items: Any) -> list[Stated]:
            return [_changed(item, change) for item in flat(items)]

        monkeypatch.setattr("tests.model.histories.flat", changed)

    return patch


def _changed(item: Stated, change: Callable[[Version], Version]) -> Stated:
    draft: Any = item.draft
    return replace(item, draft=replace(draft, version=change(draft.version)))


def _last_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    def receipts(arrivals: Iterable[Arrival]) -> dict[Identity, Receipt]:
        return {
            identity: (arrival.received, arrival.id)
            for arrival in arrivals
            for identity, _ in events(arrival)
        }

    monkeypatch.setattr("tests.model.arrivals.first_receipts", receipts)


def _digest_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def stamp(version: Version, mapper: int, value: Any) -> bytes:
        return pack_stamp(version, mapper, bytes(8))

    monkeypatch.setattr(fold, "_stamp", stamp)


def _gone_with_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    state = fold.Row.state

    def stated_so(self: fold.Row, facet: int, reg: fold.Reg) -> None:
        state(self, facet, reg)
        if facet == fold.GONE:
            state(self, fold.HEADER, fold.Reg(reg.stamp, SALE.facets[0].blank, (), reg.index))

    monkeypatch.setattr(fold.Row, "state", stated_so)


def _ghosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_older", lambda *_: [])


def _of(*actions: int) -> st.SearchStrategy[list[Move]]:
    """Return days on which only some things happen, to one sale, within few clock units."""
    one = st.builds(
        Move, st.sampled_from(actions), st.just(0), st.integers(0, 5), st.integers(0, 1)
    )
    return st.lists(one, min_size=2, max_size=8)


#: Defect → provider whose events show it, by which of its actions, what turns red, how it is made.
TEETH: dict[str, tuple[str, st.SearchStrategy[list[Move]], Check, Patch]] = {
    "rank": ("evotor", _of(0, 2, 4), _truth, _versions(lambda one: replace(one, rank=30))),
    "seq": ("shopify", _of(0, 9), _truth, _versions(lambda one: replace(one, seq=0))),
    "clock": ("standard", _of(0, 6), _truth, _versions(lambda one: replace(one, clock=1))),
    "digest": ("standard", _of(0), _order, _digest_ignored),
    "first receipt": ("standard", _of(0, 5), _again, _last_receipts),
    "separate gone": ("standard", _of(0, 7), _rule, _gone_with_the_header),
    "owned parts": ("evotor", _of(0, 3), _order, _ghosts),
}


def turns_red(
    check: Check, world: Universe, site: Site, days_of: st.SearchStrategy[list[Move]]
) -> bool:
    """Say whether any of many days fails the check."""

    @settings(quick, max_examples=150, phases=[Phase.generate], report_multiple_bugs=False)
    @given(played=days_of, seed=seeds)
    def days(played: list[Move], seed: int) -> None:
        check(world, site, history(site, played, seed, exact=check is _truth))

    try:
        days()
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("name", TEETH)
def test_property_17_without_it_a_property_turns_red(
    world: Universe, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug, days, check, defect = TEETH[name]
    site = site_of(slug, world.account, world.sources[0])

    defect(monkeypatch)

    assert turns_red(check, world, site, days)


def test_property_17_a_tombstone_that_rounds_down_is_older_than_what_it_buries() -> None:
    """No provider of today has a tombstone with a coarser clock than its content; MoySklad has."""
    site = site_of("standard", 1, 1)
    context = site.context(clocks.EPOCH + timedelta(days=20_000))
    moment = clocks.EPOCH + timedelta(days=19_000, milliseconds=51_500)
    coarse = moment.replace(microsecond=0)

    buried = clocks.version(30, moment, context)

    rounded_up = clocks.version(30, coarse, context, round_up=timedelta(seconds=1))

    assert clocks.version(30, coarse, context).clock < buried.clock <= rounded_up.clock
