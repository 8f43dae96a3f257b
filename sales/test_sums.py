"""Sums, status and anomalies of a sale, worked out by hand."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sales.drafts import (
    Fiscal,
    Line,
    Mention,
    Money,
    Refund,
    entity_id,
)
from sales.models import Payment as PaymentRow
from sales.models import Refund as RefundRow
from tests.told import V2, V3, header, paid, payment, refund, sale, stored, tell
from tests.universe import NOON, Universe

pytestmark = pytest.mark.django_db


def test_payments_alone_imply_a_sale_that_the_document_then_states(world: Universe) -> None:
    early = NOON - timedelta(hours=1)
    tell(
        world,
        payment("10.00", tip=Decimal("1.00"), name="1", location=Mention(external_id="late")),
        payment("5.00", paid_at=early, name="2", location=Mention(external_id="early")),
        payment("7.00", status="pending", name="3"),
    )

    found = stored()
    assert (found.known, found.status, found.total, found.paid_total) == (
        "implied",
        "completed",
        15,
        15,
    )
    assert (found.occurred_at, found.tip_total, found.visible, found.counts) == (
        early,
        1,
        True,
        True,
    )
    assert found.location_id == entity_id(world.sources[0], "location", "early")
    assert found.anomalies == ["lines_missing"]

    tell(world, sale(header=header("16.00"), lines=()))

    found = stored()
    assert (found.known, found.total, found.occurred_at, found.location_id) == (
        "stated",
        16,
        NOON,
        None,
    )
    assert (found.tip_total, found.anomalies) == (None, ["underpaid"])


@pytest.mark.parametrize(
    ("states", "status"), [(["pending", "failed"], "open"), (["failed", "cancelled"], "voided")]
)
def test_payments_that_took_no_money_imply_no_total(
    world: Universe, states: list[str], status: str
) -> None:
    tell(world, *(payment("9.00", name=state, status=state) for state in states))

    found = stored()
    assert (found.known, found.status, found.total, found.paid_total) == (
        "implied",
        status,
        None,
        0,
    )


def test_a_sale_that_is_only_linked_to_is_a_stub_in_no_list(world: Universe) -> None:
    tell(world, refund("5.00", sale_external_id="s"))

    found, back = stored(), RefundRow.objects.get()
    assert (found.known, found.visible, found.counts, found.business_date) == (
        "stub",
        False,
        False,
        None,
    )
    assert (back.sale_id, back.visible, back.business_date) == (found.id, True, date(2026, 3, 1))


def test_refunds_reach_their_sale_directly_or_through_their_payment(world: Universe) -> None:
    tell(
        world,
        refund("5.00", "1", sale_external_id="s"),
        refund("4.00", "2", payment_external_id="p"),
        refund("9.00", "3", sale_external_id="s", status="failed"),
    )
    tell(world, payment("30.00"), sale(header=header(), lines=()))

    found = stored()
    assert (found.refunded_total, found.net_total, found.status) == (9, 21, "partially_refunded")

    tell(world, refund("21.00", "4", sale_external_id="s"))
    assert (stored().status, stored().net_total) == ("refunded", 0)

    tell(world, refund("0.01", "5", sale_external_id="s"))
    assert stored().anomalies == ["refund_exceeds_sale"]


def test_a_payment_that_moves_is_summed_where_it_is_now(world: Universe) -> None:
    tell(world, payment("10.00", "old"), refund("4.00", payment_external_id="p"))
    assert (stored("old").paid_total, stored("old").refunded_total) == (10, 4)

    done = tell(world, payment("10.00", "new", version=V2))

    assert (stored("old").known, stored("old").refunded_total) == ("stub", 0)
    assert (stored("new").paid_total, stored("new").refunded_total) == (10, 4)
    assert done.sales == {stored("old").id, stored("new").id}


def test_one_owned_payment_in_place_of_two_leaves_no_ghost(world: Universe) -> None:
    two = Money(payments=(paid("10.00"), paid("20.00")), refunds=())
    back = Refund(total=Decimal("3.00"), currency="RUB", fiscal=(Fiscal(fn="1", fd="2"),))
    tell(world, sale(header=header(), lines=(), money=two))

    tell(world, sale(V2, money=Money(payments=(paid("30.00"),), refunds=(back,))))
    assert (PaymentRow.objects.count(), RefundRow.objects.count()) == (1, 1)
    assert (stored().paid_total, stored().refunded_total, stored().anomalies) == (30, 3, [])

    tell(world, sale(V3, money=Money()))
    assert (PaymentRow.objects.count(), RefundRow.objects.count()) == (0, 0)
    assert (stored().paid_total, stored().refunded_total) == (0, 0)


def test_a_voided_sale_nets_nothing_and_does_not_count(world: Universe) -> None:
    tell(world, sale(header=header(status="voided"), lines=()))

    found = stored()
    assert (found.status, found.total, found.net_total, found.counts) == ("voided", 30, 0, False)


def test_another_currency_is_never_summed_in(world: Universe) -> None:
    tell(world, sale(header=header(), lines=()), payment("30.00"))
    tell(world, payment("5.00", name="usd", currency="USD"))

    assert (stored().paid_total, stored().anomalies) == (30, ["currency_mismatch"])


@pytest.mark.parametrize(
    ("amounts", "tax_included", "anomalies"),
    [
        # 100 − 10 + 5 (service) + 3 (delivery) + 2 (tip) + 0 = 100
        ({"discount": "10", "service": "5", "delivery": "3", "tip": "2"}, True, []),
        # the same and 20 of tax on top, which the total has not
        (
            {"discount": "10", "service": "5", "delivery": "3", "tip": "2", "tax": "20"},
            False,
            ["total_mismatch"],
        ),
        ({"tax": "20"}, True, []),
        ({"rounding": "-0.01"}, None, ["total_mismatch"]),
    ],
)
def test_the_money_identity_is_held_or_the_anomaly_says_so(
    world: Universe, amounts: dict[str, str], tax_included: bool | None, anomalies: list[str]
) -> None:  # fmt: skip
    given = {f"{name}_total": Decimal(value) for name, value in amounts.items()}
    gross = Decimal(100)
    tell(
        world,
        sale(
            header=header("100.00", gross_total=gross, tax_included=tax_included, **given),
            lines=(Line(gross=gross),),
        ),
    )

    assert stored().anomalies == anomalies
    assert bool(stored().money_gap) == bool(anomalies)


def test_lines_that_do_not_add_up_are_an_anomaly_and_change_no_total(world: Universe) -> None:
    tell(world, sale(header=header(gross_total=Decimal(30)), lines=(Line(gross=Decimal(29)),)))
    assert (stored().anomalies, stored().total) == (["lines_mismatch"], 30)

    tell(world, sale(V2, lines=(Line(gross=Decimal(29)), Line(gross=None))))
    assert stored().anomalies == []


COUNTED = NOON + timedelta(hours=2)
LATER = NOON + timedelta(hours=3)


@pytest.mark.parametrize(
    ("refunds", "refunded"),
    [
        # 10 went back by the counter of two o'clock. Nothing else is known of it: 10.
        ([], 10),
        # One of 4 is known, and is among the 10; one that was made later is not: 4 + 6, 10 + 4.
        ([{"total": "4.00"}], 10),
        ([{"total": "4.00", "occurred_at": LATER}], 14),
        # No date, no doubt: it is taken for counted, so that nothing goes back twice.
        ([{"total": "4.00", "occurred_at": None}], 10),
        # Known refunds beyond the counter stand: it was read before the second. 7 + 5.
        ([{"total": "7.00"}, {"total": "5.00", "name": "2"}], 12),
        # 4 on its way was counted and did not go back yet: 10 - 4.
        ([{"total": "4.00", "status": "pending"}], 6),
        # One that failed before the counter was read is not in it, one that failed after it is.
        ([{"total": "4.00", "status": "failed", "provider_at": NOON}], 10),
        ([{"total": "4.00", "status": "failed", "provider_at": LATER}], 6),
        # Dollars back are no roubles back.
        ([{"total": "4.00", "currency": "USD"}], 10),
    ],
)
def test_what_a_counter_says_went_back_counts_as_far_as_no_refund_tells_it(
    world: Universe, refunds: list[dict[str, Any]], refunded: int
) -> None:
    counter = payment("20.00", refunded_cum=Decimal(10), counted_at=COUNTED)
    backs = [refund(payment_external_id="p", **one) for one in refunds]

    tell(world, *backs, counter)

    assert stored().refunded_total == refunded
    assert stored().net_total == 20 - refunded


def test_the_counter_of_a_payment_that_took_no_money_or_left_counts_nothing(
    world: Universe,
) -> None:
    counted: dict[str, Any] = {"refunded_cum": Decimal(10), "counted_at": COUNTED}
    tell(
        world,
        payment("20.00", **counted),
        payment("20.00", name="held", status="approved", **counted),
    )
    assert stored().refunded_total == 10

    tell(world, payment("20.00", "other", version=V2, **counted))

    assert (stored().refunded_total, stored("other").refunded_total) == (0, 10)
