"""How a company is asked: the lists of its visits and of its goods operations (read 2026-11).

Of a list the pages are numbered, in an order that nobody promises: one is the last when it is
empty. What moves to a page that was passed already is found by the next walk, an hour deep.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, SecretForm, Window
from integrations.clocks import anywhere

#: Host → the ``Accept`` that asks it for answers of the second version.
_ACCEPT = {
    "api.yclients.com": "application/vnd.yclients.v2+json",
    "api.alteg.io": "application/vnd.api.v2+json",
}
_DEFAULT_HOST = "api.yclients.com"
PAGE = 200
_HOUR = 3600.0
_COMPANY = re.compile(r"[1-9][0-9]{0,11}")
_TOKENS = re.compile(r"([A-Za-z0-9]{8,200}),([A-Za-z0-9]{8,200})")
_PAGE = re.compile(r"[1-9][0-9]{0,8}")


def company_number(text: str) -> str:
    """Return the number of a company (``company_id``). Raises ValueError."""
    if not _COMPANY.fullmatch(text.strip()):
        raise ValueError(text)
    return text.strip()


def api_host(text: str) -> str:
    """Return the host of the API: that of YClients or of Altegio. Raises ValueError."""
    host = text.strip().lower().removeprefix("https://").rstrip("/")
    if host not in _ACCEPT:
        raise ValueError(text)
    return host


def tokens(secret: str) -> tuple[str, str]:
    """Return the partner's and the user's token of ``partner,user``. Raises ValueError."""
    match = _TOKENS.fullmatch(secret.strip())
    if match is None:
        raise ValueError("not <partner token>,<user token>")
    return match[1], match[2]


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host: set by a person, never taken from a body."""
    return str(settings.get("api_host", _DEFAULT_HOST))


def visits(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for a page of the visits changed in a window, deleted ones too."""
    return _page(asked, "records", window, cursor, ("with_deleted", "1"))


def goods(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for a page of the goods operations changed in a window, whatever they are."""
    return _page(asked, "storages/transactions", window, cursor)


def next_page(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the number of the next page, None behind the last, which is empty."""
    listed = reply.body.get("data") if isinstance(reply.body, dict) else None
    return str(int(_number(cursor)) + 1) if isinstance(listed, list) and listed else None


def _page(
    asked: Asked, path: str, window: Window, cursor: str | None, *more: tuple[str, str]
) -> Call:
    host, (partner, user) = host_of(asked.settings), tokens(asked.secret)
    since, until = anywhere(window.since, window.until)  # the filter's times have no zone
    return Call(
        path=f"/api/v1/{path}/{asked.settings['company']}",
        query=(
            ("page", _number(cursor)),
            ("count", str(PAGE)),
            ("changed_after", _naive(since)),
            ("changed_before", _naive(until)),
            *more,
        ),
        headers={
            "accept": _ACCEPT[host],
            "content-type": "application/json",
            "authorization": f"Bearer {partner}, User {user}",
        },
    )


def _number(cursor: str | None) -> str:
    return cursor if cursor and _PAGE.fullmatch(cursor) else "1"


def _naive(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S")


API = Api(
    host=host_of,
    # 200 a minute and 5 a second are allowed: 3 a second are 180 a minute.
    budget=Budget(units=3, seconds=1),
    secret_form=SecretForm(
        tokens,
        "токен партнёра и токен пользователя через запятую, без пробелов",
        "the partner's token and the user's, with a comma between them and no spaces",
    ),
    reads={},
    lists={
        "record": Listing(visits, next_page),
        "goods_operations_sale": Listing(goods, next_page),
    },
    requires={"company": "номер филиала, company_id / the number of the location"},
    # An event is sent once, whatever the answer.
    window=_HOUR,
)
