"""What the database refuses, what stays bounded, and whose rows are reached."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, transaction

from accounts.models import Account
from accounts.rls import scoped, set_scope
from sales.drafts import (
    Draft,
    Line,
    Mention,
    Money,
    SaleDraft,
    Version,
)
from sales.recording import ForeignRow, Stated, derive, record
from sales.recording.arrays import Cursor
from tests.told import V1, edit, header, paid, payment, refund, sale, stored, tell
from tests.universe import NOON, Universe

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("amount", ["NaN", "10000000000000", "-10000000000000", "Infinity"])
@pytest.mark.parametrize("place", ["header", "line", "payment", "refund"])
def test_the_database_refuses_amounts_that_are_none(
    world: Universe, amount: str, place: str
) -> None:
    drafts: dict[str, Draft] = {
        "header": sale(header=header(amount)),
        "line": sale(lines=(Line(gross=Decimal(amount)),)),
        "payment": payment(amount),
        "refund": refund(amount),
    }
    with pytest.raises(DatabaseError), transaction.atomic():
        tell(world, drafts[place])


def test_an_edit_never_reaches_a_row_of_another_account(world: Universe) -> None:
    tell(world, sale(header=header()))
    other = Account.objects.create(slug="other", title="other")
    foreign = edit(world, 5, total="1.00")

    with pytest.raises(ForeignRow), scoped([other.id]):
        record([Stated(foreign, other.id, world.sources[0], UUID(int=1), NOON, 1)])
    set_scope([world.account])
    assert stored().total == 30


def test_provenance_keeps_the_last_fifty_deliveries(world: Universe) -> None:
    for number in range(53):
        key, version = UUID(int=number), Version(30, number + 1)
        draft = sale(version, header=header(str(number)))
        record([Stated(draft, world.account, world.sources[0], key, NOON, 2)])

    found = stored()
    assert (found.deliveries, found.mapper) == ([UUID(int=n) for n in range(3, 53)], 2)


def test_a_batch_costs_the_same_statements_whatever_its_size(
    world: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    run = Cursor.rows

    def counting(self: Cursor, statement: str, *parameters: Any) -> Any:
        calls.append(statement)
        return run(self, statement, *parameters)

    monkeypatch.setattr(Cursor, "rows", counting)

    def statements(*drafts: Draft) -> int:
        calls.clear()
        tell(world, *drafts)
        return len(calls)

    def document(name: str) -> SaleDraft:
        return sale(V1, name, header=header(), lines=(Line(),))

    one = statements(document("a"))
    assert statements(*(document(f"many{number}") for number in range(50))) == one


def test_a_new_receipt_is_written_once(world: Universe, monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten: list[set[UUID]] = []
    derived = derive.sales

    def watched(cursor: Cursor, ids: Collection[UUID]) -> set[UUID]:
        rewritten.append(derived(cursor, ids))
        return rewritten[-1]

    monkeypatch.setattr(derive, "sales", watched)
    shop = Mention(external_id="bar")
    lines = (Line(gross=Decimal("30.00")),)
    tell(
        world,
        sale(
            header=header(gross_total=Decimal("30.00"), location=shop),
            lines=lines,
            money=Money(payments=(paid("30.00"),)),
        ),
    )

    assert rewritten == [set()]
