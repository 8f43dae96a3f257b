"""How an account is asked: requests made of numbers alone, and what answers mean."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations import samples
from integrations.asking import Asked, Reply, Window

from .asking import API, read_portal

ASKED = Asked("deal", "123", {}, "pat-eu1-secret")
WINDOW = Window(datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, 12, 30, tzinfo=UTC))
WON = json.loads(samples.load_answers("hubspot")["deal.read__won"])["answers"][0]


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, headers, body)


def linked(count: int) -> Reply:
    rows = [{"id": str(index), "type": "deal_to_line_item"} for index in range(count)]
    return reply({"id": "123", "associations": {"line items": {"results": rows}}})


def page(*moments: str, after: str | None = "100") -> Reply:
    found = [{"properties": {"hs_lastmodifieddate": moment}} for moment in moments]
    paging = {} if after is None else {"paging": {"next": {"after": after}}}
    return reply({"results": found, **paging})


def test_a_deal_is_asked_for_and_then_its_rows() -> None:
    next_call = API.reads["deal"]

    first, second = next_call(ASKED, []), next_call(ASKED, [reply(WON)])

    assert first is not None
    assert second is not None
    assert (first.method, first.path) == ("GET", "/crm/v3/objects/deals/123")
    assert dict(first.query)["associations"] == "line_items,contacts"
    assert "hs_is_closed_won" in dict(first.query)["properties"].split(",")
    assert (second.method, second.path) == ("POST", "/crm/v3/objects/line_items/batch/read")
    assert json.loads(second.body)["inputs"] == [{"id": "9845651"}, {"id": "9867373"}]
    assert {one.headers["authorization"] for one in (first, second)} == {"Bearer pat-eu1-secret"}
    assert next_call(ASKED, [reply(WON), reply({})]) is None


def test_rows_are_asked_for_a_hundred_at_a_time_and_a_deal_without_them_is_one_call() -> None:
    next_call = API.reads["deal"]

    third = next_call(ASKED, [linked(130), reply({})])

    assert third is not None
    assert [one["id"] for one in json.loads(third.body)["inputs"]] == [
        str(index) for index in range(100, 130)
    ]
    assert next_call(ASKED, [linked(130), reply({}), reply({})]) is None
    assert next_call(ASKED, [reply({"id": "123"})]) is None


@pytest.mark.parametrize(
    "body", [None, [], {"associations": []}, {"associations": {"line items": 1}}]
)
def test_an_answer_that_is_no_deal_asks_for_no_rows(body: Any) -> None:
    assert API.reads["deal"](ASKED, [reply(body)]) is None


def test_a_contact_is_one_call() -> None:
    next_call = API.reads["contact"]

    first = next_call(ASKED, [])

    assert first is not None
    assert first.path == "/crm/v3/objects/contacts/123"
    assert next_call(ASKED, [reply({})]) is None


def test_a_list_goes_on_at_the_last_change_whatever_changes_meanwhile() -> None:
    listing = API.lists["deal"]

    first = listing.call(ASKED, WINDOW, None)
    cursor = listing.cursor(page("2026-09-14T00:00:00Z", "2026-09-14T00:00:01.250Z"), None)
    second = listing.call(ASKED, WINDOW, cursor)

    asked, again = json.loads(first.body), json.loads(second.body)
    # 20 710 days of 86 400 000 ms; the window ends a day and 12.5 hours later.
    assert asked["filterGroups"][0]["filters"][0] == {
        "propertyName": "hs_lastmodifieddate",
        "operator": "BETWEEN",
        "value": "1789344000000",
        "highValue": "1789475400000",
    }
    assert (first.path, asked["limit"], "after" in asked) == (
        "/crm/v3/objects/deals/search",
        100,
        False,
    )
    assert cursor == "1789344001250:"
    assert again["filterGroups"][0]["filters"][0]["value"] == "1789344001250"


def test_contacts_are_listed_by_a_clock_of_their_own() -> None:
    listing = API.lists["contact"]
    changed = {"properties": {"lastmodifieddate": "2026-09-14T00:00:01.250Z"}}
    answer = reply({"results": [changed], "paging": {"next": {"after": "100"}}})

    call = listing.call(replace(ASKED, kind="contact"), WINDOW, None)

    body = json.loads(call.body)
    assert call.path == "/crm/v3/objects/contacts/search"
    assert body["filterGroups"][0]["filters"][0]["propertyName"] == "lastmodifieddate"
    assert listing.cursor(answer, None) == "1789344001250:"


def test_a_moment_with_more_deals_than_a_page_is_gone_through_by_offset() -> None:
    listing = API.lists["deal"]

    inside = listing.cursor(page("2026-09-14T00:00:00Z", after="200"), "1789344000000:")

    assert inside == "1789344000000:200"
    assert json.loads(listing.call(ASKED, WINDOW, inside).body)["after"] == "200"


@pytest.mark.parametrize(
    "answer",
    [page("2026-09-14T00:00:00Z", after=None), page(), page("soon"), reply(None), reply([])],
)
def test_a_page_that_says_of_no_other_is_the_last(answer: Reply) -> None:
    assert API.lists["deal"].cursor(answer, "1:") is None


def test_a_refusal_is_followed_by_quiet_and_the_gone_are_told_by_their_status() -> None:
    assert API.pause(reply({}, 429)) == 10.0
    assert API.pause(reply({}, 429, **{"retry-after": "3"})) == 3.0
    assert API.pause(reply({})) is None
    assert [API.missing(reply({}, status)) for status in (404, 403, 200)] == [True, False, False]
    assert API.host({}) == "api.hubapi.com"


@pytest.mark.parametrize("text", ["", "a", "1.5", "٣", "1" * 19])
def test_a_portal_is_a_number(text: str) -> None:
    assert read_portal(" 62515 ") == "62515"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_portal(text)
