"""Undated events are dated by their first receipt, whatever order deliveries settle in."""

import random
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import count, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sales.drafts import Draft
from tasks import lateness, ledger
from tasks.models import Replay
from tasks.pipeline import settle
from tests import heard, universe
from tests.comparing import assert_same
from tests.heard import Drafts
from tests.threads import in_threads
from tests.told import V1, header, payment, sale

pytestmark = pytest.mark.django_db(transaction=True)

_WORLDS = count()


def fresh(*drafts: Draft, undated: set[int] | None = None) -> Drafts:
    world = universe.make(f"world{next(_WORLDS)}")
    every = set(range(len(drafts)))
    return Drafts(world, list(drafts), every if undated is None else undated)


def apart(order: Iterable[int]) -> list[list[int]]:
    return [[index] for index in order]


def settled(told: Drafts, found: list[heard.Heard], order: Iterable[list[int]]) -> dict[str, Any]:
    """Settle groups of deliveries in an order, replays included; return the tables."""
    providers = told.provider()
    for group in order:
        settle([found[index].id for index in group], providers=providers)
    heard.finish_replays(providers)
    return heard.read(told.world)


#: What is heard, in the order of receipt: bodies of numbers of undated drafts.
CASES: dict[str, tuple[list[Draft], list[list[int]]]] = {
    "the same bytes twice, another content in between": (
        [sale(V1, header=header("1.00")), sale(V1, header=header("2.00"))],
        [[0], [1], [0]],
    ),
    "one event in two arrays, another content in between": (
        [sale(V1, header=header("1.00")), sale(V1, header=header("2.00")), sale(V1, "x")],
        [[0, 2], [1, 2], [0, 2]],
    ),
    "a payment that moves and comes back": (
        [payment("5.00", "a", "p"), payment("5.00", "b", "p"), sale(V1, "x")],
        [[0, 2], [1], [0, 2]],
    ),
    "deleted and stated again": (
        [sale(V1, gone=True), sale(V1, header=header("2.00")), sale(V1, "x")],
        [[1, 2], [0], [1, 2]],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_order_of_settling_gives_what_the_rule_gives(name: str) -> None:
    drafts, bodies = CASES[name]

    for order in permutations(range(len(bodies))):
        told = fresh(*drafts)
        found = heard.hear(told.world, told.world.sources[0], bodies)

        assert_same(settled(told, found, apart(order)), heard.reference(told, found))


def test_an_earlier_receipt_is_known_from_then_on() -> None:
    told = fresh(sale(V1, header=header("1.00")), sale(V1, header=header("2.00")), sale(V1, "x"))
    found = heard.hear(told.world, told.world.sources[0], [[0, 2], [1], [0, 2]])
    settled(told, found, apart((2, 1, 0)))

    Replay.objects.all().delete()
    settle([found[2].id], replay=True, providers=told.provider())

    assert_same(heard.read(told.world), heard.reference(told, found))
    assert not Replay.objects.exists()


def test_a_receipt_counts_though_nobody_could_read_the_event_then() -> None:
    told = fresh(sale(V1, header=header("1.00")), sale(V1, header=header("2.00")), sale(V1, "x"))
    found = heard.hear(told.world, told.world.sources[0], [[0, 2], [1], [0, 2]])
    unable = told.provider()
    for slug, provider in unable.items():
        known = {"nothing": provider.normalisers["nothing"]}
        unable[slug] = replace(provider, normalisers=known)
    settle([found[0].id], providers=unable)

    assert_same(settled(told, found, apart((1, 2))), heard.reference(told, found[1:] + found[:1]))


@pytest.mark.parametrize("ahead", [0, 2])
def test_two_settlers_at_once_date_it_by_the_earlier(
    ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = fresh(sale(V1, header=header("1.00")), sale(V1, header=header("2.00")), sale(V1, "x"))
    found = heard.hear(told.world, told.world.sources[0], [[0, 2], [1], [0, 2]])
    settled(told, found, [[1]])
    providers, enter = told.provider(), ledger.enter
    both = threading.Barrier(2, timeout=30)

    def entering(events: Any) -> Any:
        # Neither had found the event in the ledger.
        both.wait()
        if found[ahead].id not in {one.loaded.claim.delivery_id for one, _ in events.values()}:
            time.sleep(0.3)
        return enter(events)

    monkeypatch.setattr(ledger, "enter", entering)
    in_threads([partial(settle, [found[n].id], providers=providers) for n in (0, 2)])
    monkeypatch.undo()
    heard.finish_replays(providers)

    assert_same(heard.read(told.world), heard.reference(told, found))


def test_dated_events_begin_no_replay() -> None:
    told = fresh(sale(V1, header=header("1.00")), sale(V1, "x"), undated=set())
    found = heard.hear(told.world, told.world.sources[0], [[0, 1], [0, 1]])

    settled(told, found, apart((1, 0)))

    assert not Replay.objects.exists()


def test_without_it_the_order_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lateness, "lower", lambda *_: None)
    drafts, bodies = CASES["one event in two arrays, another content in between"]
    told = fresh(*drafts)
    found = heard.hear(told.world, told.world.sources[0], bodies)

    with pytest.raises(AssertionError):
        assert_same(settled(told, found, apart((2, 1, 0))), heard.reference(told, found))


def check(data: st.DataObject) -> None:
    """Draw drafts, dated and undated, hear them again and again, settle in any order."""
    told = fresh()
    # An edit by hand is staged once, and dates itself.
    items = data.draw(universe.statements(told.world, edits=False))
    told.drafts = [item.draft for item in items]
    chance = random.Random(data.draw(st.integers(0, 10_000)))
    told.undated = {n for n in range(len(items)) if chance.random() < 0.6}
    found: list[heard.Heard] = []
    for source in told.world.sources:
        own = [n for n, item in enumerate(items) if item.source_id == source]
        bodies = [chance.sample(own, chance.randint(1, min(3, len(own)))) for _ in own]
        found += heard.hear(told.world, source, [*bodies, *bodies[:2], *([n] for n in own)])
    rest = list(range(len(found)))
    chance.shuffle(rest)
    order = [rest[start : start + 3] for start in range(0, len(rest), 3)]

    assert_same(settled(told, found, order), heard.reference(told, found))


quick = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    derandomize=True,
    # Shrinking would take longer than the limit of a test: its seed is enough to repeat it.
    phases=[Phase.generate],
)


@quick
@given(data=st.data())
def test_live_is_the_rule_with_exact_first_receipts(data: st.DataObject) -> None:
    check(data)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(quick, max_examples=150, derandomize=False)
@given(data=st.data())
def test_live_is_the_rule_with_exact_first_receipts_at_length(data: st.DataObject) -> None:
    check(data)
