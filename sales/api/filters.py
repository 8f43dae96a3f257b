"""What a query may ask for: name → how its text is read, and which rows it keeps.

The names of columns are ours, in these tables; nothing a client sends becomes one.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from accounts.errors import ApiError
from accounts.messages import Pair

from .. import selectors
from ..models.sale import Kind, Status

Reader = Callable[[str], Any]
_Date = TypeVar("_Date", bound=date)
_YEARS = range(1900, 2200)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?(Z|[+-]\d\d:\d\d)?", re.A)


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter: ``read`` raises ValueError, ``lookup`` is the condition on the rows."""

    read: Reader
    lookup: str
    expected: Pair


def moment(text: str) -> datetime:
    """Read a time of ISO 8601. Raises ValueError."""
    # An unescaped + of an offset arrives as a space.
    text = re.sub(r" (\d\d:\d\d)$", r"+\1", text) if "T" in text else text
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    found = datetime.fromisoformat(text)
    return _within(found if found.tzinfo else found.replace(tzinfo=UTC))


def _within(found: _Date) -> _Date:
    if found.year not in _YEARS:
        raise ValueError(found)
    return found


def _day(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.A):
        raise ValueError(text)
    return _within(date.fromisoformat(text))


def number(text: str) -> int:
    """Read a number of a row. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{1,18}", text, re.A):
        raise ValueError(text)
    return int(text)


def _truth(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


def _among(names: Iterable[str]) -> Reader:
    known = frozenset(names)

    def read(text: str) -> list[str]:
        wanted = text.split(",")
        if not known.issuperset(wanted):
            raise ValueError(text)
        return wanted

    return read


def _place(text: str) -> Any:
    return selectors.same_places(UUID(text))


TIME = Pair(
    "время ISO 8601, например 2026-05-04T09:30:00Z", "an ISO 8601 time: 2026-05-04T09:30:00Z"
)
_DATE = Pair("дата, например 2026-05-04", "a date: 2026-05-04")
ID = Pair("номер из поля source.id", "the number in the field source.id")
_UUID = Pair("UUID из поля location.id", "the UUID in the field location.id")
_BOOL = Pair("true или false", "true or false")


def choice(names: Iterable[str], lookup: str) -> Filter:
    """Return the filter of one or more of these names."""
    known = list(names)
    listed = ", ".join(known)
    return Filter(
        _among(known),
        lookup,
        Pair(f"одно или несколько через запятую: {listed}", f"one or more, by comma: {listed}"),
    )


REFERENCES: dict[str, Filter] = {
    "updated_after": Filter(moment, "updated_at__gte", TIME),
    "source": Filter(number, "source_id", ID),
}
_DOCUMENTS: dict[str, Filter] = REFERENCES | {
    "occurred_after": Filter(moment, "occurred_at__gte", TIME),
    "occurred_before": Filter(moment, "occurred_at__lt", TIME),
    "business_date_from": Filter(_day, "business_date__gte", _DATE),
    "business_date_to": Filter(_day, "business_date__lte", _DATE),
    "location": Filter(_place, "location_id__in", _UUID),
}
SALES: dict[str, Filter] = _DOCUMENTS | {
    "status": choice(Status.values, "status__in"),
    "kind": choice(Kind.values, "kind__in"),
    "counts": Filter(_truth, "counts", _BOOL),
}
REFUNDS: dict[str, Filter] = _DOCUMENTS | {
    "status": choice(("pending", "completed", "failed"), "status__in"),
    "kind": choice(("refund", "void", "chargeback", "correction"), "kind__in"),
    "counts": Filter(_truth, "counts", _BOOL),
}


def unusable(name: str, expected: Pair) -> ApiError:
    """Return the refusal of a value; the caller raises it."""
    return ApiError("parameter_unusable", field=name, expected=expected())


def narrow(
    rows: QuerySet[Any], filters: Mapping[str, Filter], given: Mapping[str, str]
) -> QuerySet[Any]:
    """Keep the rows that the query asks for. Raises ApiError naming an unusable value."""
    for name in filters.keys() & given.keys():
        wanted = filters[name]
        try:
            value = wanted.read(given[name])
        except (ValueError, KeyError, OverflowError) as error:
            raise unusable(name, wanted.expected) from error
        rows = rows.filter(**{wanted.lookup: value})
    return rows
