"""How a merchant is asked (developer.sumup.com, checkouts v0.1 and transactions v2.1, 2026-11)."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window
from integrations.clocks import utc_text

_PAGE = 100
#: Nothing tells of a card reader's payments, and of refunds: they are looked for so often.
_WINDOW = 900.0


def read_merchant(text: str) -> str:
    """Return the code of a merchant. Raises ValueError."""
    found = text.strip()
    if not (found.isascii() and found.isalnum() and len(found) <= 20):
        raise ValueError(text)
    return found


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host: one for all merchants."""
    return "api.sumup.com"


def next_of_checkout(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a checkout: it names its transactions."""
    return None if replies else _call(asked, f"/v0.1/checkouts/{asked.external_id}")


def next_of_transaction(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a transaction with what happened to it."""
    return None if replies else _call(asked, _transactions(asked), ("id", asked.external_id))


def page_of_transactions(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the transactions changed since a window began: it has no other end. A cursor is the
    reference behind which the next page begins."""
    return _call(
        asked,
        f"{_transactions(asked)}/history",
        ("changes_since", utc_text(window.since)),
        ("order", "ascending"),
        ("limit", str(_PAGE)),
        *((("oldest_ref", cursor),) if cursor else ()),
    )


def following(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the reference of the link to the next page, None where there is none."""
    links = reply.body.get("links") if isinstance(reply.body, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next":
            found = parse_qs(str(link.get("href", ""))).get("oldest_ref")
            return found[0] if found and found[0] != cursor else None
    return None


def _transactions(asked: Asked) -> str:
    return f"/v2.1/merchants/{asked.settings['merchant']}/transactions"


def _call(asked: Asked, path: str, *query: tuple[str, str]) -> Call:
    return Call(path=path, query=query, headers={"Authorization": f"Bearer {asked.secret}"})


API = Api(
    host=host_of,
    # SumUp does not publish its limits; this is a careful guess.
    budget=Budget(units=4, seconds=1, at_once=2),
    reads={"checkout": next_of_checkout, "transaction": next_of_transaction},
    lists={"transaction": Listing(page_of_transactions, following)},
    requires={"merchant": "код продавца, MH4H92C7 / the merchant's code"},
    window=_WINDOW,
)
