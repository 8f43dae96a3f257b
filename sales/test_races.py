"""Several connections at once: the tables stay what the set of statements says.

The deterministic cases hold one transaction open while another one runs; each has teeth: with the
lock (or the old parent) taken away, the same case must come out wrong.
"""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.rls import scoped
from sales.drafts import (
    Draft,
    Fiscal,
    Header,
    Payment,
    PaymentDraft,
    Refund,
    RefundDraft,
    SaleDraft,
    Version,
)
from sales.recording import Stated, _Recorder, record, tables
from tests import universe
from tests.universe import NOON, Universe

from .test_merging import assert_same, chopped, reference

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Universe:
    return universe.make()


def amount(text: str) -> Decimal:
    return Decimal(text)


def head(name: str, clock: int = 1, *receipts: Fiscal) -> SaleDraft:
    header = Header(currency="RUB", total=amount("30.00"), occurred_at=NOON, fiscal=receipts)
    return SaleDraft(external_id=name, version=Version(30, clock), header=header)


def refund(name: str, total: str, **link: str) -> RefundDraft:
    content = Refund(currency="RUB", total=amount(total), occurred_at=NOON, **link)  # type: ignore[arg-type]
    return RefundDraft(external_id=name, version=Version(30, 1), content=content)


def payment(name: str, sale: str | None, clock: int = 1, total: str = "30.00") -> PaymentDraft:
    content = Payment(method="card", amount=amount(total), currency="RUB", paid_at=NOON)
    version = Version(30, clock)
    return PaymentDraft(external_id=name, version=version, sale_external_id=sale, content=content)


def of(world: Universe, *drafts: Draft, source: int = 0) -> list[Stated]:
    return [
        Stated(draft, world.account, world.sources[source], UUID(int=1), NOON, 1)
        for draft in drafts
    ]


def settle(world: Universe, batch: Sequence[Stated]) -> int:
    """Record a batch as a worker does: again after a deadlock. Returns how often it tried."""
    for attempt in range(1, 20):
        try:
            with scoped([world.account]):
                record(batch)
            return attempt
        except OperationalError:
            continue
    raise AssertionError("deadlocked for good")


def in_threads(works: Sequence[Callable[[], Any]]) -> None:
    """Run each in a thread with a connection of its own; raise what one of them raised."""
    failures: list[BaseException] = []

    def run(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]


@dataclass(frozen=True)
class Case:
    """``first`` is held open while ``second`` tries; ``before`` is settled already."""

    before: tuple[Draft, ...]
    first: tuple[Draft, ...]
    second: tuple[Draft, ...]
    other_source: bool = False


RECEIPT = Fiscal(fn="1", fd="1")
CASES = {
    "two refunds of one sale": Case(
        (head("0"),),
        (refund("a", "5.00", sale_external_id="0"),),
        (refund("b", "10.00", sale_external_id="0"),),
    ),
    "two refunds of a sale that came before neither": Case(
        (),
        (refund("a", "5.00", sale_external_id="0"), head("0")),
        (refund("b", "10.00", sale_external_id="0"),),
    ),
    "a payment that moves twice": Case(
        (head("0"), head("1"), head("2"), payment("p", "0")),
        (payment("p", "1", clock=2),),
        (payment("p", "2", clock=3),),
    ),
    "a payment stated twice at once": Case(
        (), (payment("p", "1", clock=2),), (payment("p", "2", clock=3),)
    ),
    "a payment moves while its refund arrives": Case(
        (payment("p", "0"),),
        (payment("p", "1", clock=2),),
        (refund("a", "5.00", payment_external_id="p"),),
    ),
    "a refund arrives while its payment moves": Case(
        (payment("p", "0"),),
        (refund("a", "5.00", payment_external_id="p"),),
        (payment("p", "1", clock=2),),
    ),
    "one receipt from two tills": Case(
        (), (head("0", 1, RECEIPT),), (head("7", 1, RECEIPT),), other_source=True
    ),
}


def overlapped(world: Universe, case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a case; return the tables and what they should be."""
    first = of(world, *case.first)
    second = of(world, *case.second, source=int(case.other_source))
    before = of(world, *case.before)
    settle(world, before)
    other = threading.Thread(target=lambda: in_threads([lambda: settle(world, second)]))
    with scoped([world.account]):
        record(first)
        other.start()
        other.join(0.4)
    other.join(60)
    with scoped([world.account]):
        return universe.read(), reference(world, [*before, *first, *second])


@pytest.mark.parametrize("name", CASES)
def test_what_overlaps_is_summed_whole(world: Universe, name: str) -> None:
    found, expected = overlapped(world, CASES[name])

    assert_same(found, expected)


def _unlocked(monkeypatch: pytest.MonkeyPatch, table: tables.Table) -> None:
    monkeypatch.setitem(table.__dict__, "lock", f"{table.read} ORDER BY id")


TEETH: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "the lock of the sale": (
        "two refunds of one sale",
        lambda patch: _unlocked(patch, tables.SALE),
    ),
    "the lock of the payment": (
        "a payment that moves twice",
        lambda patch: _unlocked(patch, tables.PAYMENT),
    ),
    "the payment's lock for its refund": (
        "a payment moves while its refund arrives",
        lambda patch: _unlocked(patch, tables.PAYMENT),
    ),
    "old parents": (
        "a payment that moves twice",
        lambda patch: patch.setattr(_Recorder, "_leave", lambda *_: None),
    ),
    "the lock of the fiscal receipt": (
        "one receipt from two tills",
        lambda patch: patch.setattr("sales.recording.locks.take", lambda *_: None),
    ),
}


@pytest.mark.parametrize("name", TEETH)
def test_without_it_the_same_case_comes_out_wrong(
    world: Universe, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, take_away = TEETH[name]
    take_away(monkeypatch)

    found, expected = overlapped(world, CASES[case])

    with pytest.raises(AssertionError):
        assert_same(found, expected)


def test_two_settlers_of_one_sale_never_leave_a_wrong_total(world: Universe) -> None:
    chance = random.Random(7)
    rounds = 200
    shares: tuple[list[list[Stated]], list[list[Stated]]] = ([], [])
    for number in range(rounds):
        name = str(number)
        drafts: list[Draft] = [
            head(name),
            payment(f"p{name}", name),
            refund(f"a{name}", "5.00", sale_external_id=name),
            refund(f"b{name}", "10.00", payment_external_id=f"p{name}"),
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
