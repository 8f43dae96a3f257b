"""How a portal is asked (github.com/bitrix24/b24restdocs, read 2026-11).

The inbound webhook is a secret inside the path: ``/rest/<user>/<code>/crm.deal.get.json``.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.asking import (
    Api,
    Asked,
    Budget,
    Call,
    Listing,
    Reply,
    SecretForm,
    Window,
    pause_by_header,
)

#: A page of any list, which cannot be changed.
PAGE = 50
_DAY = 86_400.0
_SECRET = re.compile(r"(?:https://[^/\s]+/rest/)?([0-9]{1,10}/[A-Za-z0-9]{6,100})/?")
#: Code of an error → for how many seconds to ask nothing: 50 calls at once, then 2 a second; a
#: portal that is overloaded blocks whoever goes on.
_PAUSES = {"QUERY_LIMIT_EXCEEDED": 5.0, "OVERLOAD_LIMIT": 600.0, "OPERATION_TIME_LIMIT": 600.0}


def webhook_key(secret: str) -> str:
    """Return ``<user>/<code>`` of an inbound webhook, given so or as its address. Raises ValueError
    without the secret in it."""
    match = _SECRET.fullmatch(secret.strip())
    if match is None:
        raise ValueError("not <user>/<code> of an inbound webhook")
    return match[1]


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the portal's host: set by a person, never taken from a body."""
    return str(settings["portal"])


def next_of_deal(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a deal, then for its product rows, page by page."""
    if not replies:
        return _call(asked, "crm.deal.get", ("id", asked.external_id))
    start = PAGE * (len(replies) - 1)
    if start and _member(replies[-1], "next") != start:
        return None
    return _call(
        asked,
        "crm.item.productrow.list",
        ("filter[=ownerType]", "D"),
        ("filter[=ownerId]", asked.external_id),
        ("order[id]", "asc"),
        ("start", str(start)),
    )


def next_of_contact(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a contact."""
    return None if replies else _call(asked, "crm.contact.get", ("id", asked.external_id))


def page_of_deals(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the numbers of deals changed in a window, behind the last one seen.

    Not by offset: a deal changed meanwhile leaves the window, and all behind it would move up.
    """
    behind = (("filter[>ID]", cursor),) if cursor else ()
    return _call(
        asked,
        "crm.deal.list",
        ("select[]", "ID"),
        ("select[]", "DATE_MODIFY"),
        ("filter[>=DATE_MODIFY]", _written(window.since)),
        ("filter[<=DATE_MODIFY]", _written(window.until)),
        *behind,
        ("order[ID]", "ASC"),
        ("start", "-1"),  # without counting
    )


def cursor_of_deals(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the number of the page's last deal; a page that is not full is the last."""
    found = _member(reply, "result")
    if not isinstance(found, list) or len(found) < PAGE or not isinstance(found[-1], dict):
        return None
    last = str(found[-1].get("ID", ""))
    return last if last.isdigit() and int(last) > int(cursor or 0) else None


def missing(reply: Reply) -> bool:
    """Say whether the entity is gone: status 400 (older portals: 404) and these words, no code."""
    words = str(_member(reply, "error_description") or "").strip().rstrip(".").lower()
    code = _member(reply, "error")
    return reply.status in (400, 404) and (code == "NOT_FOUND" or words == "not found")


def pause(reply: Reply) -> float | None:
    """Return for how many seconds to ask nothing."""
    return pause_by_header(reply) or _PAUSES.get(str(_member(reply, "error")))


def _call(asked: Asked, method: str, *query: tuple[str, str]) -> Call:
    return Call(path=f"/rest/{webhook_key(asked.secret)}/{method}.json", query=query)


def _member(reply: Reply, key: str) -> Any:
    return reply.body.get(key) if isinstance(reply.body, dict) else None


def _written(time: datetime) -> str:
    return time.astimezone(UTC).isoformat("T", "seconds")


API = Api(
    host=host_of,
    budget=Budget(units=2, seconds=1),
    reads={"deal": next_of_deal, "contact": next_of_contact},
    lists={"deal": Listing(page_of_deals, cursor_of_deals)},
    secret_form=SecretForm(
        webhook_key,
        "адрес входящего вебхука или его часть 7/код",
        "the address of an inbound webhook, or its part 7/code",
    ),
    missing=missing,
    pause=pause,
    requires={"portal": "адрес портала, company.bitrix24.ru / the portal's domain"},
    window=_DAY,
)
