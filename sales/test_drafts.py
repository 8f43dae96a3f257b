"""The digest of a facet: a function of its value, whatever the facet is."""

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
