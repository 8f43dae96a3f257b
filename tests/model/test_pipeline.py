"""The same properties through the real inbox: 3, 4, 5, 6 and 13.

Deliveries are staged as the receiver stages them and settled by the function that workers call;
what the tables have to be is worked out from staging alone.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import Phase, given, settings

from accounts.rls import scoped
from integrations.registry import PROVIDERS
from tasks import replays
from tasks.pipeline import settle
from tests import universe
from tests.comparing import assert_same, chopped
from tests.heard import finish_replays
from tests.settling import inbox_rows, make_due
from tests.threads import in_threads

from .arrivals import Site
from .histories import SLUGS, moves, on_the_way, quick, seeds
from .shops import SHOPS, Move, Sent
from .staged import actual, assert_settled, open_site, put, rebuilt

# A transaction of the test's own would stop the clock of the leases.
pytestmark = pytest.mark.django_db(transaction=True)
few = settings(quick, max_examples=4)
every_provider = pytest.mark.parametrize("slug", SLUGS)


def sent_by(site: Site, played: Sequence[Move], chance: random.Random) -> list[Sent]:
    """Let a day happen, and return what the network brings of it, in order of receipt."""
    shop = SHOPS[site.provider.slug](chance.random() < 0.5)
    shop.play(played)
    return on_the_way(shop.sent, chance)


def settle_in_any_order(ids: Sequence[UUID], chance: random.Random) -> None:
    for batch in chopped(ids, chance):
        settle(batch)
    finish_replays(dict(PROVIDERS))  # what an earlier receipt asked for


@every_provider
@few
@given(played=moves, seed=seeds)
def test_property_03_settling_again_through_the_inbox_changes_nothing(
    slug: str, played: list[Move], seed: int
) -> None:
    chance, site = random.Random(seed), open_site(slug)
    ids = put(site, sent_by(site, played, chance))
    settle_in_any_order(ids, chance)
    assert_settled([site.account_id])

    replays.replay(chance.sample(ids, len(ids)))
    settle_in_any_order(ids, chance)

    assert_settled([site.account_id])
    assert inbox_rows() == []


@every_provider
@few
@given(played=moves, seed=seeds)
def test_property_05_known_events_delivered_anew_through_the_inbox_change_nothing(
    slug: str, played: list[Move], seed: int
) -> None:
    chance, site = random.Random(seed), open_site(slug)
    sent = sent_by(site, played, chance)
    settle_in_any_order(put(site, sent), chance)
    before = actual(site.account_id)

    settle_in_any_order(put(site, chance.choices(sent, k=4) if sent else ()), chance)

    assert_same(actual(site.account_id), before)
    assert_settled([site.account_id])


@every_provider
@few
@given(played=moves, seed=seeds)
def test_property_06_what_is_derived_anew_from_staging_is_what_was_live(
    slug: str, played: list[Move], seed: int
) -> None:
    chance, site = random.Random(seed), open_site(slug)
    ids = put(site, sent_by(site, played, chance))
    settle_in_any_order(ids, chance)
    live = actual(site.account_id)
    assert not rebuilt(site.account_id)

    forget(site)
    for batch in chopped(ids, chance):
        replays.replay(batch)
    finish_replays(dict(PROVIDERS))

    assert_same(actual(site.account_id), live)


def forget(site: Site) -> None:
    """Delete all rows that were derived for an account."""
    with scoped([site.account_id]), connection.cursor() as cursor:
        for table, _ in universe.TABLES.values():
            cursor.execute(f"DELETE FROM {table}")


races = settings(quick, max_examples=3, phases=[Phase.generate])  # a race does not shrink


def race(slug: str, played: Sequence[Move], seed: int, *, settlers: int) -> None:
    """Stage a day while several settle it, each in an order of its own."""
    chance, site = random.Random(seed), open_site(slug)
    sent = sent_by(site, played, chance)
    staged: list[UUID] = []
    done = threading.Event()

    def receive() -> None:
        for one in sent:
            staged.extend(put(site, [one]))
        done.set()

    in_threads([receive, *_settlers(staged, done, seed, count=settlers)])
    make_due()
    settle_in_any_order(staged, chance)
    assert_settled([site.account_id])
    assert inbox_rows() == []


def _settlers(
    staged: Sequence[UUID], done: threading.Event, seed: int, *, count: int
) -> Iterator[Callable[[], None]]:
    def work(chance: random.Random) -> None:
        deadline = time.monotonic() + 30
        while not done.is_set() and time.monotonic() < deadline:
            settle(chance.sample(staged, min(len(staged), 3)))
        settle_in_any_order(list(staged), chance)

    for number in range(count):
        yield partial(work, random.Random(seed + number))


@every_provider
@races
@given(played=moves, seed=seeds)
def test_property_04_settling_while_others_arrive_leaves_the_rule(
    slug: str, played: list[Move], seed: int
) -> None:
    race(slug, played, seed, settlers=1)


@every_provider
@races
@given(played=moves, seed=seeds)
def test_property_13_four_connections_leave_the_rule(
    slug: str, played: list[Move], seed: int
) -> None:
    race(slug, played, seed, settlers=4)


@pytest.mark.slow
@pytest.mark.timeout(900)
@every_provider
@settings(races, max_examples=50, derandomize=False)
@given(played=moves, seed=seeds)
def test_property_13_four_connections_leave_the_rule_at_length(
    slug: str, played: list[Move], seed: int
) -> None:
    race(slug, played, seed, settlers=4)
