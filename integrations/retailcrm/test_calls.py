"""What an account is asked: one order, by either number, and the history of all of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.asking import Asked, Reply, Window

from . import PROVIDER
from .calls import API, account_host, site_code
from .words import status_codes

ASKED = Asked("order", "5012", {"account": "shop.retailcrm.ru"}, "key-of-the-api")
WINDOW = Window(datetime(2026, 9, 14, 13, 0, tzinfo=UTC), datetime(2026, 9, 14, 14, 0, tzinfo=UTC))


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, {}, body)


def test_an_order_is_one_call_by_its_number_or_by_that_of_the_shop() -> None:
    ours = API.reads["order"](ASKED, [])
    other = replace(
        ASKED, kind="order_by_external_id", external_id="А/7?x", settings={"site": "shop-1"}
    )
    theirs = API.reads["order_by_external_id"](other, [])

    assert ours is not None
    assert (ours.method, ours.path) == ("GET", "/api/v5/orders/5012")
    assert list(ours.query) == [("by", "id")]
    assert ours.headers == {"x-api-key": ASKED.secret}
    assert API.reads["order"](ASKED, [reply({})]) is None
    assert theirs is not None
    assert theirs.path == "/api/v5/orders/%D0%90%2F7%3Fx"
    assert list(theirs.query) == [("by", "externalId"), ("site", "shop-1")]


def test_a_history_is_paged_through_behind_the_last_change() -> None:
    listing = API.lists["order"]
    full = reply({"history": [{"id": 7000 + index} for index in range(100)]})

    first = listing.call(ASKED, WINDOW, None)
    cursor = listing.cursor(full, None)
    second = listing.call(ASKED, WINDOW, cursor)

    assert first.path == "/api/v5/orders/history"
    assert dict(first.query) == {
        # In the account's zone, whichever it is: 12 hours before the window, 14 behind it.
        "filter[startDate]": "2026-09-14 01:00:00",
        "filter[endDate]": "2026-09-15 04:00:00",
        "limit": "100",
    }
    assert cursor == "7099"
    assert dict(second.query)["filter[sinceId]"] == "7099"
    assert listing.cursor(full, "7099") is None  # nothing behind it


@pytest.mark.parametrize(
    "body",
    [
        {"history": []},
        {"history": [{"id": 1}] * 99},
        {"history": [{}] * 100},
        {"history": [{"id": "x"}] * 100},
        {"history": [7] * 100},
        {},
        [],
        None,
    ],
)
def test_a_history_ends(body: Any) -> None:
    assert API.lists["order"].cursor(reply(body), None) is None


@pytest.mark.parametrize(
    ("status", "body", "gone"),
    [
        (404, {"success": False, "errorMsg": "Not found"}, True),
        (404, {"success": False, "errorMsg": "Account does not exist."}, False),
        (404, None, False),
        (403, {"success": False, "errorMsg": 'Wrong "apiKey" value.'}, False),
        (200, {"success": True, "order": {}}, False),
    ],
)
def test_only_an_order_that_the_account_does_not_know_is_gone(
    status: int, body: Any, gone: bool
) -> None:
    assert API.missing(reply(body, status)) is gone


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("shop", "shop.retailcrm.ru"),
        ("Shop.retailcrm.pro", "shop.retailcrm.pro"),
        ("https://shop.simla.com/", "shop.simla.com"),
    ],
)
def test_an_account_is_its_subdomain_name_or_address(text: str, host: str) -> None:
    assert account_host(text) == host
    assert API.host({"account": host}) == host


@pytest.mark.parametrize(
    "text", ["", "retailcrm.ru", "a.b.retailcrm.ru", "shop.example.org", "127.0.0.1", "a b"]
)
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        account_host(text)


def test_settings_are_codes() -> None:
    assert status_codes("complete, paid") == ["complete", "paid"]
    assert site_code(" shop-1 ") == "shop-1"
    for read, text in ((status_codes, "complete,,"), (status_codes, "а"), (site_code, "a/b")):
        with pytest.raises(ValueError, match=r".*"):
            read(text)
    assert set(API.requires) <= set(PROVIDER.settings)
    assert (API.budget.units, API.budget.seconds) == (10, 1)
