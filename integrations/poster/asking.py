"""How Poster is asked (dev.joinposter.com, read 2026-11): one host, the token in the query."""

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window

#: Of an error in the body: 10, 11, 12 no, wrong or old token; 20, 54 it may not; 503 the account
#: is archived; 32, 404 there is no such thing.
_STATUSES = {
    **dict.fromkeys(("10", "11", "12"), 401),
    **dict.fromkeys(("20", "54"), 403),
    **dict.fromkeys(("32", "404"), 404),
    "503": 503,
}
_OTHER = 400
_DAY = timedelta(days=1)


def next_of_cheque(asked: Asked, replies: Sequence[Reply], /) -> Call | None:
    """Ask for a cheque in whatever state, then for the names of what is in it."""
    cheque = ("transaction_id", asked.external_id)
    if not replies:
        return _call(asked, "dash.getTransaction", cheque, ("include_products", "true"), _ALL)
    if len(replies) == 1 and _has_products(replies[0]):
        return _call(asked, "dash.getTransactionProducts", cheque)
    return None


def page_of_cheques(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the cheques of some days, behind the last one seen. Whose days they are is not said:
    a day more on each side holds them in any zone."""
    days = (
        ("dateFrom", (window.since.astimezone(UTC) - _DAY).strftime("%Y%m%d")),
        ("dateTo", (window.until.astimezone(UTC) + _DAY).strftime("%Y%m%d")),
    )
    behind = (("next_tr", cursor),) if cursor else ()
    return _call(asked, "dash.getTransactions", *days, _ALL, *behind)


def cursor_of_cheques(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the number of the page's last cheque, None where there is none, or none but it."""
    rows = _response(reply)
    last = rows[-1].get("transaction_id") if rows and isinstance(rows[-1], dict) else None
    name = str(last) if type(last) in (str, int) else ""
    return name if name.isascii() and name.isdigit() and name != cursor else None


def status(reply: Reply) -> int:
    """Return what status an answer means: Poster writes its errors into the body of a 200."""
    error = reply.body.get("error") if isinstance(reply.body, dict) else None
    if reply.status != 200 or error is None:
        return reply.status
    code = error.get("code") if isinstance(error, dict) else error
    return _STATUSES.get(str(code), _OTHER)


def missing(reply: Reply) -> bool:
    """Say whether there is no such cheque: an error that says so, or a list without it."""
    return reply.status == 404 or (reply.status == 200 and _response(reply) == [])


def _has_products(reply: Reply) -> bool:
    cheques = _response(reply) or [None]
    return isinstance(cheques[0], dict) and bool(cheques[0].get("products"))


def _response(reply: Reply) -> Any:
    found = reply.body.get("response") if isinstance(reply.body, dict) else None
    return found if isinstance(found, list) else None


def _call(asked: Asked, method: str, *query: tuple[str, str]) -> Call:
    return Call(path=f"/api/{method}", query=(("token", asked.secret), *query))


def host(_: Mapping[str, Any]) -> str:
    """Return the one host there is."""
    return "joinposter.com"


#: Open, closed and deleted ones: which of them come without it is not said.
_ALL = ("status", "0")
API = Api(
    host=host,
    # No limit is documented: this much nobody can object to.
    budget=Budget(units=2, seconds=1.0),
    reads={"transaction": next_of_cheque},
    lists={"transaction": Listing(page_of_cheques, cursor_of_cheques)},
    status=status,
    missing=missing,
)
