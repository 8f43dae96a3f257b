"""Rebuilding is live settling: on any universe, edits by hand and settings of places included."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.rls import scoped
from integrations.contract import Provider
from sales import totals
from sales.drafts import Edit
from sales.models import Location
from tasks import rebuilding
from tasks.invariants.base import Scope
from tasks.invariants.derived import TOTALS
from tasks.pipeline import settle
from tasks.rebuilding.meanwhile import SettingsChanged
from tasks.rebuilding.report import Report
from tests import heard, universe
from tests.comparing import assert_same
from tests.heard import Drafts
from tests.threads import in_threads
from tests.told import V1, header, payment, sale
from tests.universe import Universe

pytestmark = pytest.mark.django_db(transaction=True)

_WORLDS = count()


@contextmanager
def rebuilt(world: Universe, providers: dict[str, Provider]) -> Iterator[rebuilding.Walk]:
    with rebuilding.session():
        yield rebuilding.prepare(world.account, "world", providers=providers)


def compared(world: Universe, providers: dict[str, Provider], *, apply: bool = False) -> Report:
    report = Report()
    with rebuilt(world, providers) as walk:
        walk.compare(report)
        report.applied += walk.apply() if apply else 0
    return report


def lived(data: st.DataObject) -> tuple[Drafts, list[heard.Heard], random.Random]:
    """Draw a universe, hear it with repetitions and settle it in groups of any order."""
    told = Drafts(universe.make(f"rebuilt{next(_WORLDS)}"))
    items = data.draw(universe.statements(told.world))
    told.drafts = [item.draft for item in items]
    chance = random.Random(data.draw(st.integers(0, 10_000)))
    told.undated = {n for n in range(len(items)) if chance.random() < 0.4}
    found: list[heard.Heard] = []
    for source in told.world.sources:
        own = [n for n, item in enumerate(items) if item.source_id == source]
        again = [n for n in own if not isinstance(told.drafts[n], Edit)]
        found += heard.hear(told.world, source, [[n] for n in (*own, *again[:3])])
    order = [one.id for one in found]
    chance.shuffle(order)
    for start in range(0, len(order), 4):
        settle(order[start : start + 4], providers=told.provider())
    heard.finish_replays(told.provider())
    return told, found, chance


def move(world: Universe, chance: random.Random) -> None:
    """Let a person set the zone of a place, as ``location set`` does."""
    with scoped([world.account]):
        place = Location.objects.order_by("?").first()
        assert place is not None
        Location.objects.filter(pk=place.pk).update(
            timezone=chance.choice(["Asia/Tokyo", "America/Lima"]), day_cutoff=chance.randint(0, 9)
        )
        totals.redate_location(place.pk)


quick = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    derandomize=True,
    phases=[Phase.generate],
)


@quick
@given(data=st.data())
def test_an_unchanged_mapper_shows_nothing_on_any_universe(data: st.DataObject) -> None:
    told, _, chance = lived(data)
    move(told.world, chance)

    report = compared(told.world, told.provider())

    assert not report, report.as_json()


def change(data: st.DataObject) -> None:
    """Draw another reading of the same events, apply it, and look at what there is."""
    told, found, chance = lived(data)
    others = data.draw(universe.statements(told.world))
    anew = Drafts(told.world, undated=told.undated)
    anew.drafts = [
        draft if isinstance(draft, Edit) or chance.random() < 0.3 else _other(others, chance)
        for draft in told.drafts
    ]
    providers = anew.provider(mapper=2)

    compared(told.world, providers, apply=True)

    assert not compared(told.world, providers)
    assert_same(heard.read(told.world), heard.reference(anew, found, mapper=2))


def _other(others: list[Any], chance: random.Random) -> Any:
    draft = chance.choice([*(item.draft for item in others), None])
    return None if isinstance(draft, Edit) else draft


@quick
@given(data=st.data())
def test_what_is_applied_is_what_the_rule_gives_under_the_new_mapper(data: st.DataObject) -> None:
    change(data)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(quick, max_examples=100, derandomize=False)
@given(data=st.data())
def test_what_is_applied_is_what_the_rule_gives_at_length(data: st.DataObject) -> None:
    change(data)


@settings(quick, max_examples=2)
@given(data=st.data())
def test_verify_passes_after_a_rebuild(data: st.DataObject) -> None:
    change(data)

    call_command("verify", "--json")


@settings(quick, max_examples=3)
@given(data=st.data())
def test_deliveries_that_arrive_meanwhile_are_neither_lost_nor_doubled(
    data: st.DataObject,
) -> None:
    told, found, chance = lived(data)
    source = told.world.sources[0]
    providers = told.provider(mapper=2)
    own = [n for n, draft in enumerate(told.drafts) if not isinstance(draft, Edit)]
    stop = threading.Event()
    rounds: list[list[UUID]] = []

    def arrive() -> None:
        while not stop.is_set():
            later = heard.hear(told.world, source, [[chance.choice(own)] for _ in range(3)])
            rounds.append([one.id for one in later])
            found.extend(later)
            settle(rounds[-1], providers=providers)

    def rebuild() -> None:
        try:
            compared(told.world, providers, apply=True)
        finally:
            stop.set()

    in_threads([arrive, rebuild] if own else [rebuild])
    heard.finish_replays(providers)

    assert not compared(told.world, providers)
    assert_same(heard.read(told.world), heard.reference(told, found, mapper=2))


def test_whoever_reads_meanwhile_sees_each_sale_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    many = 24
    told = Drafts(universe.make(f"rebuilt{next(_WORLDS)}"))
    documents = [sale(V1, str(n), header=header()) for n in range(many)]
    told.drafts = [*documents, *(payment("30.00", str(n), str(n)) for n in range(many))]
    found = heard.hear(told.world, told.world.sources[0], [[n] for n in range(2 * many)])
    settle([one.id for one in found], providers=told.provider())
    # Another mapper has the payments of neighbours the other way round, and half as much.
    told.drafts[many:] = [payment("15.00", str(n ^ 1), str(n)) for n in range(many)]
    monkeypatch.setattr("tasks.rebuilding.walking._COPIED", 4)
    done = threading.Event()
    looks: list[int] = []

    def look() -> None:
        while not done.is_set() or not looks:
            with scoped([told.world.account]), connection.cursor() as cursor:
                looks.append(TOTALS(cursor, Scope(told.world.account)).failed)

    def rebuild() -> None:
        try:
            assert compared(told.world, told.provider(mapper=2), apply=True).applied
        finally:
            done.set()

    in_threads([look, rebuild])

    assert set(looks) == {0}
    assert_same(heard.read(told.world), heard.reference(told, found, mapper=2))


def test_an_earlier_receipt_that_settles_meanwhile_is_dated_exactly() -> None:
    told = Drafts(universe.make(f"rebuilt{next(_WORLDS)}"))
    told.drafts = [sale(V1, header=header("1.00")), sale(V1, header=header("2.00")), sale(V1, "x")]
    told.undated = {0, 1, 2}
    found = heard.hear(told.world, told.world.sources[0], [[0, 2], [1], [0, 2]])
    settle([found[1].id, found[2].id], providers=told.provider())
    report = Report()

    with rebuilt(told.world, told.provider()) as walk:
        settle_elsewhere([found[0].id], told.provider())
        walk.compare(report)

    assert not report, report.as_json()
    assert_same(heard.read(told.world), heard.reference(told, found))


def test_a_setting_that_changes_meanwhile_asks_for_another_run() -> None:
    told = Drafts(universe.make(f"rebuilt{next(_WORLDS)}"))
    told.drafts = [sale(V1, header=header("1.00"))]
    found = heard.hear(told.world, told.world.sources[0], [[0]])
    settle([found[0].id], providers=told.provider())

    with rebuilt(told.world, told.provider(mapper=2)) as walk:
        in_threads([lambda: move(told.world, random.Random(0))])
        with pytest.raises(SettingsChanged):
            walk.compare(Report())


def test_without_catching_up_what_arrived_meanwhile_would_be_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Drafts(universe.make(f"rebuilt{next(_WORLDS)}"))
    told.drafts = [sale(V1, header=header("1.00")), sale(V1, "y", header=header("2.00"))]
    found = heard.hear(told.world, told.world.sources[0], [[0], [1]])
    settle([found[0].id], providers=told.provider())
    monkeypatch.setattr("tasks.rebuilding.reading.Reader.catch_up", lambda *_: None)
    report = Report()

    with rebuilt(told.world, told.provider()) as walk:
        settle_elsewhere([found[1].id], told.provider())
        walk.compare(report)

    assert report


def settle_elsewhere(ids: list[UUID], providers: dict[str, Provider]) -> None:
    """Settle on another connection: in this one the tables beside come first."""

    def work() -> None:
        settle(ids, providers=providers)
        heard.finish_replays(providers)

    in_threads([work])
