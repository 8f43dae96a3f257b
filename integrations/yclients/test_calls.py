"""What a company is asked: paths, headers and the pages of its lists."""

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.asking import Asked, Reply, Window

from . import PROVIDER
from .calls import API, api_host, company_number, tokens

ASKED = Asked("record", "", {"company": "169643"}, "partner123,user45678")
WINDOW = Window(datetime(2026, 9, 14, 13, 0, tzinfo=UTC), datetime(2026, 9, 14, 14, 0, tzinfo=UTC))


def reply(body: Any) -> Reply:
    return Reply(200, {}, body)


def test_visits_are_listed_with_the_deleted_ones_by_both_tokens() -> None:
    call = API.lists["record"].call(ASKED, WINDOW, None)

    assert (call.method, call.path) == ("GET", "/api/v1/records/169643")
    assert dict(call.query) == {
        "page": "1",
        "count": "200",
        # Nobody says of which zone: 12 hours before the window, 14 behind it.
        "changed_after": "2026-09-14T01:00:00",
        "changed_before": "2026-09-15T04:00:00",
        "with_deleted": "1",
    }
    assert call.headers == {
        "accept": "application/vnd.yclients.v2+json",
        "content-type": "application/json",
        "authorization": "Bearer partner123, User user45678",
    }


def test_altegio_is_asked_at_its_own_host_in_its_own_words() -> None:
    asked = Asked("", "", {"company": "7", "api_host": "api.alteg.io"}, ASKED.secret)

    call = API.lists["goods_operations_sale"].call(asked, WINDOW, "3")

    assert API.host(asked.settings) == "api.alteg.io"
    assert API.host({}) == "api.yclients.com"
    assert call.path == "/api/v1/storages/transactions/7"
    assert dict(call.query)["page"] == "3"
    assert call.headers["accept"] == "application/vnd.api.v2+json"


def test_a_list_goes_on_until_a_page_is_empty() -> None:
    cursor = API.lists["record"].cursor

    assert cursor(reply({"data": [{}]}), None) == "2"
    assert cursor(reply({"data": [{}]}), "2") == "3"
    nothing: list[Any] = [{"data": []}, {"data": {}}, [], None]
    assert [cursor(reply(body), "3") for body in nothing] == [None] * 4


@pytest.mark.parametrize("text", ["", "0", "company", "-5", "1" * 13, "7/records"])
def test_what_is_no_company_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        company_number(text)


@pytest.mark.parametrize("text", ["", "example.org", "api.yclients.com.example.org", "127.0.0.1"])
def test_no_other_host_is_asked(text: str) -> None:
    assert api_host("https://api.alteg.io/") == "api.alteg.io"
    with pytest.raises(ValueError, match=r".*"):
        api_host(text)


@pytest.mark.parametrize("text", ["", "partner123", "partner123,", "partner123,user\n45678", "a,b"])
def test_a_secret_is_two_tokens(text: str) -> None:
    assert tokens("partner123,user45678") == ("partner123", "user45678")
    with pytest.raises(ValueError, match="partner token"):
        tokens(text)


def test_what_a_company_needs_is_said_and_its_budget_is_within_both_limits() -> None:
    assert set(API.requires) <= set(PROVIDER.settings) == {"company", "api_host"}
    a_minute = API.budget.units / API.budget.seconds * 60
    assert (API.budget.units <= 5, a_minute <= 200) == (True, True)
