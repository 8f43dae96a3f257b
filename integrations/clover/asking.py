"""How a merchant is asked (docs.clover.com: expanding, filtering, paging, rate limits; 2026-11)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window, next_offset
from integrations.clocks import micros

#: Hosts of a region's API.
_HOSTS = {
    "na": "api.clover.com",
    "eu": "api.eu.clover.com",
    "la": "api.la.clover.com",
    "sandbox": "apisandbox.dev.clover.com",
}
_ORDER = (
    "lineItems,lineItems.discounts,lineItems.modifications,lineItems.taxRates,discounts,"
    "serviceCharge,payments,payments.tender,refunds,customers"
)
_LINE = "discounts,modifications,taxRates"
#: What is expanded inside an object stops at so many, without a word of it.
NESTED = 100
#: The most of a page.
_PAGE = 1000
#: A page of orders, and how many of it are asked for again: an order that changes leaves its place.
_LISTED, _AGAIN = 100, 20
_LONGEST = timedelta(days=90)
#: Nothing is promised of notices: what was lost is found within the hour.
_WINDOW = 3600.0


def read_merchant(text: str) -> str:
    """Return the id of a merchant. Raises ValueError."""
    found = text.strip()
    if not (found.isascii() and found.isalnum() and len(found) <= 13):
        raise ValueError(text)
    return found


def read_region(text: str) -> str:
    """Return the name of a region: na, eu, la or sandbox. Raises ValueError."""
    found = text.strip().lower()
    if found not in _HOSTS:
        raise ValueError(text)
    return found


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host of the source's region."""
    return _HOSTS[settings.get("region", "na")]


def next_of_order(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for an order; where it has more lines than are expanded, for its lines, page by page."""
    path = f"orders/{asked.external_id}"
    if not replies:
        return _call(asked, path, ("expand", _ORDER))
    if _count(replies[0], "lineItems") < NESTED:
        return None
    if len(replies) > 1 and _count(replies[-1]) < _PAGE:
        return None
    offset = str(_PAGE * (len(replies) - 1))
    query = (("expand", _LINE), ("limit", str(_PAGE)), ("offset", offset))
    return _call(asked, f"{path}/line_items", *query)


def next_of_payment(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a payment."""
    path = f"payments/{asked.external_id}"
    return None if replies else _call(asked, path, ("expand", "tender,refunds"))


def next_of_customer(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a customer."""
    path = f"customers/{asked.external_id}"
    return None if replies else _call(asked, path, ("expand", "emailAddresses,phoneNumbers"))


def page_of_orders(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the orders changed in a window; a cursor is an offset."""
    since, until = (micros(at) // 1000 for at in (window.since, window.until))
    return _call(
        asked,
        "orders",
        ("filter", f"modifiedTime>={since}"),
        ("filter", f"modifiedTime<={until}"),
        ("limit", str(_LISTED)),
        ("offset", cursor or "0"),
    )


def following(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the offset of the next page; one that is not full is the last."""
    return next_offset(_count(reply), cursor, page=_LISTED, again=_AGAIN)


def _count(reply: Reply, *keys: str) -> int:
    found = reply.body
    for key in (*keys, "elements"):
        found = found.get(key) if isinstance(found, dict) else None
    return len(found) if isinstance(found, list) else 0


def _call(asked: Asked, path: str, *query: tuple[str, str]) -> Call:
    return Call(
        path=f"/v3/merchants/{asked.settings['merchant']}/{path}",
        query=query,
        headers={"Authorization": f"Bearer {asked.secret}"},
    )


API = Api(
    host=host_of,
    # Half of the 16 a second that a token has.
    budget=Budget(units=8, seconds=1, at_once=2),
    reads={
        "customer": next_of_customer,
        "order": next_of_order,
        "payment": next_of_payment,
    },
    lists={"order": Listing(page_of_orders, following, longest=_LONGEST)},
    requires={"merchant": "код продавца (Merchant ID) / the merchant's id"},
    window=_WINDOW,
)
