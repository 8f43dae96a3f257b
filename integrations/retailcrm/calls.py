"""How an account is asked (github.com/retailcrm/api-client-php and -go, read 2026-11)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window
from integrations.clocks import anywhere
from integrations.hosts import read_account

PAGE = 100
_HOUR = 3600.0
_DOMAINS = (".retailcrm.ru", ".retailcrm.pro", ".simla.com")
#: Kind of read → what its id is, in the API's word.
_BY = {"order": "id", "order_by_external_id": "externalId"}
_SITE = re.compile(r"[A-Za-z0-9_-]{1,100}")


def account_host(text: str) -> str:
    """Return the host of an account from its subdomain (then at retailcrm.ru), name or address.

    Raises ValueError.
    """
    return read_account(text, _DOMAINS)


def site_code(text: str) -> str:
    """Return the code of a shop. Raises ValueError."""
    if not _SITE.fullmatch(text.strip()):
        raise ValueError(text)
    return text.strip()


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the account's host: set by a person, never taken from a request."""
    return str(settings["account"])


def next_of_order(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for one order, by its own number or by that of the shop."""
    if replies:
        return None
    site = asked.settings.get("site")
    query = [("by", _BY[asked.kind]), *([("site", site)] if site else [])]
    return _call(asked, f"/{quote(asked.external_id, safe='')}", query)


def history(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for a page of what was changed in a window, behind the last change seen."""
    since, until = anywhere(window.since, window.until)  # times are of the account's zone
    query = [
        ("filter[startDate]", _naive(since)),
        ("filter[endDate]", _naive(until)),
        *([("filter[sinceId]", cursor)] if cursor else []),
        ("limit", str(PAGE)),
    ]
    return _call(asked, "/history", query)


def cursor_of(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the number of the page's last change; a page that is not full is the last."""
    changes = reply.body.get("history") if isinstance(reply.body, dict) else None
    if not isinstance(changes, list) or len(changes) < PAGE or not isinstance(changes[-1], dict):
        return None
    last = changes[-1].get("id")
    return str(last) if type(last) is int and last > int(cursor or 0) else None


def missing(reply: Reply) -> bool:
    """Say whether there is no such order: the API's own 404, which is not that of an account."""
    body = reply.body if isinstance(reply.body, dict) else {}
    said = str(body.get("errorMsg", "")).lower()
    return reply.status == 404 and body.get("success") is False and "account" not in said


def _call(asked: Asked, path: str, query: Sequence[tuple[str, str]]) -> Call:
    return Call(path=f"/api/v5/orders{path}", query=query, headers={"x-api-key": asked.secret})


def _naive(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


API = Api(
    host=host_of,
    budget=Budget(units=10, seconds=1),
    reads=dict.fromkeys(_BY, next_of_order),
    lists={"order": Listing(history, cursor_of)},
    missing=missing,
    requires={"account": "адрес аккаунта, shop.retailcrm.ru / the account's address"},
    # Nobody documents that a trigger is run again.
    window=_HOUR,
)
