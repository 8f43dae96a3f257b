"""How a HubSpot account is asked (developers.hubspot.com, CRM API v3, read 2026-11)."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window, pause_by_header
from integrations.clocks import micros
from integrations.contract import PayloadUnrecognised
from integrations.reading import Reader

#: The most of a page of a search, and of rows that one call reads.
PAGE = 100
_OBJECTS = "/crm/v3/objects"
_DEAL = (
    "dealname", "amount", "deal_currency_code", "dealstage", "hs_is_closed", "hs_is_closed_won",
    "closedate", "createdate", "hs_lastmodifieddate", "hubspot_owner_id",
)  # fmt: skip
_LINE = ("name", "hs_product_id", "hs_sku", "quantity", "price", "amount")
_CONTACT = ("firstname", "lastname", "phone", "mobilephone", "email", "lastmodifieddate")
#: What kind of object changed when: the property that says it.
_CLOCKS = {"deal": "hs_lastmodifieddate", "contact": "lastmodifieddate"}
#: A search costs more than a read: an account may search five times a second.
_SEARCH = 3
#: Seconds of quiet after a refusal without Retry-After: the limit is counted over ten.
_PAUSES = {429: 10.0}


def read_portal(text: str) -> str:
    """Return the number of an account (Hub ID). Raises ValueError."""
    found = text.strip()
    if not (found.isascii() and found.isdigit() and len(found) <= 18):
        raise ValueError(text)
    return found


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host: one for all accounts."""
    return "api.hubapi.com"


def next_of_deal(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a deal with what it is linked to, then for its rows, a hundred at a time."""
    if not replies:
        query = (("properties", ",".join(_DEAL)), ("associations", "line_items,contacts"))
        return _call(asked, f"{_OBJECTS}/deals/{asked.external_id}", query)
    start = PAGE * (len(replies) - 1)
    wanted = _rows_of(replies[0])[start : start + PAGE]
    if not wanted:
        return None
    inputs = [{"id": one} for one in wanted]
    return _post(
        asked, f"{_OBJECTS}/line_items/batch/read", {"properties": _LINE, "inputs": inputs}
    )


def next_of_contact(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a contact."""
    query = (("properties", ",".join(_CONTACT)),)
    path = f"{_OBJECTS}/contacts/{asked.external_id}"
    return None if replies else _call(asked, path, query)


def page(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the deals, or the contacts, changed in a window, the longest unchanged first.

    A cursor is ``<millisecond>:<after>``: from that moment on, and ``after`` only inside it. By
    offset alone, all would move up behind a deal that is changed during the walk.
    """
    since, _, after = (cursor or f"{micros(window.since) // 1000}:").partition(":")
    clock, objects = _CLOCKS[asked.kind], f"{_OBJECTS}/{asked.kind}s"
    changed = {
        "propertyName": clock,
        "operator": "BETWEEN",
        "value": since,
        "highValue": str(micros(window.until) // 1000),
    }
    wanted: dict[str, Any] = {
        "filterGroups": [{"filters": [changed]}],
        "sorts": [{"propertyName": clock, "direction": "ASCENDING"}],
        "properties": [clock],
        "limit": PAGE,
    }
    if after:
        wanted["after"] = after
    return _post(asked, f"{objects}/search", wanted, units=_SEARCH)


def cursor_of(reply: Reply, cursor: str | None, /) -> str | None:
    """Return where the next page begins: at the last one's moment, or behind a full one."""
    after = _at(reply.body, "paging", "next", "after")
    found = _at(reply.body, "results")
    last = _moment(found[-1]) if isinstance(found, list) and found else None
    if not isinstance(after, str) or last is None:
        return None
    since = (cursor or ":").partition(":")[0]
    return f"{since}:{after}" if since == str(last) else f"{last}:"


def _moment(found: Any) -> int | None:
    """Return the millisecond of an object's last change."""
    told = Reader(found)
    for clock in _CLOCKS.values():
        with contextlib.suppress(PayloadUnrecognised):
            return micros(told["properties"][clock].time()) // 1000
    return None


def _rows_of(reply: Reply) -> list[str]:
    """Return the ids of a deal's rows, whatever the answer is."""
    found = _at(reply.body, "associations", "line items", "results")
    linked = found if isinstance(found, list) else []
    ids = (one.get("id") for one in linked if isinstance(one, dict))
    return list(dict.fromkeys(one for one in ids if isinstance(one, str) and one.isdigit()))


def _at(body: Any, *keys: str) -> Any:
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def pause(reply: Reply) -> float | None:
    """Return for how many seconds to ask nothing."""
    return pause_by_header(reply) or _PAUSES.get(reply.status)


def _call(asked: Asked, path: str, query: Sequence[tuple[str, str]]) -> Call:
    return Call(path=path, query=query, headers=_authorised(asked))


def _post(asked: Asked, path: str, body: Mapping[str, Any], *, units: int = 1) -> Call:
    headers = {**_authorised(asked), "content-type": "application/json"}
    sent = json.dumps(body).encode()
    return Call(path=path, method="POST", headers=headers, body=sent, units=units)


def _authorised(asked: Asked) -> dict[str, str]:
    return {"authorization": f"Bearer {asked.secret}"}


API = Api(
    host=host_of,
    budget=Budget(units=90, seconds=10, at_once=4),
    reads={"deal": next_of_deal, "contact": next_of_contact},
    lists={kind: Listing(page, cursor_of) for kind in _CLOCKS},
    pause=pause,
)
