"""How a retailer is asked for sales that no webhook told of (API 2026-07, read 2026-11)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window, next_offset
from integrations.clocks import utc_text
from integrations.hosts import read_account

#: What the answers are read for: a version is served for a year at least.
_VERSION = "2026-07"
#: A page of a search, and how many of it are asked for again.
_PAGE, _AGAIN = 100, 20
#: No guarantee is given of webhooks: what was lost is found within the hour.
_WINDOW = 3600.0


def read_domain(text: str) -> str:
    """Return the host of a store: its part of the name, the whole, or the address.

    Raises ValueError.
    """
    return read_account(text, (".retail.lightspeed.app", ".vendhq.com"))


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the store's host: set by a person, never taken from a body."""
    return str(settings["domain"])


def next_of_sale(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a sale, or a return."""
    return None if replies else _call(asked, f"sales/{asked.external_id}")


def page_of_sales(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Search the sales of a window by their date; a cursor is an offset."""
    return _call(
        asked,
        "search",
        ("type", "sales"),
        ("date_from", _seconds(window.since)),
        ("date_to", _seconds(window.until)),
        ("page_size", str(_PAGE)),
        ("offset", cursor or "0"),
    )


def following(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the offset of the next page; one that is not full is the last."""
    found = reply.body.get("data") if isinstance(reply.body, dict) else None
    count = len(found) if isinstance(found, list) else 0
    return next_offset(count, cursor, page=_PAGE, again=_AGAIN)


def _seconds(time: datetime) -> str:
    return utc_text(time).partition(".")[0] + "Z"


def _call(asked: Asked, path: str, *query: tuple[str, str]) -> Call:
    return Call(
        path=f"/api/{_VERSION}/{path}",
        query=query,
        headers={"Authorization": f"Bearer {asked.secret}"},
    )


API = Api(
    host=host_of,
    # Of a store with one register: 300 for each and 50 in five minutes.
    budget=Budget(units=300, seconds=300, at_once=2),
    reads={"sale": next_of_sale},
    lists={"sale": Listing(page_of_sales, following)},
    requires={"domain": "адрес магазина, demo-store.retail.lightspeed.app / the store's address"},
    only_lost=True,
    window=_WINDOW,
)
