"""Pages by keyset: a cursor holds the key of the last row, so no page costs more than the first.

Rows inserted meanwhile neither repeat nor hide others. No COUNT, no OFFSET.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core import signing
from django.db.models import Func, OuterRef, Q, QuerySet, UUIDField
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.errors import ApiError
from accounts.messages import Pair
from accounts.models import Account

from .filters import unusable

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
PARAMETERS = ("cursor", "limit")
_LIMIT = Pair(f"число от 1 до {MAX_LIMIT}", f"a number from 1 to {MAX_LIMIT}")


@dataclass(frozen=True, slots=True)
class Order:
    """One or two columns with an index that starts with the account; the last is unique.

    A null of the first of two counts as the greatest value, as PostgreSQL sorts it.
    """

    name: str
    columns: tuple[str, ...]
    readers: tuple[Callable[[Any], Any], ...]
    descending: bool = False
    nullable: bool = False


NEWEST = Order(
    "newest",
    ("occurred_at", "id"),
    (datetime.fromisoformat, UUID),
    descending=True,
    nullable=True,
)
UPDATED = Order("updated", ("updated_at", "id"), (datetime.fromisoformat, UUID))
CODE = Order("code", ("source_id", "external_id"), (int, str))


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after this key, or before it when going back."""

    forward: bool
    key: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order of the list, and the cursors of the pages around them."""

    rows: Sequence[Any]
    after: str | None
    before: str | None


def read_limit(given: Mapping[str, str]) -> int:
    """Return how many rows a page holds. Raises ApiError."""
    text = given.get("limit", str(DEFAULT_LIMIT))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise unusable("limit", _LIMIT)
    return limit


def encode(cursor: Cursor, order: Order) -> str:
    """Return the cursor as signed text, bound to its order."""
    *first, last = cursor.key
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in first]
    return signing.dumps([cursor.forward, *plain, str(last)], salt=f"cursor.{order.name}")


def decode(text: str, order: Order) -> Cursor:
    """Read a cursor that we made for this order. Raises ApiError."""
    try:
        forward, *key = signing.loads(text, salt=f"cursor.{order.name}")
    except signing.BadSignature as error:
        raise ApiError("cursor_unusable", field="cursor") from error
    read = (
        None if value is None else read(value)
        for read, value in zip(order.readers, key, strict=True)
    )
    return Cursor(forward, tuple(read))


def _beyond(order: Order, key: tuple[Any, ...], *, descending: bool) -> Q:
    side = "lt" if descending else "gt"
    further = Q(**{f"{order.columns[-1]}__{side}": key[-1]})
    if len(key) == 1:
        return further
    first, one = order.columns[0], key[0]
    if one is None:
        same = Q(**{f"{first}__isnull": True}) & further
        return same | Q(**{f"{first}__isnull": False}) if descending else same
    # Two conditions, and the first alone bounds the scan of the index.
    bound = Q(**{f"{first}__{side}e": one}) & (Q(**{f"{first}__{side}": one}) | further)
    if descending or not order.nullable:
        return bound
    return bound | Q(**{f"{first}__isnull": True})


def _first(
    rows: QuerySet[Any], count: int, *, order: Order, descending: bool, accounts: Collection[int]
) -> list[Any]:
    """Return the first rows. ``rows`` are those of the accounts."""
    sign = "-" if descending else ""
    ordered = rows.order_by(*(sign + column for column in order.columns))
    if len(accounts) > 1:
        # The index has an order within one account only: without this, all rows of all of them
        # would be sorted for one page. One subquery that is run for each, not one written out for
        # each: planning those would take longer than running them.
        each = ArraySubquery(ordered.filter(account_id=OuterRef("pk")).values("id")[:count])
        ids = Func(each, function="unnest", output_field=UUIDField())
        ordered = ordered.filter(id__in=Account.objects.filter(pk__in=accounts).values(one=ids))
    return list(ordered[:count])


def page(
    rows: QuerySet[Any], order: Order, given: Mapping[str, str], *, accounts: Collection[int]
) -> Page:
    """Cut one page out of the rows of the accounts.

    Raises ApiError for an unusable cursor or limit.
    """
    limit = read_limit(given)
    cursor = decode(given["cursor"], order) if "cursor" in given else None
    backward = cursor is not None and not cursor.forward
    descending = order.descending is not backward
    if cursor is not None:
        rows = rows.filter(_beyond(order, cursor.key, descending=descending))
    found = _first(rows, limit + 1, order=order, descending=descending, accounts=accounts)
    more, found = len(found) > limit, found[:limit]
    if backward:
        found.reverse()
    has_next, has_previous = (True, more) if backward else (more, cursor is not None)
    return Page(
        found,
        _edge(found, order, -1, forward=True) if has_next else None,
        _edge(found, order, 0, forward=False) if has_previous else None,
    )


def _edge(rows: Sequence[Any], order: Order, index: int, *, forward: bool) -> str | None:
    if not rows:
        return None
    key = tuple(getattr(rows[index], column) for column in order.columns)
    return encode(Cursor(forward, key), order)


def answer(request: Request, found: Page, items: Sequence[Any]) -> Response:
    """Answer with the records of a page and the addresses of those around it."""
    here = request.build_absolute_uri()
    links = {"next": found.after, "previous": found.before}
    urls = {
        name: cursor and replace_query_param(here, "cursor", cursor)
        for name, cursor in links.items()
    }
    return Response(urls | {"results": items})
