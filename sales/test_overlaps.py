"""One transaction is held open while another one runs: what overlaps is summed whole.

Each case has teeth: with the lock (or the old parent) taken away, it must come out wrong.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from accounts.rls import scoped
from sales.drafts import Draft, Fiscal
from sales.recording import Stated, _Recorder, record, tables
from tests import universe
from tests.comparing import assert_same, reference
from tests.threads import in_threads, settle
from tests.told import V2, V3, header, payment, refund, sale
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
        (sale(name="0", header=header()),),
        (refund("5.00", "a", sale_external_id="0"),),
        (refund("10.00", "b", sale_external_id="0"),),
    ),
    "two refunds of a sale that came before neither": Case(
        (),
        (refund("5.00", "a", sale_external_id="0"), sale(name="0", header=header())),
        (refund("10.00", "b", sale_external_id="0"),),
    ),
    "a payment that moves twice": Case(
        (
            sale(name="0", header=header()),
            sale(name="1", header=header()),
            sale(name="2", header=header()),
            payment("30.00", "0", "p"),
        ),
        (payment("30.00", "1", "p", version=V2),),
        (payment("30.00", "2", "p", version=V3),),
    ),
    "a payment stated twice at once": Case(
        (), (payment("30.00", "1", "p", version=V2),), (payment("30.00", "2", "p", version=V3),)
    ),
    "a payment moves while its refund arrives": Case(
        (payment("30.00", "0", "p"),),
        (payment("30.00", "1", "p", version=V2),),
        (refund("5.00", "a", payment_external_id="p"),),
    ),
    "a refund arrives while its payment moves": Case(
        (payment("30.00", "0", "p"),),
        (refund("5.00", "a", payment_external_id="p"),),
        (payment("30.00", "1", "p", version=V2),),
    ),
    "one receipt from two tills": Case(
        (),
        (sale(name="0", header=header(fiscal=(RECEIPT,))),),
        (sale(name="7", header=header(fiscal=(RECEIPT,))),),
        other_source=True,
    ),
    "one receipt of a return from two tills": Case(
        (),
        (refund("5.00", "a", fiscal=(RECEIPT,)),),
        (refund("5.00", "b", fiscal=(RECEIPT,)),),
        other_source=True,
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
    "the lock of a return's fiscal receipt": (
        "one receipt of a return from two tills",
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
