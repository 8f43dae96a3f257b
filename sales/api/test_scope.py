"""Nobody sees or touches the rows of another account: the filter, and the wall behind it."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, User

from .. import selectors
from ..models import Customer, Location, Product
from .conftest import House
from .resources import RESOURCES


def furnish(house: House) -> dict[str, Any]:
    """One row of each kind."""
    sale = house.sale(lines=2)
    house.payment(sale)
    house.fiscal(sale)
    return {
        "sale": sale,
        "refund": house.refund(sale),
        "product": house.reference(Product, "p"),
        "customer": house.reference(Customer, "c"),
        "location": house.reference(Location, "l"),
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST"])
def test_a_foreign_id_is_not_found_whatever_is_done_with_it(
    cafe: House, bakery: House, method: str
) -> None:
    rows = furnish(bakery)
    for resource in RESOURCES:
        for name in (resource.name, resource.alias):
            for tail in ("", "restore/", "overrides/number/"):
                answer = cafe.call(
                    method, f"/{name}/{rows[resource.kind].id}/{tail}", {"name": "x"}
                )

                assert answer.status_code in (404, 405), (name, tail, answer.content)
    assert bakery.get(f"/sales/{rows['sale'].id}/")["status"] == "completed"


def test_lists_hold_no_row_of_another_account(cafe: House, bakery: House) -> None:
    furnish(bakery)
    shop = bakery.reference(Location, "shop")
    bakery.sale(location=shop)

    for resource in RESOURCES:
        assert cafe.get(f"/{resource.alias}/")["results"] == []
    assert cafe.get(f"/sales/?location={shop.id}")["results"] == []
    assert cafe.get(f"/sales/?source={bakery.source.pk}")["results"] == []


def test_row_level_security_hides_them_where_the_filter_is_forgotten(
    cafe: House, bakery: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = furnish(bakery)
    monkeypatch.setattr(selectors, "owned", lambda found, accounts: found)

    for resource in RESOURCES:
        assert cafe.get(f"/{resource.alias}/")["results"] == []
        path = f"/{resource.alias}/{rows[resource.kind].id}/"
        assert cafe.call("GET", path).status_code == 404
        assert len(bakery.get(f"/{resource.alias}/")["results"]) == 1


def test_the_parameter_account_never_widens(cafe: House, bakery: House) -> None:
    furnish(bakery)

    assert cafe.get("/sales/?account=cafe")["results"] == []
    assert cafe.call("GET", "/sales/?account=bakery").status_code == 400


def logged_in(**columns: Any) -> tuple[Client, User]:
    user = User.objects.create_user("vera", password="x", **columns)
    client = Client()
    client.force_login(user)
    return client, user


def test_a_member_of_two_accounts_sees_both_and_may_narrow(cafe: House, bakery: House) -> None:
    furnish(cafe)
    furnish(bakery)
    client, user = logged_in()
    for house in (cafe, bakery):
        Membership.objects.create(user=user, account=house.account, role="analyst")

    assert len(client.get("/sales/").json()["results"]) == 2
    assert len(client.get("/sales/?account=cafe").json()["results"]) == 1


def test_a_superuser_sees_all_accounts_and_a_stranger_none(cafe: House, bakery: House) -> None:
    furnish(cafe)
    furnish(bakery)
    client, user = logged_in(is_superuser=True)

    assert len(client.get("/sales/").json()["results"]) == 2
    User.objects.filter(pk=user.pk).update(is_superuser=False)
    answer = client.get("/sales/")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_account")
