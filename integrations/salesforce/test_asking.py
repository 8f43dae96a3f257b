"""What an organization is asked, and what of its answers is heeded."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import pytest

from integrations.asking import Access, Asked, Call, Reply, Window

from .asking import API, access, log_in, read_currencies, read_domain

MOSCOW = timezone(timedelta(hours=3))
WINDOW = Window(
    datetime(2026, 9, 14, 12, 0, 0, 500_000, tzinfo=MOSCOW),
    datetime(2026, 9, 14, 12, 0, 0, 900_000, tzinfo=UTC),
)
LIST = API.lists["opportunity"]
LOCATOR = "01g5e00001AH2dOAAT-2000"
MORE = {"done": False, "nextRecordsUrl": f"/services/data/v66.0/query/{LOCATOR}"}
SPENT = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
GONE = [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]
OVER = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def asked(cursor: str | None = None, **settings: str) -> Call:
    return LIST.call(Asked("opportunity", "", settings, "a!token"), WINDOW, cursor)


def query(**settings: str) -> str:
    return dict(asked(**settings).query)["q"]


def test_a_window_is_asked_for_by_the_one_clock_with_the_rows_of_each_deal() -> None:
    first = asked(currencies="one")

    assert (first.method, first.path) == ("GET", "/services/data/v66.0/queryAll")
    assert first.headers == {"Authorization": "Bearer a!token"}
    # From the second that it begins in to behind the one that it ends in.
    assert query(currencies="one") == (
        "SELECT Id, Name, StageName, IsWon, IsClosed, IsDeleted, Amount, CloseDate, CreatedDate,"
        " LastStageChangeDate, OwnerId, AccountId, ContactId, LastModifiedDate, SystemModstamp,"
        " (SELECT Id, IsDeleted, Product2Id, Product2.Name, ProductCode, Quantity, UnitPrice,"
        " TotalPrice FROM OpportunityLineItems ORDER BY Id)"
        " FROM Opportunity WHERE LastModifiedDate >= 2026-09-14T09:00:00Z"
        " AND LastModifiedDate <= 2026-09-14T12:00:01Z ORDER BY LastModifiedDate, Id"
    )
    assert ", SystemModstamp, CurrencyIsoCode, (" in query(currencies="many")


def test_another_clock_takes_the_place_of_the_first_in_what_is_asked_for() -> None:
    _, _, asked_for = query(clock="SystemModstamp").partition(" WHERE ")

    assert asked_for == (
        "SystemModstamp >= 2026-09-14T09:00:00Z AND SystemModstamp <= 2026-09-14T12:00:01Z"
        " ORDER BY SystemModstamp, Id"
    )


def test_the_rest_of_a_list_is_asked_for_by_its_locator_alone() -> None:
    rest = asked(LOCATOR)

    assert (rest.path, rest.query) == (f"/services/data/v66.0/queryAll/{LOCATOR}", ())


@pytest.mark.parametrize(
    ("body", "status", "cursor"),
    [
        (MORE, 200, LOCATOR),
        ({**MORE, "nextRecordsUrl": f"/services/data/v66.0/queryAll/{LOCATOR}"}, 200, LOCATOR),
        ({"done": True, "records": []}, 200, None),
        ({**MORE, "done": True}, 200, None),
        # There is more, and where it is cannot be told: that is no answer, and not the end.
        ({"done": False}, 502, None),
        ({"records": []}, 502, None),
        ({**MORE, "nextRecordsUrl": f"https://evil.example/{LOCATOR}"}, 502, None),
        ({**MORE, "nextRecordsUrl": "/services/data/v66.0/query/../../x"}, 502, None),
        ({**MORE, "nextRecordsUrl": f"/services/data/v66.0/query/{LOCATOR}?a"}, 502, None),
        ({**MORE, "nextRecordsUrl": 7}, 502, None),
        ([], 502, None),
        (None, 502, None),
    ],
)
def test_a_list_ends_where_it_is_said_to_be_done(body: Any, status: int, cursor: Any) -> None:
    reply = Reply(200, {}, body)

    assert (API.status(reply), LIST.cursor(reply, None)) == (status, cursor)


def test_a_list_whose_locator_is_over_begins_anew_once() -> None:
    first = Reply(400, {}, GONE)
    over = Reply(API.status(first), {}, GONE)

    assert over.status == 200
    # The reply that a list sees has its meaning for a status.
    assert [LIST.cursor(over, cursor) for cursor in (LOCATOR, "+", f"+{LOCATOR}")] == [
        *("+", "+", f"+{LOCATOR}"),
    ]
    assert (asked("+").path, asked("+").query) == (asked().path, asked().query)
    assert asked(f"+{LOCATOR}").path == f"/services/data/v66.0/queryAll/{LOCATOR}"
    assert LIST.cursor(Reply(200, {}, MORE), "+") == f"+{LOCATOR}"
    assert LIST.cursor(Reply(200, {}, {"done": True}), "+") is None


@pytest.mark.parametrize(
    ("status", "body", "meant", "pause"),
    [
        (403, SPENT, 429, 600.0),
        (403, [{"errorCode": "API_DISABLED_FOR_ORG"}], 403, None),
        (401, OVER, 401, None),
        (400, [{"errorCode": "INVALID_FIELD"}], 400, None),
        (404, [{"errorCode": "NOT_FOUND"}], 404, None),
        (503, None, 503, None),
        (403, ["REQUEST_LIMIT_EXCEEDED"], 403, None),
    ],
)
def test_an_error_means_what_it_says(status: int, body: Any, meant: int, pause: Any) -> None:
    reply = Reply(status, {}, body)

    assert (API.status(reply), API.pause(reply)) == (meant, pause)
    # A list that is not there has not ended.
    assert not API.missing(reply)


def test_a_pause_that_is_said_is_kept() -> None:
    assert API.pause(Reply(403, {"retry-after": "30"}, SPENT)) == 30.0


def test_a_key_and_its_secret_become_a_token_for_less_than_the_shortest_session() -> None:
    call = log_in("3MVG9.key:A+secret/==")

    assert API.login is not None
    assert (API.login.host, call.method, call.path) == (None, "POST", "/services/oauth2/token")
    assert call.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert dict(parse_qsl(call.body.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "3MVG9.key",
        "client_secret": "A+secret/==",
    }
    told = {"access_token": "00D!a.token", "instance_url": "https://x", "token_type": "Bearer"}
    assert access(told) == Access("00D!a.token", 900.0)
    other: list[Any] = [{"error": "invalid_client"}, {"access_token": 7}, {"access_token": ""}, []]
    assert [access(body) for body in (*other, None)] == [None] * 5
    with pytest.raises(ValueError, match=r"^$"):
        log_in("a-key-alone")


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Romashka", "romashka.my.salesforce.com"),
        ("https://romashka.my.salesforce.com/", "romashka.my.salesforce.com"),
        ("romashka--uat.sandbox.my.salesforce.com", "romashka--uat.sandbox.my.salesforce.com"),
        ("romashka-dev-ed.develop.my.salesforce.com", "romashka-dev-ed.develop.my.salesforce.com"),
    ],
)
def test_a_domain_is_a_my_domain(text: str, host: str) -> None:
    assert read_domain(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", "login.salesforce.com", "my.salesforce.com", "romashka.lightning.force.com"),
        *("romashka.my.salesforce.com.evil.example", "a.b.my.salesforce.com", "a/b", "10.0.0.1"),
    ],
)
def test_another_host_is_no_domain(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        read_domain(text)


def test_currencies_are_one_or_many() -> None:
    assert [read_currencies(text) for text in ("one", " many\n")] == ["one", "many"]
    with pytest.raises(ValueError, match="EUR"):
        read_currencies("EUR")
