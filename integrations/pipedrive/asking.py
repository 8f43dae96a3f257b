"""How a company is asked (developers.pipedrive.com, API v2 and products of v1, read 2026-11)."""

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window
from integrations.clocks import utc_text
from integrations.hosts import read_account

#: The most of a page.
PAGE = 500


def read_domain(text: str) -> str:
    """Return the host of a company: its part of the name, the whole, or the address.

    Raises ValueError.
    """
    return read_account(text, (".pipedrive.com",))


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the company's host: set by a person, never taken from a body."""
    return str(settings["domain"])


def next_of_deal(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a deal, then for its products, page by page."""
    path = f"/api/v2/deals/{asked.external_id}"
    if not replies:
        return _call(asked, path)
    start = 0 if len(replies) == 1 else _next_start(replies[-1])
    if start is None or start < PAGE * (len(replies) - 1):
        return None
    products = f"/api/v1/deals/{asked.external_id}/products"
    return _call(asked, products, ("start", str(start)), ("limit", str(PAGE)))


def _next_start(reply: Reply) -> int | None:
    """Return where the next page of products begins, None behind the last."""
    paging = _at(reply.body, "additional_data", "pagination")
    more = isinstance(paging, dict) and paging.get("more_items_in_collection") is True
    found = paging.get("next_start") if more else None
    return found if type(found) is int else None


def next_of_person(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a person."""
    return None if replies else _call(asked, f"/api/v2/persons/{asked.external_id}")


def page_of_deals(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the deals changed in a window; a cursor is Pipedrive's own."""
    return _call(
        asked,
        "/api/v2/deals",
        ("updated_since", utc_text(window.since)),
        ("updated_until", utc_text(window.until)),
        ("sort_by", "update_time"),
        ("sort_direction", "asc"),
        ("limit", str(PAGE)),
        *((("cursor", cursor),) if cursor else ()),
    )


def cursor_of(reply: Reply, cursor: str | None, /) -> str | None:
    """Return where the next page begins; the last page has none."""
    found = _at(reply.body, "additional_data", "next_cursor")
    return found if isinstance(found, str) and found and found != cursor else None


def _at(body: Any, *keys: str) -> Any:
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _call(asked: Asked, path: str, *query: tuple[str, str]) -> Call:
    return Call(path=path, query=query, headers={"x-api-token": asked.secret})


API = Api(
    host=host_of,
    budget=Budget(units=10, seconds=2, at_once=2),
    reads={"deal": next_of_deal, "person": next_of_person},
    lists={"deal": Listing(page_of_deals, cursor_of)},
    requires={"domain": "адрес компании, romashka.pipedrive.com / the company's address"},
)
