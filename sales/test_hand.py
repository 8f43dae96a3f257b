"""The layer of the hand, worked out by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from sales.drafts import Draft, Line
from sales.models import Refund as RefundRow
from sales.models import SaleLine
from sales.recording import Recorded
from tests.told import V2, V3, edit, header, payment, refund, sale, stored, tell
from tests.universe import NOON, Universe

pytestmark = pytest.mark.django_db


def test_a_hand_outlives_the_provider_and_its_value_is_kept_beside(world: Universe) -> None:
    tell(world, sale(header=header("30.00"), lines=()))
    done = tell(world, edit(world, 5, total="20.00", number="7"))
    assert (stored().total, stored().number) == (20, "7")
    assert done.changed == {0}

    tell(world, sale(V2, header=header("40.00", number="8")))
    assert (stored().total, stored().number) == (20, "7")
    assert stored().base == {"total": "40", "number": "8"}

    tell(world, edit(world, 6, total={"__clear__": True}))
    assert (stored().total, stored().number, stored().base) == (40, "7", {"number": "8"})

    late = tell(world, edit(world, 5, total="1.00"))
    assert (stored().total, late.changed) == (40, frozenset())


def test_a_hand_may_come_before_the_delivery_or_instead_of_it(world: Universe) -> None:
    tell(world, edit(world, 5, total="20.00", occurred_at="2026-02-02T10:00:00Z"))
    assert (stored().known, stored().visible, stored().total) == ("stub", False, 20)

    tell(world, payment("30.00"))
    found = stored()
    assert (found.known, found.total, found.paid_total) == ("implied", 20, 30)
    assert found.occurred_at == datetime(2026, 2, 2, 10, tzinfo=UTC)
    assert found.business_date == date(2026, 2, 2)


def test_a_total_that_a_person_does_not_know_is_not_the_sum_of_the_payments(
    world: Universe,
) -> None:
    tell(world, payment("30.00"), edit(world, 5, total=None))
    assert (stored().known, stored().total, stored().net_total) == ("implied", None, None)

    tell(world, edit(world, 6, total={"__clear__": True}))
    assert (stored().total, stored().net_total) == (30, 30)


def test_lines_by_hand_are_one_field(world: Universe) -> None:
    provided = (Line(name="Чай", gross=Decimal("30.00")), Line(name="Торт", gross=Decimal(0)))
    tell(world, sale(header=header(gross_total=Decimal(30)), lines=provided))
    tell(world, edit(world, 5, lines=[{"name": "Кофе", "gross": "30.00"}]))
    assert [line.name for line in SaleLine.objects.order_by("pos")] == ["Кофе"]

    tell(world, sale(V2, lines=(Line(name="Какао", gross=Decimal(29)),)))
    assert [line.name for line in SaleLine.objects.all()] == ["Кофе"]
    assert [line["name"] for line in (stored().base or {})["lines"]] == ["Какао"]
    assert stored().anomalies == []

    tell(world, edit(world, 6, lines={"__clear__": True}))
    assert [line.name for line in SaleLine.objects.all()] == ["Какао"]
    assert (stored().base, stored().anomalies) == (None, ["lines_mismatch"])


def test_deleting_by_hand_outlives_updates_and_restoring_outlives_the_tombstone(
    world: Universe,
) -> None:
    tell(world, sale(header=header()), edit(world, 5, deleted=True))
    tell(world, sale(V2, header=header()))
    assert (stored().deleted, stored().visible) == (True, False)

    tell(world, edit(world, 6, deleted=False), sale(V3, gone=True))
    assert (stored().deleted, stored().visible) == (False, True)


def test_a_refund_can_be_linked_by_hand(world: Universe) -> None:
    tell(world, sale(header=header()), refund("5.00"))
    tell(world, edit(world, 5, kind="refund", name="r", sale="s", reason="брак"))

    assert (stored().refunded_total, RefundRow.objects.get().reason) == (5, "брак")

    tell(world, edit(world, 6, kind="refund", name="r", sale={"__clear__": True}))
    assert (stored().refunded_total, RefundRow.objects.get().sale_id) == (0, None)


def test_an_edit_of_a_sale_known_by_its_payment_alone_changes_it_once(world: Universe) -> None:
    """Where it was, when and in what currency follows from the payment: that is no change of it."""
    told: list[Draft] = [payment("20.00"), edit(world, 1, business_date="2026-09-01")]
    tell(world, *told)
    before = stored()

    again = tell(world, *reversed(told))

    assert again == Recorded(frozenset(), frozenset(), frozenset())
    assert stored().updated_at == before.updated_at
    assert (before.currency, before.occurred_at) == ("RUB", NOON)
    assert before.business_date == date(2026, 9, 1)
