"""Plans of the lists: however many rows there are, a page reads a page of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.rls import scoped
from backend_gjango.roles import as_owner
from sales import selectors
from sales.api import pages
from sales.api.conftest import open_house
from sales.api.test_accounts import of_all

#: Rows of each account, and how many a page holds: a plan that sorts all is a hundred times dearer.
ROWS, LIMIT = 3_000, 10
_MANY = """
INSERT INTO sales_sale (id, account_id, source_id, external_id, currency, occurred_at,
                        business_date, status, known, counts, visible, total, updated_at)
SELECT gen_random_uuid(), %s, %s, n::text, 'RUB', now() - n * interval '1 minute', now(),
       'completed', 'stated', true, true, 1, now() - n * interval '1 minute'
FROM generate_series(1, %s) AS n
"""


def plan_of(sql: str) -> Iterator[dict[str, Any]]:
    """Run a statement and yield the nodes of its plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        found = cursor.fetchone()[0]
    nodes = [(json.loads(found) if isinstance(found, str) else found)[0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", [])
        yield node


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", ["", "&updated_after=2020-01-01"])
def test_a_page_of_several_accounts_reads_a_page_of_each_by_the_index(query: str) -> None:
    houses = [open_house(slug) for slug in ("cafe", "bakery", "bar")]
    scope = [house.account.pk for house in houses]
    with scoped(scope), connection.cursor() as cursor:
        for house in houses:
            cursor.execute(_MANY, [house.account.pk, house.source.pk, ROWS])
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE sales_sale")
    client = of_all(*houses)
    path = f"/sales/?limit={LIMIT}{query}"
    path = client.get(path).json()["next"]

    with CaptureQueriesContext(connection) as asked:
        assert len(client.get(path).json()["results"]) == LIMIT
    (statement,) = [one["sql"] for one in asked if "unnest" in one["sql"]]
    with scoped(scope):
        read = [node for node in plan_of(statement) if node.get("Relation Name") == "sales_sale"]

    most = (LIMIT + 1) * len(houses)
    assert len(read) == 2
    assert all(node["Node Type"].startswith("Index") for node in read)
    assert all(node["Actual Rows"] * node["Actual Loops"] <= most for node in read)


@pytest.mark.django_db
def test_the_plan_of_a_page_does_not_grow_with_the_accounts() -> None:
    accounts = Account.objects.bulk_create(
        Account(slug=f"account-{number}", title="one of many") for number in range(500)
    )
    read = []
    for some in (accounts[:2], accounts):
        scope = [account.pk for account in some]
        with scoped(scope), CaptureQueriesContext(connection) as asked:
            pages.page(selectors.sales(scope), pages.NEWEST, {}, accounts=scope)
            statement = asked.captured_queries[-1]["sql"]
            tables = [node.get("Relation Name") for node in plan_of(statement)]
        read.append(tables.count("sales_sale"))

    assert read == [2, 2]
