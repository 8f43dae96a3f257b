"""How Square is asked: requests by hand from its documentation, and the ends of its lists."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.asking import Asked, Call, Reply, Window

from .asking import API, host_of, read_environment

WINDOW = Window(datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC))
RANGE = {"start_at": "2026-09-14T00:00:00.000Z", "end_at": "2026-09-15T00:00:00.000Z"}
UPDATED = {
    "updated_at_begin_time": "2026-09-14T00:00:00.000Z",
    "updated_at_end_time": "2026-09-15T00:00:00.000Z",
    "sort_field": "UPDATED_AT",
    "sort_order": "ASC",
    "limit": "100",
}


def asked(kind: str, name: str = "") -> Asked:
    return Asked(kind, name, {}, "a-token")


def replied(**body: Any) -> Reply:
    return Reply(200, {}, body)


def page(kind: str, cursor: str | None) -> Call:
    return API.lists[kind].call(asked(kind), WINDOW, cursor)


def following(kind: str, reply: Reply, cursor: str | None) -> str | None:
    return API.lists[kind].cursor(reply, cursor)


def sent(call: Call) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(call.body)
    return found


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({}, "connect.squareup.com"),
        ({"environment": "production"}, "connect.squareup.com"),
        ({"environment": "sandbox"}, "connect.squareupsandbox.com"),
    ],
)
def test_the_environment_decides_the_host(settings: Mapping[str, Any], host: str) -> None:
    assert host_of(settings) == host


def test_an_environment_is_one_of_two_words() -> None:
    assert read_environment(" Sandbox ") == "sandbox"
    with pytest.raises(ValueError, match="connect"):
        read_environment("connect.squareup.com")


def test_an_order_is_asked_for_once_by_the_pinned_version() -> None:
    read = API.reads["order"]

    call = read(asked("order", "a/b"), ())

    assert call is not None
    assert (call.method, call.path) == ("GET", "/v2/orders/a%2Fb")
    assert call.headers == {"Authorization": "Bearer a-token", "Square-Version": "2026-09-16"}
    assert read(asked("order", "a/b"), (replied(order={}),)) is None


def test_the_catalogue_is_asked_for_page_by_page_and_not_without_end() -> None:
    read, since = API.reads["catalog"], asked("catalog", "2026-09-14T10:00:00.000Z")

    first = read(since, ())
    second = read(since, (replied(cursor="two"),))

    assert first is not None
    assert second is not None
    assert (first.method, first.path) == ("POST", "/v2/catalog/search")
    assert sent(first) == {
        "object_types": ["ITEM", "ITEM_VARIATION", "CATEGORY"],
        "include_deleted_objects": True,
        "include_related_objects": True,
        "begin_time": "2026-09-14T10:00:00.000Z",
        "limit": 100,
    }
    assert sent(second) == {**sent(first), "cursor": "two"}
    assert read(since, (replied(cursor="two"), replied())) is None
    assert read(since, (replied(cursor="more"),) * 20) is None


def test_orders_are_searched_ten_locations_at_once_behind_the_list_of_locations() -> None:
    names = [f"L{number}" for number in range(12)]

    cursor = following("order", replied(locations=[{"id": name} for name in names]), None)
    first = page("order", cursor)
    within = following("order", replied(cursor="two"), cursor)
    second = page("order", within)
    rest = following("order", replied(), within)
    last = page("order", rest)

    assert page("order", None).path == "/v2/locations"
    assert (first.method, first.path) == ("POST", "/v2/orders/search")
    assert sent(first) == {
        "location_ids": names[:10],
        "query": {
            "filter": {"date_time_filter": {"updated_at": RANGE}},
            "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
        },
        "limit": 100,
    }
    assert sent(second) == {**sent(first), "cursor": "two"}
    assert sent(last)["location_ids"] == names[10:]
    assert following("order", replied(), rest) is None


def test_payments_are_listed_in_one_location_after_another() -> None:
    cursor = following("payment", replied(locations=[{"id": "L1"}, {"id": "L2"}]), None)
    first = page("payment", cursor)
    second = following("payment", replied(payments=[]), cursor)

    assert first.path == "/v2/payments"
    assert dict(first.query) == {**UPDATED, "location_id": "L1"}
    assert dict(page("payment", second).query)["location_id"] == "L2"
    assert following("payment", replied(), second) is None


@pytest.mark.parametrize("locations", [[], None, [{"name": "no id"}], ["text"], "text"])
def test_without_a_location_there_is_nothing_to_list(locations: object) -> None:
    assert following("payment", replied(locations=locations), None) is None


def test_refunds_and_customers_are_listed_for_all_locations_at_once() -> None:
    refunds, people = page("refund", "two"), page("customer", None)

    assert refunds.path == "/v2/refunds"
    assert dict(refunds.query) == {**UPDATED, "cursor": "two"}
    assert people.path == "/v2/customers/search"
    assert sent(people) == {
        "query": {
            "filter": {"updated_at": RANGE},
            "sort": {"field": "CREATED_AT", "order": "ASC"},
        },
        "limit": 100,
    }
    assert following("refund", replied(cursor="three"), "two") == "three"
    assert following("refund", replied(cursor=""), "two") is None
    assert sent(page("catalog", None))["begin_time"] == "2026-09-14T00:00:00.000Z"
