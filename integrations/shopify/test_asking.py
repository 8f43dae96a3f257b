"""What a shop is asked for, and where the next page is."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from integrations.asking import Access, Asked, Call, Reply, Window

from .asking import API, PAGE, VERSION, access, is_token, log_in, read_secret, read_shop

HOST = "demo.myshopify.com"
ASKED = Asked("order", "42", {"shop": HOST}, "shpat_1")
WINDOW = Window(datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, 4, 0, 1, tzinfo=UTC))
LIST = API.lists["order"]
ROOT = f"https://{HOST}/admin/api/{VERSION}/orders.json"


def ok(body: Any, **headers: str) -> Reply:
    return Reply(200, headers, body)


def test_a_list_names_the_orders_of_a_stretch_whatever_their_status() -> None:
    call = LIST.call(ASKED, WINDOW, None)

    assert call == Call(
        path=f"/admin/api/{VERSION}/orders.json",
        query=(
            ("status", "any"),
            ("updated_at_min", "2026-09-14T00:00:00Z"),
            ("updated_at_max", "2026-09-15T04:00:01Z"),
            ("order", "updated_at asc"),
            ("limit", str(PAGE)),
            ("fields", "id,created_at,updated_at"),
        ),
        headers={"X-Shopify-Access-Token": "shpat_1"},
    )


@pytest.mark.parametrize(
    ("link", "query"),
    [
        (f'<{ROOT}?page_info=abc%3D&limit=100>; rel="next"', {"page_info": "abc=", "limit": "100"}),
        (
            f'<{ROOT}?page_info=first>; rel="previous", <{ROOT}?page_info=third>; rel="next"',
            {"page_info": "third", "limit": str(PAGE)},
        ),
        # What the link says besides is not asked: a filter beside page_info is refused.
        (
            f"<{ROOT}?fields=id%2Cupdated_at&page_info=abc&status=any&limit=9>; rel=next",
            {"page_info": "abc", "limit": "9", "fields": "id,updated_at"},
        ),
        # Neither is it asked where the link points to.
        (
            '<https://evil.example/x?page_info=abc>; rel="next"',
            {"page_info": "abc", "limit": "100"},
        ),
    ],
)
def test_the_next_page_is_asked_by_what_its_link_says(link: str, query: dict[str, str]) -> None:
    cursor = LIST.cursor(ok({"orders": []}, link=link), None)

    assert cursor is not None
    call = LIST.call(ASKED, WINDOW, cursor)
    assert dict(call.query) == query
    assert call.path == f"/admin/api/{VERSION}/orders.json"


@pytest.mark.parametrize(
    "link",
    [
        "",
        f'<{ROOT}?page_info=abc>; rel="previous"',
        f'<{ROOT}?limit=100>; rel="next"',
        '<https://[::1?page_info=abc>; rel="next"',
        f'<{ROOT}?page_info={"a" * 4000}>; rel="next"',
        f'<{ROOT}?page_info=abc>; rel="nextdoor"',
    ],
)
def test_without_a_link_that_can_be_followed_the_list_is_over(link: str) -> None:
    assert LIST.cursor(ok({"orders": []}, link=link), None) is None


def test_a_link_to_the_same_page_is_the_end() -> None:
    reply = ok({"orders": []}, link=f'<{ROOT}?page_info=abc>; rel="next"')

    assert LIST.cursor(reply, LIST.cursor(reply, None)) is None


@pytest.mark.parametrize("kind", ["order", "old_order"])
def test_an_order_is_read_with_its_transactions_and_with_refunds_where_it_has_some(
    kind: str,
) -> None:
    ask = API.reads[kind]
    plain, refunded = ok({"order": {"refunds": []}}), ok({"order": {"refunds": [{"id": 1}]}})
    paid = ok({"transactions": []})
    root = f"/admin/api/{VERSION}/orders/42"

    assert [call and call.path for call in (ask(ASKED, ()), ask(ASKED, (plain,)))] == [
        f"{root}.json",
        f"{root}/transactions.json",
    ]
    assert ask(ASKED, (plain, paid)) is None
    third = ask(ASKED, (refunded, paid))
    assert third is not None
    assert third.path == f"{root}/refunds.json"
    assert ask(ASKED, (refunded, paid, ok({"refunds": []}))) is None


def test_an_id_and_a_secret_become_a_token_of_a_day() -> None:
    call = log_in("an-id:shpss_key&1")

    assert (call.method, call.path) == ("POST", "/admin/oauth/access_token")
    assert parse_qs(call.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["an-id"],
        "client_secret": ["shpss_key&1"],
    }
    said = {"access_token": "shpat_2", "scope": "read_orders", "expires_in": 86399}
    assert access(said) == Access("shpat_2", 86399.0)
    assert access({"error": "invalid_client"}) is None


@pytest.mark.parametrize(
    ("secret", "is_one"),
    [("shpat_1", True), ("a" * 32, True), ("id:shpss_1", False), ("shpss_1", False)],
)
def test_a_token_is_told_from_a_client(secret: str, is_one: bool) -> None:
    assert is_token(secret) is is_one


@pytest.mark.parametrize("secret", ["shpss_1", "id:", ":key"])
def test_a_client_secret_alone_opens_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        read_secret(secret)


@pytest.mark.parametrize("text", ["demo", "Demo.myshopify.com", "https://demo.myshopify.com/"])
def test_a_shop_is_named_by_its_part_of_the_host_or_the_whole(text: str) -> None:
    assert API.host({"shop": text}) == read_shop(text) == HOST


@pytest.mark.parametrize("text", ["", "shop.example", "a.b.myshopify.com", "myshopify.com", "1:2"])
def test_no_other_host_is_ever_asked(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        API.host({"shop": text})
