"""The digest of a facet: a function of its value, whatever the facet is."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from sales.drafts import CustomerLink, Header, Mention, Money, Payment, digest


def test_every_facet_has_a_digest_that_tells_its_values_apart() -> None:
    payment = Payment(method="cash", amount=Decimal("1.00"), currency="RUB")
    facets = [
        CustomerLink(),
        CustomerLink(customer=Mention(external_id="7")),
        CustomerLink(customer=Mention(external_id="7", name="Анна")),
        Header(currency="RUB"),
        Header(currency="USD"),
        Money(),
        Money(payments=(payment,)),
        (),
    ]

    assert len({digest(facet) for facet in facets}) == len(facets)
    assert [digest(facet) for facet in facets] == [digest(facet) for facet in facets]


def test_a_field_that_came_later_is_in_a_digest_only_where_it_says_something() -> None:
    """The first two were computed before payments had a counter: what was said then is no tie."""
    paid = Payment(
        method="card",
        amount=Decimal("20.00"),
        currency="RUB",
        paid_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )

    assert digest(paid).hex() == "4d4ac0a209cc1719"
    assert digest(Money(payments=(paid,))).hex() == "b431745b84fcdd45"
    counters = [replace(paid, refunded_cum=Decimal(amount)) for amount in (0, 1)]
    assert len({digest(one) for one in (paid, *counters)}) == 3
