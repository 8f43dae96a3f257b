"""How Loyverse is asked (developer.loyverse.com, API 1.0): only for receipts that were lost."""

from collections.abc import Mapping
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window
from integrations.clocks import utc_text

#: The most receipts on a page.
PAGE = 250


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host: one for all merchants."""
    return "api.loyverse.com"


def page(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the receipts that changed in a window; a cursor is Loyverse's own."""
    behind = (("cursor", cursor),) if cursor else ()
    return Call(
        path="/v1.0/receipts",
        query=(
            ("updated_at_min", utc_text(window.since)),
            ("updated_at_max", utc_text(window.until)),
            ("limit", str(PAGE)),
            *behind,
        ),
        headers={"authorization": f"Bearer {asked.secret}"},
    )


def cursor_of(reply: Reply, cursor: str | None, /) -> str | None:
    """Return where the next page begins; the last page has none."""
    found = reply.body.get("cursor") if isinstance(reply.body, dict) else None
    return found if isinstance(found, str) and found and found != cursor else None


API = Api(
    host=host_of,
    budget=Budget(units=1, seconds=1),
    reads={},
    lists={"receipt": Listing(page, cursor_of)},
)
