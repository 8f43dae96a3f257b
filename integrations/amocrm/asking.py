"""How an account is asked (amocrm.ru/developers, developers.kommo.com, read 2026-11)."""

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window, pause_by_header
from integrations.hosts import read_account

PAGE = 250
#: What of a lead is only told on request.
_WITH = {"lead": (("with", "contacts,catalog_elements"),), "contact": ()}
_PATHS = {"lead": "/api/v4/leads", "contact": "/api/v4/contacts"}
_DOMAINS = (".amocrm.ru", ".kommo.com")
_NO_CONTENT = 204
#: Seconds of quiet after an answer of this status without Retry-After.
_PAUSES = {429: 10.0}


def account_host(text: str) -> str:
    """Return the host of an account from its subdomain (then at amocrm.ru), name or address.

    Raises ValueError.
    """
    return read_account(text, _DOMAINS)


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the account's host: set by a person, never taken from a body."""
    return str(settings["subdomain"])


def next_call(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for one lead or contact."""
    path = f"{_PATHS[asked.kind]}/{asked.external_id}"
    return None if replies else _call(asked, path, _WITH[asked.kind])


def page(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for what was changed in a window, the longest unchanged first.

    A cursor is ``<second>:<page>``: the pages of what was changed from that second on. By number
    of page alone, all would move up behind what is changed during the walk.
    """
    since, _, number = (cursor or f"{int(window.since.timestamp())}:1").partition(":")
    return _call(
        asked,
        _PATHS[asked.kind],
        (
            *_WITH[asked.kind],
            ("filter[updated_at][from]", since),
            ("filter[updated_at][to]", str(int(window.until.timestamp()))),
            ("order[updated_at]", "asc"),
            ("limit", str(PAGE)),
            ("page", number),
        ),
    )


def cursor_of(reply: Reply, cursor: str | None, /) -> str | None:
    """Return where the next page begins: at the last one's second, or behind a full second."""
    found = _listed(reply)
    last = found[-1].get("updated_at") if len(found) >= PAGE else None
    if type(last) is not int:
        return None
    since, _, number = (cursor or ":").partition(":")
    return f"{since}:{int(number) + 1}" if since == str(last) else f"{last}:1"


def _listed(reply: Reply) -> list[dict[str, Any]]:
    """Return the entities of a page, whatever it is: an empty list is a 204 without a body."""
    embedded = reply.body.get("_embedded") if isinstance(reply.body, dict) else None
    lists = embedded.values() if isinstance(embedded, dict) else ()
    found = next((one for one in lists if isinstance(one, list)), [])
    return found if all(isinstance(one, dict) for one in found) else []


def missing(reply: Reply) -> bool:
    """Say whether there is no such entity: 204 without content, else 404 of the API itself."""
    body = reply.body if isinstance(reply.body, dict) else {}
    return reply.status == _NO_CONTENT or (reply.status == 404 and body.get("status") == 404)


def pause(reply: Reply) -> float | None:
    """Return for how many seconds to ask nothing."""
    return pause_by_header(reply) or _PAUSES.get(reply.status)


def _call(asked: Asked, path: str, query: Sequence[tuple[str, str]]) -> Call:
    return Call(path=path, query=query, headers={"authorization": f"Bearer {asked.secret}"})


API = Api(
    host=host_of,
    budget=Budget(units=7, seconds=1),
    reads={"lead": next_call, "contact": next_call},
    lists={"lead": Listing(page, cursor_of), "contact": Listing(page, cursor_of)},
    missing=missing,
    pause=pause,
    requires={"subdomain": "адрес аккаунта, romashka.amocrm.ru / the account's address"},
)
