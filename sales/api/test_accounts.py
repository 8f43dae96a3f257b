"""Lists of somebody who sees several accounts: one order over all."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, User

from .conftest import House


@pytest.fixture
def vera(cafe: House, bakery: House) -> Client:
    """A person who is logged in and sees both accounts."""
    return of_all(cafe, bakery)


def of_all(*houses: House) -> Client:
    user = User.objects.create_user("vera")
    for house in houses:
        Membership.objects.create(user=user, account=house.account, role="analyst")
    client = Client()
    client.force_login(user)
    return client


def walk(client: Client, path: str, link: str) -> Iterator[dict[str, Any]]:
    """Yield the pages from here on, until there is no further one."""
    url: str | None = path
    while url:
        page = client.get(url).json()
        yield page
        url = page[link]


def names(page: Mapping[str, Any]) -> list[str]:
    return [row["id"] for row in page["results"]]


def test_pages_of_several_accounts_are_one_list_there_and_back(
    cafe: House, bakery: House, vera: Client
) -> None:
    # Equal times in both accounts, and sales without a time: the newest of all.
    sales = [house.sale(ago) for ago in (5, 3, 3, 1, 4) for house in (cafe, bakery)]
    sales += [house.sale(occurred_at=None) for house in (cafe, bakery, bakery)]
    newest = sorted(sales, key=lambda sale: sale.id, reverse=True)
    newest.sort(key=lambda sale: (sale.occurred_at is None, sale.occurred_at or 0), reverse=True)
    wanted = [str(sale.id) for sale in newest]

    there = list(walk(vera, "/sales/?limit=4", "next"))
    back = list(walk(vera, there[-1]["previous"], "previous"))

    assert [name for page in there for name in names(page)] == wanted
    assert [name for page in reversed(back) for name in names(page)] == wanted[:12]


def test_what_changed_is_one_list_of_several_accounts(
    cafe: House, bakery: House, vera: Client
) -> None:
    sales = [house.sale() for _ in range(3) for house in (cafe, bakery)]

    found = list(walk(vera, "/sales/?limit=2&updated_after=2020-01-01", "next"))

    shown = [row for page in found for row in page["results"]]
    assert {row["id"] for row in shown} == {str(sale.id) for sale in sales}
    assert [row["updated_at"] for row in shown] == sorted(row["updated_at"] for row in shown)
