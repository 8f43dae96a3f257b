"""A sale names the deliveries it came from, by whatever way they changed it, and the mapper."""

from uuid import UUID

import pytest

from sales.drafts import Draft, Money
from sales.models import Refund, Sale
from sales.recording import Stated, record
from tests.told import V1, V2, V3, edit, header, paid, payment, refund, sale, stored
from tests.universe import NOON, Universe

pytestmark = pytest.mark.django_db


def tell(world: Universe, number: int, draft: Draft, mapper: int = 3) -> None:
    """Record a draft of the delivery of this number."""
    source = world.sources[0]
    record([Stated(draft, world.account, source, UUID(int=number), NOON, mapper)])


def named(row: Sale | Refund) -> list[int]:
    return [delivery.int for delivery in row.deliveries]


def test_an_edit_by_hand_is_named_where_it_won_a_field(world: Universe) -> None:
    tell(world, 1, sale(header=header()))
    tell(world, 2, edit(world, 5, total="7.00"))
    tell(world, 3, edit(world, 4, total="6.00"))

    assert named(stored()) == [1, 2]
    assert stored().mapper == 3


def test_an_edit_of_a_refund_is_named_on_the_refund(world: Universe) -> None:
    tell(world, 1, refund("5.00", "r"))
    tell(world, 2, edit(world, 5, "refund", "r", total="7.00"))

    assert named(Refund.objects.get()) == [1, 2]


def test_a_payment_is_named_by_the_sale_that_it_joins_and_by_the_one_it_leaves(
    world: Universe,
) -> None:
    tell(world, 1, payment("30.00", "a", "p"))
    tell(world, 2, payment("30.00", "b", "p", version=V2))
    tell(world, 3, payment("30.00", "a", "p", version=V1))

    assert named(stored("a")) == [1, 2]
    assert named(stored("b")) == [2]


def test_a_sale_implied_by_its_payments_names_their_mapper(world: Universe) -> None:
    tell(world, 1, payment("30.00", "s", "p"), mapper=300)
    assert (stored().known, stored().mapper) == ("implied", 300)

    tell(world, 2, sale(V3, header=header()), mapper=4)
    assert (stored().known, stored().mapper, named(stored())) == ("stated", 4, [1, 2])


def test_an_owned_refund_names_the_delivery_of_its_document(world: Universe) -> None:
    part = refund("5.00").content
    assert part is not None
    tell(world, 1, sale(V1, header=header(), money=Money(payments=(paid("30.00"),))))
    tell(world, 2, sale(V2, money=Money(payments=(paid("30.00"),), refunds=(part,))))

    assert (named(Refund.objects.get()), Refund.objects.get().mapper) == ([2], 3)
    assert named(stored()) == [1, 2]


def test_settling_again_names_nothing_anew(world: Universe) -> None:
    tell(world, 1, sale(header=header()))
    for number in (2, 2):
        tell(world, number, payment("30.00", "s", "p"))
    before = stored().updated_at

    tell(world, 2, payment("30.00", "s", "p"))

    assert (named(stored()), stored().updated_at) == ([1, 2], before)
