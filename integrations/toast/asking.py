"""How Toast is asked for orders that were lost (doc.toasttab.com, orders API 2.8, read 2026-11)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window
from integrations.clocks import utc_text

#: The most orders on a page.
PAGE = 100


def read_restaurant(text: str) -> str:
    """Return the GUID of a restaurant. Raises ValueError."""
    return str(UUID(text.strip()))


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host of the production API."""
    return "ws-api.toasttab.com"


def page(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the orders that changed in a window; a cursor is the number of a page."""
    return Call(
        path="/orders/v2/ordersBulk",
        query=(
            ("startDate", _written(utc_text(window.since))),
            ("endDate", _written(utc_text(window.until))),
            ("page", cursor or "1"),
            ("pageSize", str(PAGE)),
        ),
        headers={
            "authorization": f"Bearer {asked.secret}",
            "toast-restaurant-external-id": str(asked.settings["restaurant"]),
        },
    )


def _written(time: str) -> str:
    return time.replace("Z", "+0000")


def cursor_of(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the number of the next page; a page that is not full is the last."""
    if not isinstance(reply.body, list) or len(reply.body) < PAGE:
        return None
    return str(int(cursor or "1") + 1)


API = Api(
    host=host_of,
    budget=Budget(units=4, seconds=1),
    reads={},
    # By number of page alone: within an hour few orders change, and leave it, meanwhile.
    lists={"order": Listing(page, cursor_of, longest=timedelta(hours=1))},
    requires={"restaurant": "GUID ресторана / the GUID of the restaurant"},
)
