"""How MoySklad is asked (dev.moysklad.ru, read 2026-11): JSON API 1.2 on its one host."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window, pause_by_header

from .words import ZONE

_ENTITY = "/api/remap/1.2/entity"
#: From more rows on ``expand`` is silently not done.
_PAGE = 100
#: A document of more positions than fit into so many pages is stated without its lines.
_MOST_PAGES = 40
#: What a request with a user's token costs from 2026-12-01 on (3 before); a solution's costs 1.
_UNITS = 4
_EXPAND = "positions.assortment,agent,retailStore,retailShift,owner,rate.currency"
_CURSOR = re.compile(r"([0-9-]{10} [0-9:.]{8,12})\+([0-9]{1,9})")
_KINDS = ("retaildemand", "retailsalesreturn")


def _call(asked: Asked, path: str, query: Sequence[tuple[str, str]]) -> Call:
    headers = {"Authorization": f"Bearer {asked.secret}", "Accept-Encoding": "gzip"}
    return Call(path=f"{_ENTITY}/{asked.kind}{path}", query=query, headers=headers, units=_UNITS)


def document(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a document, then for the pages of its positions that did not fit."""
    name = quote(asked.external_id, safe="")
    if not replies:
        return _call(asked, f"/{name}", [("expand", _EXPAND)])
    first, *pages = (reply.body for reply in replies)
    found = [_rows(_of(first, "positions")), *map(_rows, pages)]
    have, size = sum(map(len, found)), _of(_of(_of(first, "positions"), "meta"), "size")
    if not isinstance(size, int) or have >= size or len(pages) >= _MOST_PAGES:
        return None
    if pages and not found[-1]:
        return None
    query = [("expand", "assortment"), ("limit", str(_PAGE)), ("offset", str(have))]
    return _call(asked, f"/{name}/positions", query)


def listed(asked: Asked, window: Window, cursor: str | None) -> Call:
    """Ask for a page of what changed in the window, the oldest change first."""
    match = _CURSOR.fullmatch(cursor or "")
    since, offset = (match[1], match[2]) if match else (_moscow(window.since), "0")
    changed = f"updated>={since};updated<={_moscow(window.until)}"
    query = [("filter", changed), ("order", "updated,asc"), ("expand", _EXPAND)]
    return _call(asked, "", [*query, ("limit", str(_PAGE)), ("offset", offset)])


def next_page(reply: Reply, cursor: str | None) -> str | None:
    """Return where the next page begins: at the last change of this one, never at its number.

    A document that changes meanwhile leaves its place in the list; counted rows would skip another.
    """
    rows = _rows(reply.body)
    last = _of(rows[-1], "updated") if rows else None
    if len(rows) < _PAGE or not isinstance(last, str):
        return None
    match = _CURSOR.fullmatch(cursor or "")
    same = match is not None and match[1] == last
    return f"{last}+{int(match[2]) + len(rows) if match and same else 0}"


def pause(reply: Reply) -> float | None:
    """Return for how many seconds to ask nothing: MoySklad says it in milliseconds.

    The headers of its limits stand in every answer; only a 429 is a refusal.
    """
    if reply.status != 429:
        return None
    text = reply.headers.get("x-lognex-retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text) / 1000
    return pause_by_header(reply)


def missing(reply: Reply) -> bool:
    """Say whether the document is gone; 410 would say that of this version of the API."""
    return reply.status == 404


def _moscow(time: datetime) -> str:
    return time.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _rows(value: Any) -> list[Any]:
    rows = _of(value, "rows")
    return rows if isinstance(rows, list) else []


def host(_: Mapping[str, Any]) -> str:
    """Return the one host there is."""
    return "api.moysklad.ru"


API = Api(
    host=host,
    budget=Budget(units=45, seconds=3.0, at_once=5),
    reads=dict.fromkeys(_KINDS, document),
    lists=dict.fromkeys(_KINDS, Listing(call=listed, cursor=next_page)),
    missing=missing,
    pause=pause,
    # A notice is lost after four tries without a pause: the clock asks again for the last hour.
    window=3600.0,
)
