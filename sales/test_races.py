"""Settlers at full speed on several connections: the tables are what the set of statements says."""

import random
import threading
from collections.abc import Sequence
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.rls import scoped
from sales.drafts import Draft
from sales.recording import Stated
from tests import universe
from tests.comparing import assert_same, chopped, reference
from tests.threads import in_threads, settle
from tests.told import header, payment, refund, sale
from tests.universe import NOON, Universe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Universe:
    return universe.make()


def of(world: Universe, *drafts: Draft, source: int = 0) -> list[Stated]:
    return [
        Stated(draft, world.account, world.sources[source], UUID(int=1), NOON, 1)
        for draft in drafts
    ]


def test_two_settlers_of_one_sale_never_leave_a_wrong_total(world: Universe) -> None:
    chance = random.Random(7)
    rounds = 200
    shares: tuple[list[list[Stated]], list[list[Stated]]] = ([], [])
    for number in range(rounds):
        name = str(number)
        drafts: list[Draft] = [
            sale(name=name, header=header()),
            payment("30.00", name, f"p{name}"),
            refund("5.00", f"a{name}", sale_external_id=name),
            refund("10.00", f"b{name}", payment_external_id=f"p{name}"),
        ]
        chance.shuffle(drafts)
        shares[0].append(of(world, *drafts[:2]))
        shares[1].append(of(world, *drafts[2:]))
    together = threading.Barrier(2)

    def work(batches: Sequence[list[Stated]]) -> None:
        for batch in batches:
            together.wait(30)
            settle(world, batch)

    in_threads([lambda: work(shares[0]), lambda: work(shares[1])])

    with scoped([world.account]), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM sales_sale WHERE known = 'stated' AND paid_total = 30"
            " AND refunded_total = 15 AND net_total = 15 AND status = 'partially_refunded'"
        )
        assert cursor.fetchone() == (rounds,)


def _emptied(world: Universe) -> None:
    with scoped([world.account]), connection.cursor() as cursor:
        for table, _ in universe.TABLES.values():
            cursor.execute(f"DELETE FROM {table}")
        universe.make_bar(world)


def four_at_once(world: Universe, data: st.DataObject) -> None:
    items = data.draw(universe.statements(world))
    seed = data.draw(st.integers(0, 1_000))
    shares: list[list[Stated]] = [[], [], [], []]
    chance = random.Random(seed)
    for item in items:
        for share in chance.sample(shares, chance.choice([1, 1, 2])):
            share.append(item)

    def work(share: list[Stated]) -> None:
        for batch in chopped(share, random.Random(seed)):
            settle(world, batch)

    in_threads([lambda share=share: work(share) for share in shares])  # type: ignore[misc]
    with scoped([world.account]):
        found = universe.read()
    _emptied(world)
    assert_same(found, reference(world, items))


at_once = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    phases=[Phase.generate],  # a race does not shrink
    derandomize=True,
)


@at_once
@given(data=st.data())
def test_four_connections_leave_what_the_reference_says(
    world: Universe, data: st.DataObject
) -> None:
    four_at_once(world, data)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(at_once, max_examples=1000, derandomize=False)
@given(data=st.data())
def test_four_connections_leave_what_the_reference_says_at_length(
    world: Universe, data: st.DataObject
) -> None:
    four_at_once(world, data)
