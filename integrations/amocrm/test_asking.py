"""How an account is asked: requests made of numbers and settings alone, and what answers mean."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.asking import Asked, Reply, Window

from . import PROVIDER
from .asking import API, account_host

ASKED = Asked("lead", "12345678", {"subdomain": "romashka.amocrm.ru"}, "eyJ0eXAi.long-lived.token")
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)
WINDOW = Window(SINCE, UNTIL)
#: Midnight of 14 September 2026: 20 710 days of 86 400 seconds.
MIDNIGHT = 1_789_344_000


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, headers, body)


def page(*changed: int, kind: str = "leads") -> Reply:
    return reply({"_embedded": {kind: [{"id": 1, "updated_at": second} for second in changed]}})


def test_a_lead_is_one_call_with_its_contacts_and_elements() -> None:
    call = API.reads["lead"](ASKED, [])

    assert call is not None
    assert (call.method, call.path) == ("GET", "/api/v4/leads/12345678")
    assert call.query == (("with", "contacts,catalog_elements"),)
    assert call.headers == {"authorization": "Bearer eyJ0eXAi.long-lived.token"}
    assert API.reads["lead"](ASKED, [reply({})]) is None


def test_a_contact_is_one_call() -> None:
    call = API.reads["contact"](replace(ASKED, kind="contact", external_id="84"), [])

    assert call is not None
    assert (call.path, call.query) == ("/api/v4/contacts/84", ())


def test_a_list_goes_on_at_the_second_of_the_last_one() -> None:
    listing = API.lists["lead"]
    full = page(*range(MIDNIGHT + 1, MIDNIGHT + 251))

    first = listing.call(ASKED, WINDOW, None)
    cursor = listing.cursor(full, None)
    second = listing.call(ASKED, WINDOW, cursor)

    assert first.path == "/api/v4/leads"
    assert dict(first.query) == {
        "with": "contacts,catalog_elements",
        "filter[updated_at][from]": str(MIDNIGHT),
        "filter[updated_at][to]": str(MIDNIGHT + 86_400),
        "order[updated_at]": "asc",
        "limit": "250",
        "page": "1",
    }
    assert cursor == f"{MIDNIGHT + 250}:1"
    assert dict(second.query)["filter[updated_at][from]"] == str(MIDNIGHT + 250)


def test_a_second_with_more_leads_than_a_page_is_gone_through_by_pages() -> None:
    listing = API.lists["lead"]
    full = page(*[MIDNIGHT + 7] * 250)

    first = listing.cursor(full, None)
    second = listing.cursor(full, first)
    third = listing.cursor(page(*[MIDNIGHT + 7] * 249, MIDNIGHT + 8), second)

    assert (first, second) == (f"{MIDNIGHT + 7}:1", f"{MIDNIGHT + 7}:2")
    assert dict(listing.call(ASKED, WINDOW, second).query)["page"] == "2"
    assert third == f"{MIDNIGHT + 8}:1"


@pytest.mark.parametrize(
    "answer",
    [
        page(*range(249)),
        page(),
        reply(None, 204),
        reply({"_embedded": []}),
        reply({"_embedded": {"leads": [7] * 250}}),
        reply({"_embedded": {"leads": [{"updated_at": "now"}] * 250}}),
        reply({"title": "Too Many Requests", "status": 429}, 429),
    ],
)
def test_a_list_ends(answer: Reply) -> None:
    assert API.lists["lead"].cursor(answer, None) is None


@pytest.mark.parametrize(
    ("status", "body", "gone"),
    [
        (204, None, True),
        (404, {"title": "Not Found", "status": 404, "detail": "Not found"}, True),
        (404, None, False),  # there is no such account
        (404, "<html>", False),
        (401, {"title": "Unauthorized", "status": 401}, False),
        (402, {"title": "Payment Required", "status": 402}, False),
        (403, {"title": "Forbidden", "status": 403}, False),
        (200, {"id": 12345678}, False),
    ],
)
def test_only_what_the_account_knows_nothing_of_is_gone(status: int, body: Any, gone: bool) -> None:
    assert API.missing(reply(body, status)) is gone


def test_an_account_that_is_asked_too_often_is_left_alone() -> None:
    assert API.pause(reply(None, 429)) == 10.0
    assert API.pause(Reply(429, {"retry-after": "3"}, None)) == 3.0
    assert API.pause(reply({}, 200)) is None
    assert (API.budget.units, API.budget.seconds) == (7, 1)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("romashka", "romashka.amocrm.ru"),
        ("Romashka.kommo.com", "romashka.kommo.com"),
        ("https://romashka.amocrm.ru/", "romashka.amocrm.ru"),
    ],
)
def test_an_account_is_its_subdomain_name_or_address(text: str, host: str) -> None:
    assert account_host(text) == host
    assert API.host({"subdomain": host}) == host


@pytest.mark.parametrize(
    "text",
    ["", "amocrm.ru", "a.b.amocrm.ru", "romashka.example.org", "romashka.amocrm.ru.example.org",
     "romashka.amocrm.ru/api", "127.0.0.1", "romashkaamocrm.ru", "рома@шка", "a b"],
)  # fmt: skip
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        account_host(text)


def test_what_an_account_needs_is_said() -> None:
    assert set(API.requires) == set(PROVIDER.settings) == {"subdomain"}
