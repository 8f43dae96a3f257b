"""How a shop is asked for its orders (class-wc-rest-crud-controller.php, read 2026-11-27)."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window

#: The most that a page may have.
PAGE = 100
_DAY = 86_400.0
_SECOND = timedelta(seconds=1)


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the shop's host: set by a person, never taken from a body."""
    return str(settings["shop"])


def page_of_orders(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the orders changed in a window, oldest change first.

    A cursor is ``<time>|<page>``: changed after this time, so that an order which is changed
    meanwhile and leaves its place moves nothing out of sight. Both ends are exclusive in whole
    seconds, hence a second more at each.
    """
    behind, _, page = (cursor or "").partition("|")
    return Call(
        path="/wp-json/wc/v3/orders",
        query=(
            ("modified_after", behind or _written(window.since - _SECOND)),
            ("modified_before", _written(window.until + _SECOND)),
            ("dates_are_gmt", "true"),
            ("orderby", "modified"),
            ("order", "asc"),
            ("per_page", str(PAGE)),
            ("page", page or "1"),
        ),
        headers={"Authorization": f"Basic {base64.b64encode(asked.secret.encode()).decode()}"},
    )


def cursor_of_orders(reply: Reply, cursor: str | None, /) -> str | None:
    """Return where the next page begins: a second before the last change of this one, whose other
    orders may be on the next; a page that holds nothing but this second is followed by number."""
    found = reply.body
    if not isinstance(found, list) or len(found) < PAGE:
        return None
    behind, _, page = (cursor or "").partition("|")
    following = _before_last(found)
    return f"{following}|1" if following > behind else f"{behind}|{int(page or 1) + 1}"


def _before_last(page: list[Any]) -> str:
    """Return a second before the last change of a page, empty where it does not say one."""
    last = page[-1].get("date_modified_gmt") if isinstance(page[-1], dict) else None
    try:
        return _written(datetime.fromisoformat(str(last)).replace(tzinfo=UTC) - _SECOND)
    except (ValueError, OverflowError):
        return ""


def _written(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


API = Api(
    host=host_of,
    # The shop's own server answers, and WooCommerce states no limit: this is a careful guess.
    budget=Budget(units=1, seconds=1.0),
    reads={},
    lists={"order": Listing(page_of_orders, cursor_of_orders)},
    requires={"shop": "адрес магазина, shop.example / the shop's host"},
    window=_DAY,
)
