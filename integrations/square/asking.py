"""How Square is asked (types and addresses of its SDK ``squareup`` 46.0.0, read 2026-11)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window
from integrations.clocks import utc_text

#: What the payloads here were read for; a seller's application may have another by default.
VERSION = "2026-09-16"
_HOSTS = {"production": "connect.squareup.com", "sandbox": "connect.squareupsandbox.com"}
#: The most of payments and refunds on a page; the others take as many.
_PAGE = 100
#: Of a part of the catalogue that changed within an hour; the rest of a larger one is for a list.
_MOST_PAGES = 20
#: Orders are searched in so many locations at once.
_MOST_LOCATIONS = 10

PageOf = Callable[[Asked, Window, Sequence[str], str | None], Call]


def read_environment(text: str) -> str:
    """Return the name of an environment: production or sandbox. Raises ValueError."""
    found = text.strip().lower()
    if found not in _HOSTS:
        raise ValueError(text)
    return found


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host of the source's environment."""
    return _HOSTS[settings.get("environment", "production")]


def order(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for an order."""
    path = f"/v2/orders/{quote(asked.external_id, safe='')}"
    return None if replies else _call(asked, path)


def catalog(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for what changed in the catalogue since the time that names the read, page by page."""
    cursor = _following(replies[-1]) if replies else None
    if replies and (cursor is None or len(replies) >= _MOST_PAGES):
        return None
    return _changed_items(asked, asked.external_id, cursor)


def _items(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    return _changed_items(asked, utc_text(window.since), cursor)


def _changed_items(asked: Asked, since: str, cursor: str | None) -> Call:
    """With what belongs to them: a variation that changed comes with its item, which has its name,
    and an item with its categories."""
    wanted = {
        "object_types": ["ITEM", "ITEM_VARIATION", "CATEGORY"],
        "include_deleted_objects": True,
        "include_related_objects": True,
        "begin_time": since,
        "limit": _PAGE,
    }
    return _search(asked, "/v2/catalog/search", wanted, cursor)


def _orders(asked: Asked, window: Window, locations: Sequence[str], cursor: str | None) -> Call:
    wanted = {
        "location_ids": list(locations),
        "query": {
            "filter": {"date_time_filter": {"updated_at": _range(window)}},
            "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
        },
        "limit": _PAGE,
    }
    return _search(asked, "/v2/orders/search", wanted, cursor)


def _payments(asked: Asked, window: Window, locations: Sequence[str], cursor: str | None) -> Call:
    place = [("location_id", one) for one in locations]
    return _call(asked, "/v2/payments", [*_updated(window, cursor), *place])


def _refunds(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    return _call(asked, "/v2/refunds", _updated(window, cursor))


def _customers(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    wanted = {
        "query": {
            "filter": {"updated_at": _range(window)},
            "sort": {"field": "CREATED_AT", "order": "ASC"},
        },
        "limit": _PAGE,
    }
    return _search(asked, "/v2/customers/search", wanted, cursor)


def _range(window: Window) -> Mapping[str, str]:
    return {"start_at": utc_text(window.since), "end_at": utc_text(window.until)}


def _updated(window: Window, cursor: str | None) -> list[tuple[str, str]]:
    query = [
        ("updated_at_begin_time", utc_text(window.since)),
        ("updated_at_end_time", utc_text(window.until)),
        ("sort_field", "UPDATED_AT"),
        ("sort_order", "ASC"),
        ("limit", str(_PAGE)),
    ]
    return query if cursor is None else [*query, ("cursor", cursor)]


def _in_each_location(page: PageOf, most: int) -> Listing:
    """Return a list that is told by location, ``most`` at once: its first page are the locations.

    A cursor is JSON: the locations that are left, and Square's own cursor within the first ones.
    """

    def call(asked: Asked, window: Window, cursor: str | None) -> Call:
        if cursor is None:
            return _call(asked, "/v2/locations")
        locations, within = json.loads(cursor)
        return page(asked, window, locations[:most], within)

    def following(reply: Reply, cursor: str | None) -> str | None:
        if cursor is None:
            return _cursor(_names(reply), None)
        locations, _ = json.loads(cursor)
        within = _following(reply)
        return _cursor(locations if within else locations[most:], within)

    return Listing(call, following)


def _cursor(locations: Sequence[str], within: str | None) -> str | None:
    return json.dumps([locations, within]) if locations else None


def _names(reply: Reply) -> list[str]:
    found = _member(reply, "locations")
    names = [one.get("id") for one in found if isinstance(one, dict)] if _is_list(found) else []
    return [name for name in names if isinstance(name, str)]


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _following(reply: Reply, _: str | None = None) -> str | None:
    """Return Square's cursor of the next page; the last page has none."""
    found = _member(reply, "cursor")
    return found if isinstance(found, str) and found else None


def _member(reply: Reply, key: str) -> Any:
    return reply.body.get(key) if isinstance(reply.body, dict) else None


def _call(asked: Asked, path: str, query: Sequence[tuple[str, str]] = ()) -> Call:
    return Call(path=path, query=query, headers=_headers(asked))


def _search(asked: Asked, path: str, wanted: Mapping[str, Any], cursor: str | None) -> Call:
    body = wanted if cursor is None else {**wanted, "cursor": cursor}
    headers = {**_headers(asked), "Content-Type": "application/json"}
    return Call(path=path, method="POST", headers=headers, body=json.dumps(body).encode())


def _headers(asked: Asked) -> dict[str, str]:
    return {"Authorization": f"Bearer {asked.secret}", "Square-Version": VERSION}


API = Api(
    host=host_of,
    # Square does not publish its limits; this is a careful guess.
    budget=Budget(units=4, seconds=1.0, at_once=2),
    reads={"order": order, "catalog": catalog},
    lists={
        "catalog": Listing(_items, _following),
        "customer": Listing(_customers, _following),
        "order": _in_each_location(_orders, _MOST_LOCATIONS),
        "payment": _in_each_location(_payments, 1),
        "refund": Listing(_refunds, _following),
    },
)
