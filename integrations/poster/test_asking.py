"""What Poster is asked, and what its answers mean beside their status."""

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.asking import Asked, Reply, Window

from .asking import API

ASKED = Asked("transaction", "16776", {}, "687409:secret")
TOKEN = ("token", "687409:secret")


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, {}, body)


def test_a_cheque_is_asked_for_and_then_the_names_of_what_is_in_it() -> None:
    ask, full = API.reads["transaction"], reply({"response": [{"products": [{}]}]})

    first, second = ask(ASKED, []), ask(ASKED, [full])

    assert first is not None
    assert first.path == "/api/dash.getTransaction"
    assert first.query == (
        TOKEN, ("transaction_id", "16776"), ("include_products", "true"), ("status", "0"),
    )  # fmt: skip
    assert second is not None
    assert second.path == "/api/dash.getTransactionProducts"
    assert second.query == (TOKEN, ("transaction_id", "16776"))
    assert ask(ASKED, [full, full]) is None
    assert ask(ASKED, [reply({"response": [{"products": []}]})]) is None
    assert ask(ASKED, [reply({"response": None})]) is None


def test_days_are_asked_for_in_any_zone_and_behind_the_last_cheque() -> None:
    window = Window(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 14, 23, tzinfo=UTC))
    listing = API.lists["transaction"]

    first, second = listing.call(ASKED, window, None), listing.call(ASKED, window, "16776")

    days = (TOKEN, ("dateFrom", "20260831"), ("dateTo", "20260915"), ("status", "0"))
    assert first.query == days
    assert second.query == (*days, ("next_tr", "16776"))


@pytest.mark.parametrize(
    ("body", "cursor", "following"),
    [
        ({"response": [{"transaction_id": "17"}, {"transaction_id": "16"}]}, None, "16"),
        ({"response": [{"transaction_id": 16}]}, None, "16"),
        ({"response": [{"transaction_id": "16"}]}, "16", None),
        ({"response": []}, "16", None),
        ({"response": [{"transaction_id": "x"}]}, None, None),
        ({"response": ["16"]}, None, None),
        ({}, None, None),
    ],
)
def test_a_list_goes_on_behind_its_last_cheque(
    body: Any, cursor: str | None, following: str | None
) -> None:
    assert API.lists["transaction"].cursor(reply(body), cursor) == following


@pytest.mark.parametrize(
    ("code", "means"),
    [(10, 401), (11, 401), ("12", 401), (20, 403), (54, 403), (32, 404), (404, 404), (503, 503),
     (30, 400), (None, 400), ("x", 400)],
)  # fmt: skip
def test_an_error_in_the_body_of_a_200_is_one(code: Any, means: int) -> None:
    assert API.status(reply({"error": {"code": code, "message": "…"}})) == means
    assert API.status(reply({"error": code or "odd"})) == means
    assert API.status(reply({"error": {"code": code}}, 502)) == 502


def test_what_is_no_error_keeps_its_status_and_an_empty_list_is_no_cheque() -> None:
    assert API.status(reply({"response": []})) == 200
    assert API.missing(reply({"response": []}))
    assert API.missing(reply({"error": {"code": 404}}, 404))
    assert not API.missing(reply({"response": [{}]}))
    assert not API.missing(reply(None))
    assert not API.missing(reply({"response": []}, 500))
