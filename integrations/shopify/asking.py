"""How a shop is asked for orders that no webhook told of (REST Admin API, read 2026-11-28).

Pages: shopify.dev/docs/api/admin-rest, its order, transaction and refund, usage/pagination and
usage/rate-limits. The API is legacy since 2024-10-01 and still served (README).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from integrations.asking import (
    Access,
    Api,
    Asked,
    Budget,
    Call,
    Listing,
    Login,
    Reply,
    SecretForm,
    Window,
    access_in,
    client_credentials,
    client_in,
)
from integrations.hosts import read_account

#: A version comes out each quarter and is served for 12 months at least: this one until
#: 2027-10-01. Later ones stand in for one that is over (shopify.dev/docs/api/usage/versioning).
VERSION = "2026-10"
#: Orders on a page, of at most 250: where the next page forgets ``fields``, they come whole.
PAGE = 100
#: What a list shows of an order: enough to ask for it.
_FIELDS = "id,created_at,updated_at"
#: All that may stand beside ``page_info`` in the link to the next page, and so in a cursor.
_FOLLOWED = frozenset({"page_info", "limit", "fields"})
_LONGEST_CURSOR = 4000
_NEXT = re.compile(r"<([^<>]*)>\s*;\s*rel=\"?next\"?(?=\s*(?:[;,]|$))")
#: How the client secret of an app begins: it signs webhooks, and alone opens nothing.
_CLIENT_SECRET = "shpss_"  # noqa: S105 - a prefix, no secret
#: Most transactions or refunds of one order that are answered at once.
_MOST = "250"


def read_shop(text: str) -> str:
    """Return the host of a shop: its part of the name, the whole, or the address.

    Raises ValueError.
    """
    return read_account(text, (".myshopify.com",))


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the shop's host: set by a person, or the merchant's name that an app's child was
    connected under; never taken from a body. Raises ValueError, KeyError."""
    return read_shop(str(settings["shop"]))


def is_token(secret: str, /) -> bool:
    """Say whether a secret is an access token itself (``shpat_…``): apps that were made in the
    admin have one that does not end. Others are given as ``client id:client secret``."""
    return ":" not in secret and not secret.startswith(_CLIENT_SECRET)


def read_secret(text: str) -> str:
    """Return what opens the API, as it is. Raises ValueError."""
    if not is_token(text):
        client_in(text)
    return text


def log_in(secret: str, /) -> Call:
    """Exchange an app's id and secret for a token of 24 hours, at the shop's own host."""
    return client_credentials(secret, "/admin/oauth/access_token")


def access(body: Any, /) -> Access | None:
    """Read the token and its seconds."""
    return access_in(body, "access_token", "expires_in")


def next_of_order(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for an order, then for its payments, which it does not hold, and for its refunds where
    it has some: the ones inside are a poorer view."""
    order = f"orders/{asked.external_id}"
    if not replies:
        return _call(asked, order)
    if len(replies) == 1:
        return _call(asked, f"{order}/transactions", ("in_shop_currency", "true"))
    if len(replies) == 2 and _has_refunds(replies[0]):
        query = (("limit", _MOST), ("in_shop_currency", "true"))
        return _call(asked, f"{order}/refunds", *query)
    return None


def page_of_orders(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask which orders changed in a window, oldest change first; a cursor is the query of the
    link to the next page, which holds what is filtered by."""
    if cursor is not None:
        return _call(asked, "orders", *parse_qsl(cursor))
    return _call(
        asked,
        "orders",
        ("status", "any"),
        ("updated_at_min", _second(window.since)),
        ("updated_at_max", _second(window.until)),
        ("order", "updated_at asc"),
        ("limit", str(PAGE)),
        ("fields", _FIELDS),
    )


def following(reply: Reply, cursor: str | None, /) -> str | None:
    """Return what the next page is asked by; the last one has no link to it.

    Of the link nothing but its known parameters is used: neither its host nor its path.
    """
    link = _NEXT.search(reply.headers.get("link", ""))
    if link is None:
        return None
    found = {name: value for name, value in _query(link[1]) if name in _FOLLOWED}
    said = urlencode({"limit": str(PAGE), **found})
    is_new = "page_info" in found and said != cursor and len(said) <= _LONGEST_CURSOR
    return said if is_new else None


def _query(address: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(address).query)
    except ValueError:
        return []


def _second(time: datetime) -> str:
    """Write a time: Shopify's own are of whole seconds, and both ends belong to the stretch."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _has_refunds(reply: Reply) -> bool:
    order = reply.body.get("order") if isinstance(reply.body, dict) else None
    return isinstance(order, dict) and bool(order.get("refunds"))


def _call(asked: Asked, path: str, *query: tuple[str, str]) -> Call:
    return Call(
        path=f"/admin/api/{VERSION}/{path}.json",
        query=query,
        headers={"X-Shopify-Access-Token": asked.secret},
    )


API = Api(
    host=host_of,
    # A bucket of 40 for an app and a shop that leaks 2 a second, more on dearer plans: half of it
    # is left to whatever else the app does.
    budget=Budget(units=20, seconds=20.0),
    reads={"order": next_of_order, "old_order": next_of_order},
    lists={"order": Listing(page_of_orders, following)},
    requires={"shop": "адрес магазина, demo.myshopify.com / the shop's address"},
    secret_form=SecretForm(
        read_secret,
        "токен приложения (shpat_…) или client id:client secret",
        "the app's access token (shpat_…), or client id:client secret",
    ),
    login=Login(call=log_in, access=access, is_token=is_token),
    only_lost=True,
)
