"""Which dead letters a request means: the body of an action, or the query of the groups."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from accounts.errors import ApiError
from sales.api.edits import refused, unknown
from sales.api.filters import narrow, unusable
from sales.writing import Rejected

from .. import manual
from ..deadletters import PAGE, Filter, of_path
from ..models import DeadLetter
from . import filters

#: How long the reason of a person may be.
REASON_LIMIT = 300
#: What a filter may hold: of groups as of actions.
GROUPED = ("source", "provider", "type", "reason", "path")

Read = Callable[[Any], Any]


def _id(value: Any) -> int:
    if type(value) is not int or not 0 < value < 2**63:
        raise ValueError(value)
    return value


def _ids(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= PAGE:
        raise ValueError(value)
    return tuple(map(_id, value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return filters.text(value)


def _why(value: Any) -> str:
    found = _text(value).strip()
    if not 1 <= len(found) <= REASON_LIMIT:
        raise ValueError(value)
    return found


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(value)
    return _checked(value, {name: _FILTER[name] for name in GROUPED}, "filter.")


#: Name → how its value is read, and what is expected.
_FILTER: Mapping[str, tuple[Read, str]] = {
    "source": (_id, "the number of a source"),
    **dict.fromkeys(("provider", "type", "reason", "path"), (_text, "a text")),
}
_IDS = (_ids, f"a list of 1 to {PAGE} ids")
SELECTION: Mapping[str, tuple[Read, str]] = {
    "ids": _IDS,
    "filter": (_object, f"an object of {', '.join(GROUPED)}"),
    "before": (_id, "the number in the field next"),
}
REASON: Mapping[str, tuple[Read, str]] = {
    "reason": (_why, f"a text of 1 to {REASON_LIMIT} characters"),
}


def read(raw: Any, known: Mapping[str, tuple[Read, str]], *, needed: Sequence[str]) -> Any:
    """Read the body of an action. Raises ApiError naming a field."""
    try:
        body = manual.read(raw) if isinstance(raw, bytes) and raw.strip() else {}
    except Rejected as error:
        raise refused(error) from error
    found = _checked(body, known)
    for name in needed:
        if name not in found:
            raise ApiError("field_unusable", field=name, reason=f"missing: {known[name][1]}")
    return found


def _checked(
    body: Mapping[str, Any], known: Mapping[str, tuple[Read, str]], prefix: str = ""
) -> dict[str, Any]:
    found = {}
    for name, value in body.items():
        if name not in known:
            raise unknown(prefix + name, known)
        reader, expected = known[name]
        try:
            found[name] = reader(value)
        except ValueError as error:
            raise ApiError("field_unusable", field=prefix + name, reason=expected) from error
    return found


def chosen(body: Mapping[str, Any], accounts: Sequence[int]) -> Filter:
    """Return the letters that a body means, of these accounts. Raises ApiError."""
    if ("ids" in body) == ("filter" in body):
        raise ApiError("selection_unclear", field="filter")
    return Filter(ids=body.get("ids", ()), accounts=accounts, **body.get("filter", {}))


def grouped(given: Mapping[str, str], accounts: Sequence[int]) -> Filter:
    """Return the letters that the query of the groups means. Raises ApiError."""
    named: dict[str, Any] = {name: given[name] for name in GROUPED if name in given}
    narrow(DeadLetter.objects.none(), filters.LETTERS, named)  # refuses what is unusable
    if "source" in named:
        named["source"] = int(named["source"])
    return Filter(accounts=accounts, **named)


def letters(rows: Any, given: Mapping[str, str]) -> Any:
    """Keep the letters that the query of the list asks for. Raises ApiError."""
    rows = narrow(rows, filters.LETTERS, {"state": "open"} | dict(given))
    if (path := given.get("path")) is None:
        return rows
    try:
        return rows.filter(**of_path(filters.text(path)))
    except ValueError as error:
        raise unusable("path", filters.TEXT) from error
