"""Business days, tests, mirrors and references, worked out by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from accounts.models import Account, Source
from sales.drafts import (
    CustomerLink,
    Fiscal,
    Line,
    Mention,
    Money,
    Refund,
    Version,
)
from sales.models import Category, Product, Sale
from sales.models import Payment as PaymentRow
from sales.models import Refund as RefundRow
from sales.recording import Stated, record
from tests.told import V1, V2, V3, header, paid, refund, sale, stored, tell
from tests.universe import Universe

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ({}, date(2026, 3, 2)),  # 22:30 in London is 01:30 of the next day in Moscow
        ({"location": Mention(external_id="bar")}, date(2026, 3, 2)),  # 07:30 in Tokyo, cut-off 5
        ({"business_date": date(2026, 2, 1)}, date(2026, 2, 1)),
        ({"anomalies": ("clock",)}, date(2026, 3, 5)),
        ({"occurred_at": None}, date(2026, 3, 5)),
        ({"occurred_at": datetime(2026, 3, 1, 19, 30, tzinfo=UTC),
          "location": Mention(external_id="bar")}, date(2026, 3, 1)),  # 04:30 in Tokyo
    ],
)  # fmt: skip
def test_the_business_day_follows_zone_and_cut_off(
    world: Universe, given: dict[str, Any], day: date
) -> None:
    night = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    received = datetime(2026, 3, 5, 12, tzinfo=UTC)
    tell(world, sale(header=header(**{"occurred_at": night, **given})), received=received)
    back = {name: value for name, value in given.items() if name != "kind"}
    tell(world, refund("1.00", **{"occurred_at": night, **back}), received=received)

    assert stored().business_date == day
    assert RefundRow.objects.get().business_date == day


LATE, EARLY = datetime(2026, 3, 5, 12, tzinfo=UTC), datetime(2026, 3, 4, 12, tzinfo=UTC)
UNDATED = sale(
    money=Money(payments=(paid("30.00"),), refunds=(Refund(total=Decimal("5.00"), currency="RUB"),))
)


@pytest.mark.parametrize(
    "batches", [[[LATE], [EARLY]], [[EARLY], [LATE]], [[LATE, EARLY]], [[EARLY, LATE]]]
)
def test_an_undated_refund_belongs_to_the_first_receipt_of_its_statement(
    world: Universe, batches: list[list[datetime]]
) -> None:
    # The sale itself was heard of before: its own receipt says nothing about the refund's.
    tell(world, sale(header=header()), received=datetime(2026, 3, 2, 12, tzinfo=UTC))
    for batch in batches:
        record(
            [
                Stated(UNDATED, world.account, world.sources[0], UUID(int=9), received, 1)
                for received in batch
            ]
        )

    found = RefundRow.objects.get()
    assert found.business_date == date(2026, 3, 4)
    assert found.received_at == PaymentRow.objects.get().received_at == EARLY


def test_a_refund_in_a_later_statement_belongs_to_the_receipt_of_that_one(world: Universe) -> None:
    tell(world, sale(V1, money=Money(payments=(paid("30.00"),))), received=EARLY)
    tell(world, sale(V2, money=UNDATED.money), received=LATE)

    assert RefundRow.objects.get().business_date == date(2026, 3, 5)


def test_a_test_source_makes_tests_but_a_test_account_does_not(world: Universe) -> None:
    Account.objects.update(is_test=True)
    Source.objects.filter(pk=world.sources[1]).update(is_test=True)
    tell(world, sale(header=header()))
    tell(world, sale(header=header()), refund("1.00"), source=1)

    first, second = Sale.objects.order_by("source_id")
    assert (first.is_test, first.counts) == (False, True)
    assert (second.is_test, second.counts) == (True, False)
    assert RefundRow.objects.get().is_test


def test_F47_of_one_receipt_from_two_sources_the_higher_priority_counts(world: Universe) -> None:
    receipt = {"fiscal": (Fiscal(fn="9", fd="7"),)}
    tell(world, sale(header=header(**receipt)))
    tell(world, sale(header=header(**receipt)), source=1)

    low, high = Sale.objects.order_by("source_id")
    assert (low.mirror_of, low.counts, high.mirror_of, high.counts) == (
        high.id,
        False,
        None,
        True,
    )

    tell(world, sale(V2, gone=True), source=1)
    low.refresh_from_db()
    assert (low.mirror_of, low.counts) == (None, True)

    tell(world, sale(V3, header=header(**receipt)), source=1)
    low.refresh_from_db()
    assert (low.mirror_of, low.counts) == (high.id, False)

    tell(world, sale(Version(30, V3.clock + 1), header=header()), source=1)
    low.refresh_from_db()
    assert (low.mirror_of, low.counts) == (None, True)


def test_a_product_is_known_from_the_lines_and_better_from_itself(world: Universe) -> None:
    tea = Mention(external_id="tea")
    line = Line(product=tea, name="Чай", sku="7", unit="шт", category="Напитки")
    tell(world, sale(header=header(), lines=(line,)))

    product = Product.objects.get()
    assert (product.name, product.sku, product.unit) == ("Чай", "7", "шт")
    assert product.category_id == Category.objects.get(name="Напитки").id

    before = product.updated_at
    tell(world, sale(V2, lines=(line, line)), sale(V1, "t", header=header(), lines=(line,)))
    assert Product.objects.get().updated_at == before


def test_a_customer_is_linked_and_taken_off_again(world: Universe) -> None:
    zoe = CustomerLink(customer=Mention(external_id="zoe", name="Зоя"))
    tell(world, sale(header=header(), customer=zoe))
    assert stored().customer.name == "Зоя"

    tell(world, sale(V2, customer=CustomerLink()))
    assert stored().customer_id is None
