"""How a company is asked (developers.pipedrive.com, API v2, read 2026-11)."""

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
    cursor = _cursor(replies[-1]) if len(replies) > 1 else None
    if len(replies) > 1 and (cursor is None or cursor == _asked_behind(replies)):
        return None
    return _call(asked, f"{path}/products", *_page(cursor))


def _asked_behind(replies: Sequence[Reply]) -> str | None:
    """Return the cursor that the last page was asked with: the first has none."""
    return _cursor(replies[-2]) if len(replies) > 2 else None


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
        *_page(cursor),
    )


def cursor_of(reply: Reply, cursor: str | None, /) -> str | None:
    """Return where the next page begins; the last page has none."""
    found = _cursor(reply)
    return None if found == cursor else found


def _cursor(reply: Reply) -> str | None:
    found = _at(reply.body, "additional_data", "next_cursor")
    return found if isinstance(found, str) and found else None


def _page(cursor: str | None) -> list[tuple[str, str]]:
    return [("limit", str(PAGE)), *([("cursor", cursor)] if cursor else [])]


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
