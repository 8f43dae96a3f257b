"""How Evotor's cloud is asked for documents that never came (its documentation, read 2026-11-27).

First for the shops of the user, then for the documents of each: a list has no pages, and spans a
month at most. They are documents of the first form.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.asking import Api, Asked, Budget, Call, Listing, Reply, Window
from integrations.contract import Context, Event
from integrations.reading import Reader
from sales.drafts import Rank, RefundDraft, SaleDraft

from . import transactions

KIND = "documents"
_STORES = "/api/v1/inventories/stores"
_STORE = re.compile(r"[0-9A-Za-z-]{1,64}")
_READS: Mapping[str, Callable[[Reader, Context], SaleDraft | RefundDraft]] = {
    "SELL": transactions.sale,
    "PAYBACK": transactions.refund,
}
#: Both bounds of a list are outside of it.
_INSTANT = timedelta(milliseconds=1)


def listed(asked: Asked, window: Window, cursor: str | None) -> Call:
    """Ask for the shops, then for the documents of the first shop that the cursor names."""
    headers = {"X-Authorization": asked.secret}
    if cursor is None:
        return Call(path=f"{_STORES}/search", headers=headers)
    query = [
        ("gtCloseDate", _time(window.since - _INSTANT)),
        ("ltCloseDate", _time(window.until + _INSTANT)),
        ("types", ",".join(_READS)),
    ]
    return Call(
        path=f"{_STORES}/{cursor.partition(',')[0]}/documents", query=query, headers=headers
    )


def next_shop(reply: Reply, cursor: str | None) -> str | None:
    """Return the shops that are still to be asked about: all that are listed, then one less."""
    if cursor is not None:
        return cursor.partition(",")[2] or None
    rows = reply.body if isinstance(reply.body, list) else []
    names = (row.get("uuid") for row in rows if isinstance(row, dict))
    return ",".join(one for one in names if isinstance(one, str) and _STORE.fullmatch(one)) or None


def read(event: Event, context: Context, /) -> Sequence[SaleDraft | RefundDraft]:
    """Read the sales and refunds of a list; shops and other documents state nothing.

    What does not name its shop is told poorer than what was pushed: there the path names it.
    """
    found = []
    for row in (row for answer in Reader(event.payload)["answers"] for row in answer):
        kind = row.get("type")
        reads = None if kind is None else _READS.get(kind.text())
        if reads is None or row.get("transactions") is None:
            continue
        draft = reads(row, context)
        if not row.maybe("storeUuid", Reader.label):
            draft = replace(draft, version=replace(draft.version, rank=Rank.PARTIAL))
        found.append(draft)
    return found


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def host(_: Mapping[str, Any]) -> str:
    """Return the one host there is."""
    return "api.evotor.ru"


API = Api(
    host=host,
    # The limit is told in headers and documented nowhere: one call a second keeps far from any.
    budget=Budget(units=1, seconds=1.0),
    reads={},
    lists={
        KIND: Listing(call=listed, cursor=next_shop, longest=timedelta(days=7)),
    },
)
