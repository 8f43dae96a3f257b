"""What MoySklad is asked, and how its answers are paged through."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from integrations import sums
from integrations.asking import Asked, Call, Reply, Window
from integrations.reading import Reader

from . import calls, words

NAME = "0b71daec-9157-11f1-0a80-0f1a0000b001"
ASKED = Asked("retaildemand", NAME, {}, "0cbfc512618efa7d5fa306250bca064c1169b37c")
WINDOW = Window(datetime(2026, 9, 14, 9, 0, 0, 1000, UTC), datetime(2026, 9, 14, 10, 0, tzinfo=UTC))


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, {key.replace("_", "-"): text for key, text in headers.items()}, body)


def document(size: int, rows: int) -> Reply:
    return reply({"positions": {"meta": {"size": size}, "rows": [{}] * rows}})


def page(rows: int) -> Reply:
    return reply({"rows": [{}] * rows})


def asked(*replies: Reply) -> Call | None:
    return calls.document(ASKED, replies)


def test_a_document_is_asked_for_by_its_id_with_what_it_links_to() -> None:
    call = asked()

    assert call is not None
    assert call.path == f"/api/remap/1.2/entity/retaildemand/{NAME}"
    assert dict(call.query) == {
        "expand": "positions.assortment,agent,retailStore,retailShift,owner,rate.currency"
    }
    assert call.headers == {
        "Authorization": f"Bearer {ASKED.secret}",
        "Accept-Encoding": "gzip",
    }
    assert calls.API.host({"host": "evil.example"}) == "api.moysklad.ru"


def test_an_id_that_is_no_id_stays_one_part_of_the_path() -> None:
    call = calls.document(Asked("retaildemand", "../webhook?x=", {}, "key"), ())

    assert call is not None
    assert call.path == "/api/remap/1.2/entity/retaildemand/..%2Fwebhook%3Fx%3D"


def test_positions_that_did_not_fit_are_paged_for_until_all_are_there() -> None:
    assert asked(document(2, 2)) is None

    second = asked(document(1250, 100))
    third = asked(document(1250, 100), page(100))

    assert second is not None
    assert third is not None
    assert second.path.endswith(f"/{NAME}/positions")
    assert dict(second.query) == {"expand": "assortment", "limit": "100", "offset": "100"}
    assert dict(third.query)["offset"] == "200"
    assert asked(document(250, 100), page(100), page(50)) is None


@pytest.mark.parametrize(
    "replies",
    [
        [document(250, 100), page(0)],
        [document(250, 0), reply(None)],
        [reply({"errors": []}, 404)],
        [reply([])],
        [document(10**6, 100), *[page(1)] * 40],
    ],
    ids=["an empty page", "a page of nothing", "an error", "no object", "no end"],
)
def test_nothing_more_is_asked_where_no_page_brings_anything(replies: list[Reply]) -> None:
    assert asked(*replies) is None


def test_a_list_is_asked_for_in_moscow_time_and_in_the_order_of_changes() -> None:
    call = calls.listed(ASKED, WINDOW, None)

    assert call.path == "/api/remap/1.2/entity/retaildemand"
    assert dict(call.query) | {"expand": ""} == {
        "filter": "updated>=2026-09-14 12:00:00.001;updated<=2026-09-14 13:00:00.000",
        "order": "updated,asc",
        "expand": "",
        "limit": "100",  # more, and nothing is expanded
        "offset": "0",
    }


def walk(listed: list[dict[str, str]], change: Any = lambda number: None) -> list[str]:
    """Page through a list as the provider would answer; return the ids in the order they came."""
    seen: list[str] = []
    cursor: str | None = None
    for number in range(50):
        query = dict(calls.listed(ASKED, WINDOW, cursor).query)
        since = query["filter"].partition(";")[0].removeprefix("updated>=")
        rows = sorted((row for row in listed if row["updated"] >= since), key=_by_change)
        offset = int(query["offset"])
        answer = reply({"rows": rows[offset : offset + int(query["limit"])]})
        seen += [row["id"] for row in answer.body["rows"]]
        cursor = calls.next_page(answer, cursor)
        if cursor is None:
            return seen
        change(number)
    raise AssertionError("the walk has no end")


def _by_change(row: dict[str, str]) -> str:
    return row["updated"]


def rows(count: int, second: int = 0) -> list[dict[str, str]]:
    times = (f"2026-09-14 12:{second:02}:{n // 60:02}.{n % 60 + 1:03}" for n in range(count))
    return [{"id": f"{second}-{n}", "updated": time} for n, time in enumerate(times)]


def test_a_walk_meets_every_row_and_knows_its_end() -> None:
    listed = rows(250)

    seen = walk(listed)

    assert set(seen) == {row["id"] for row in listed}
    assert len(seen) == 252  # the last row of a page opens the next
    assert walk([]) == []
    assert len(set(walk(rows(100)))) == 100


def test_a_row_that_moves_during_the_walk_hides_no_other() -> None:
    listed = rows(250)

    def change(number: int) -> None:
        listed[number]["updated"] = "2026-09-14 12:59:00.000"

    assert {row["id"] for row in listed} <= set(walk(listed, change))


def test_hundreds_of_one_millisecond_are_counted_through() -> None:
    listed = [{"id": str(n), "updated": "2026-09-14 12:30:00.000"} for n in range(350)]

    assert set(walk(rows(30) + listed + rows(30, second=40))) >= {row["id"] for row in listed}


@pytest.mark.parametrize("cursor", ["", "1", "2026-09-14+0", "2026-09-14 12:00:00.000;+1", "x" * 9])
def test_a_cursor_that_is_none_begins_anew(cursor: str) -> None:
    assert calls.listed(ASKED, WINDOW, cursor) == calls.listed(ASKED, WINDOW, None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x_lognex_retry_after": "1500"}, 1.5),
        ({"x_lognex_retry_after": "0", "retry_after": "7"}, 0.0),
        ({"retry_after": "7"}, 7.0),
        ({"x_lognex_retry_after": "soon"}, None),
        ({"x_lognex_retry_after": "٣"}, None),
        ({}, None),
    ],
)
def test_the_pause_is_what_the_provider_says_in_milliseconds(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert calls.pause(reply(None, 429, **headers)) == seconds


def test_the_limits_that_a_good_answer_tells_of_are_no_pause() -> None:
    assert calls.pause(reply({}, 200, x_lognex_retry_after="1500")) is None


def test_only_404_means_that_a_document_is_gone() -> None:
    assert calls.missing(reply(None, 404))
    assert not calls.missing(reply(None, 410))
    assert not calls.missing(reply(None, 403))


def test_a_users_token_is_within_eleven_requests_of_three_seconds() -> None:
    call, budget = asked(), calls.API.budget

    assert call is not None
    assert (budget.units // call.units, budget.seconds, budget.at_once) == (11, 3.0, 5)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-09-14 15:08:51.204", datetime(2026, 9, 14, 12, 8, 51, 204000, UTC)),
        ("2016-04-18 15:06:55", datetime(2016, 4, 18, 12, 6, 55, tzinfo=UTC)),
        # All of summer 2011 to 25 October 2014 Moscow was four hours ahead.
        ("2013-01-10 12:00:00.000", datetime(2013, 1, 10, 8, tzinfo=UTC)),
        # 02:30 did not exist on 28 March 2010: it moves an hour forward, to 03:30 summer time.
        ("2010-03-28 02:30:00.000", datetime(2010, 3, 27, 23, 30, tzinfo=UTC)),
        # 01:30 came twice on 26 October 2014: it is the first, still four hours ahead.
        ("2014-10-26 01:30:00.000", datetime(2014, 10, 25, 21, 30, tzinfo=UTC)),
    ],
)
def test_dates_are_moscow_time_of_their_own_year(written: str, utc: datetime) -> None:
    assert words.time(Reader(written)) == utc


def test_kopecks_are_hundredths_of_any_currency() -> None:
    assert sums.kopecks(Reader(Decimal("62000.0")), "RUB") == Decimal("620.00")
    assert sums.kopecks(Reader(Decimal("500.0")), "JPY") == Decimal(5)
    assert all(a < b for a, b in pairwise(sums.kopecks_each(Reader(Decimal(n))) for n in range(3)))
