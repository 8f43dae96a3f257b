"""How a portal is asked: requests made of numbers and settings alone, and what answers mean."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.asking import Asked, Reply, Window

from . import PROVIDER
from .asking import API, webhook_key

ASKED = Asked("deal", "6641", {"portal": "some-domain.bitrix24.ru"}, "7/abc123def456")
WINDOW = Window(
    datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, 12, 30, 0, 999, tzinfo=UTC)
)


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, headers, body)


def page(count: int, first: int = 1) -> Reply:
    return reply({"result": [{"ID": str(first + index)} for index in range(count)]})


def test_a_deal_is_asked_for_and_then_its_rows() -> None:
    next_call = API.reads["deal"]
    found, rows = reply({"result": {"ID": "6641"}}), reply({"result": {"productRows": []}})

    first, second = next_call(ASKED, []), next_call(ASKED, [found])

    assert first is not None
    assert second is not None
    assert (first.method, first.path) == ("GET", "/rest/7/abc123def456/crm.deal.get.json")
    assert first.query == (("id", "6641"),)
    assert second.path == "/rest/7/abc123def456/crm.item.productrow.list.json"
    assert second.query == (
        ("filter[=ownerType]", "D"),
        ("filter[=ownerId]", "6641"),
        ("order[id]", "asc"),
        ("start", "0"),
    )
    assert next_call(ASKED, [found, rows]) is None


def test_rows_are_asked_for_page_by_page_as_long_as_the_portal_counts_on() -> None:
    next_call = API.reads["deal"]
    found = reply({"result": {"ID": "6641"}})
    full, stuck = reply({"result": {}, "next": 50}), reply({"result": {}, "next": 50})

    third = next_call(ASKED, [found, full])

    assert third is not None
    assert third.query[-1] == ("start", "50")
    assert next_call(ASKED, [found, full, stuck]) is None


def test_a_contact_is_one_call() -> None:
    next_call = API.reads["contact"]

    first = next_call(ASKED, [])

    assert first is not None
    assert (first.path, first.query) == (
        "/rest/7/abc123def456/crm.contact.get.json",
        (("id", "6641"),),
    )
    assert next_call(ASKED, [reply({})]) is None


def test_a_list_goes_on_behind_the_last_number_whatever_changes_meanwhile() -> None:
    listing = API.lists["deal"]

    first = listing.call(ASKED, WINDOW, None)
    cursor = listing.cursor(page(50), None)
    second = listing.call(ASKED, WINDOW, cursor)

    assert first.path == "/rest/7/abc123def456/crm.deal.list.json"
    assert ("filter[>=DATE_MODIFY]", "2026-09-14T00:00:00+00:00") in first.query
    assert ("filter[<=DATE_MODIFY]", "2026-09-15T12:30:00+00:00") in first.query
    assert ("order[ID]", "ASC") in first.query
    assert cursor == "50"
    assert ("filter[>ID]", "50") in second.query
    assert ("filter[>ID]", "50") not in first.query


@pytest.mark.parametrize(
    ("answer", "cursor"),
    [
        (page(49), None),
        (page(0), None),
        (page(50), "50"),  # the same page again: it would never end
        (reply({"error": "QUERY_LIMIT_EXCEEDED"}, 503), None),
        (reply([]), None),
        (reply({"result": ["x"] * 50}), None),
        (reply({"result": [{}] * 50}), None),
    ],
)
def test_a_list_ends(answer: Reply, cursor: str | None) -> None:
    assert API.lists["deal"].cursor(answer, cursor) is None


@pytest.mark.parametrize(
    ("status", "body", "gone"),
    [
        (400, {"error": "", "error_description": "Not found"}, True),
        (400, {"error": "", "error_description": "Not found."}, True),
        (400, {"error": "NOT_FOUND", "error_description": ""}, True),
        # Whoever may not read a deal must not take it for gone.
        (400, {"error": "", "error_description": "Access denied"}, False),
        (400, {"error": "ACCESS_DENIED", "error_description": "Access denied"}, False),
        (401, {"error": "INVALID_CREDENTIALS", "error_description": "Not found"}, False),
        (404, {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}, False),
        (404, None, False),  # the portal itself is not there
        (200, {"result": {"ID": "6641"}}, False),
    ],
)
def test_only_what_the_portal_knows_nothing_of_is_gone(status: int, body: Any, gone: bool) -> None:
    assert API.missing(reply(body, status)) is gone


def test_a_portal_that_is_asked_too_often_is_left_alone() -> None:
    limit = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}

    assert API.pause(reply(limit, 503)) == 5.0
    assert API.pause(reply({"error": "OVERLOAD_LIMIT"}, 429)) == 600.0
    assert API.pause(Reply(503, {"retry-after": "17"}, limit)) == 17.0
    assert API.pause(reply({"result": []})) is None
    assert API.pause(reply(None, 502)) is None


@pytest.mark.parametrize(
    "secret",
    [
        "7/abc123def456",
        "7/abc123def456/",
        " https://some-domain.bitrix24.ru/rest/7/abc123def456/ ",
    ],
)
def test_a_webhook_may_be_given_as_its_address(secret: str) -> None:
    assert webhook_key(secret) == "7/abc123def456"


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "abc123def456",
        "7/",
        "7/../8/abc123def456",
        "7/abc123def456/crm.deal.delete",
        "7/abc def",
    ],
)
def test_what_is_no_webhook_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="inbound webhook") as caught:
        webhook_key(secret)

    assert not secret or secret not in str(caught.value)


def test_what_a_portal_needs_is_said_and_its_tokens_are_never_kept() -> None:
    assert set(API.requires) == set(PROVIDER.settings) == {"portal"}
    assert set(PROVIDER.redacted) == {
        f"auth.{name}_token" for name in ("access", "refresh", "application")
    }
    assert API.host(ASKED.settings) == "some-domain.bitrix24.ru"
    assert (API.budget.units, API.budget.seconds) == (2, 1)
    assert json.dumps(API.requires, ensure_ascii=False).isprintable()
