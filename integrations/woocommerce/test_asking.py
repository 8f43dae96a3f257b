"""How a shop is asked for its orders: the request by hand from its source, and a played walk."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.asking import Asked, Reply, Window

from .asking import API, PAGE, host_of

ASKED = Asked("order", "", {"shop": "shop.example"}, "ck_1:cs_2")
SINCE = datetime(2026, 9, 14, tzinfo=UTC)
WINDOW = Window(SINCE, SINCE + timedelta(days=1))
LISTING = API.lists["order"]


def test_orders_are_asked_for_by_their_last_change_in_gmt() -> None:
    call = LISTING.call(ASKED, WINDOW, None)

    assert host_of(ASKED.settings) == "shop.example"
    assert (call.method, call.path) == ("GET", "/wp-json/wc/v3/orders")
    assert dict(call.query) == {
        "modified_after": "2026-09-13T23:59:59",
        "modified_before": "2026-09-15T00:00:01",
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        "per_page": "100",
        "page": "1",
    }
    # base64 of ck_1:cs_2
    assert call.headers == {"Authorization": "Basic Y2tfMTpjc18y"}


class Shop:
    """A shop's list as its source makes it: both ends exclusive, by change and then by number."""

    def __init__(self, changes: list[int]) -> None:
        self.changes = dict(enumerate(changes))

    def page(self, cursor: str | None) -> Reply:
        query = dict(LISTING.call(ASKED, WINDOW, cursor).query)
        rows = [
            {"id": number, "date_modified_gmt": self._written(second)}
            for number, second in sorted(self.changes.items(), key=lambda item: item[::-1])
            if query["modified_after"] < self._written(second) < query["modified_before"]
        ]
        start = (int(query["page"]) - 1) * PAGE
        return Reply(200, {}, rows[start : start + PAGE])

    def _written(self, second: int) -> str:
        return (SINCE + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


def walk(shop: Shop, *, moved: int | None = None) -> set[int]:
    seen: set[int] = set()
    cursor = None
    for turn in range(20):
        reply = shop.page(cursor)
        seen |= {row["id"] for row in reply.body}
        if moved is not None and turn == 0:
            shop.changes[moved] = 86_000
        cursor = LISTING.cursor(reply, cursor)
        if cursor is None:
            return seen
    raise AssertionError("a walk without an end")


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [0, 86_400],
        [*range(100)],
        [*range(250)],
        [7] * 250,
        [0] * 100 + [1] * 100,
        [*range(90), *[90] * 130, *range(91, 200)],
    ],
)
def test_a_walk_sees_every_order_and_ends(changes: list[int]) -> None:
    assert walk(Shop(changes)) == set(range(len(changes)))


def test_an_order_changed_during_a_walk_hides_no_other() -> None:
    assert walk(Shop([*range(250)]), moved=3) == set(range(250))


@pytest.mark.parametrize("body", [None, {}, [], [{"id": 1}] * 99])
def test_a_page_that_is_not_full_is_the_last(body: Any) -> None:
    assert LISTING.cursor(Reply(200, {}, body), "2026-09-14T10:00:00|1") is None


@pytest.mark.parametrize("last", ["text", {}, {"date_modified_gmt": "0001-01-01T00:00:00"}])
def test_a_full_page_without_a_time_is_followed_by_number(last: Any) -> None:
    reply = Reply(200, {}, [last] * PAGE)

    assert LISTING.cursor(reply, None) == "|2"
    assert LISTING.cursor(reply, "2026-09-14T10:00:00|2") == "2026-09-14T10:00:00|3"
    assert dict(LISTING.call(ASKED, WINDOW, "|2").query)["modified_after"] == "2026-09-13T23:59:59"
