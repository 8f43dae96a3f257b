"""What a person may set by hand, and which columns it becomes. No Django in here.

The layer of the hand lies over the provider's: field → ``{"t": micros, "d": delivery, "v": value}``
in the column ``hand``. The effective columns hold the hand's value; ``base`` keeps the provider's
under the same field name, for as long as the field is set.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from .drafts import CLEAR, Line, Mention, entity_id

Entry = Mapping[str, Any]
Read = Callable[[Any, int], Any]


def _text(value: Any, _: int) -> str | None:
    return None if value is None else str(value)


def _as_is(value: Any, _: int) -> Any:
    return value


def _amount(value: Any, _: int) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _time(value: Any, _: int) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _date(value: Any, _: int) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _uuid(value: Any, _: int) -> UUID | None:
    return None if value is None else UUID(value)


def _link(kind: str) -> Read:
    def read(value: Any, source_id: int) -> UUID | None:
        return None if value is None else entity_id(source_id, kind, str(value))

    return read


def _member(name: str) -> Read:
    def read(value: Any, _: int) -> str | None:
        found = (value or {}).get(name)
        return None if found is None else str(found)

    return read


#: The field of its own kind: it decides the column ``deleted`` and has no provider's value.
DELETED = "deleted"
#: One field, kept as rows: the whole list stands or falls.
LINES = "lines"

_PLACE: Mapping[str, Mapping[str, Read]] = {
    "location": {"location_id": _link("location")},
    "device": {"device_id": _link("device")},
    "employee": {"employee_id": _link("employee")},
    "shift": {"shift_id": _member("id"), "shift_number": _member("number")},
}
_DOCUMENT: Mapping[str, Mapping[str, Read]] = {
    "kind": {"kind": _text},
    "number": {"number": _text},
    "occurred_at": {"occurred_at": _time},
    "provider_at": {"provider_at": _time},
    "business_date": {"stated_date": _date},
    "currency": {"currency": _text},
    "is_test": {"stated_test": _as_is},
    "tax_total": {"tax_total": _amount},
    "tip_total": {"tip_total": _amount},
    **_PLACE,
}
_OWN: Mapping[str, Mapping[str, Mapping[str, Read]]] = {
    "location": {"address": {"address": _text}},
    "device": {},
    "employee": {},
    "category": {},
    "product": {
        "sku": {"sku": _text},
        "barcode": {"barcode": _text},
        "unit": {"unit": _text},
        "category": {"category_id": _link("category")},
    },
    "customer": {"phone": {"phone": _text}, "email": {"email": _text}},
}
#: kind → field → column → how its JSON value is read.
FIELDS: Mapping[str, Mapping[str, Mapping[str, Read]]] = {
    "sale": {
        **_DOCUMENT,
        "status": {"stated_status": _text},
        "utc_offset": {"utc_offset": _as_is},
        "channel": {"channel": _text},
        "customer": {"customer_id": _link("customer")},
        "tax_included": {"tax_included": _as_is},
        "gross_total": {"gross_total": _amount},
        "discount_total": {"discount_total": _amount},
        "service_total": {"service_total": _amount},
        "delivery_total": {"delivery_total": _amount},
        "rounding_total": {"rounding_total": _amount},
        "total": {"stated_total": _amount},
        "change_total": {"change_total": _amount},
        "cost_total": {"cost_total": _amount},
        "discounts": {"discounts": _as_is},
    },
    "refund": {
        **_DOCUMENT,
        "status": {"status": _text},
        "sale": {"sale_external_id": _text, "link_sale_id": _link("sale")},
        "total": {"total": _amount},
        "lines": {"lines": _as_is},
        "payments": {"payments": _as_is},
        "reason": {"reason": _text},
    },
    **{
        kind: {"name": {"name": _text}, "same_as": {"same_as": _uuid}, **own}
        for kind, own in _OWN.items()
    },
}


def is_set(entry: Entry | None) -> bool:
    """Say whether a person's value stands (an entry may be the mark of CLEAR)."""
    return entry is not None and entry["v"] != CLEAR


def order(entry: Entry) -> tuple[int, str, str]:
    """Return what decides between two entries of a field: time, then delivery id."""
    return entry["t"], entry["d"], json.dumps(entry["v"], sort_keys=True)


def columns_of(kind: str, field: str, value: Any, *, source_id: int) -> dict[str, Any]:
    """Return column → value of a field. Raises KeyError for a field that cannot be set by hand."""
    return {name: read(value, source_id) for name, read in FIELDS[kind][field].items()}


def canonical(value: Any) -> Any:
    """Return a column's value as JSON: amounts and ids as text, times in UTC."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return datetime.fromtimestamp(value.timestamp(), tz=UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def under(field: str, columns: Mapping[str, Any]) -> Any:
    """Return what ``base`` keeps of a field: its only column, or all of them by name."""
    if field == "sale":
        return columns["sale_external_id"]
    if len(columns) == 1:
        return canonical(next(iter(columns.values())))
    return {name: canonical(value) for name, value in columns.items()}


def restored(kind: str, field: str, value: Any, *, source_id: int) -> dict[str, Any]:
    """Return column → value of what ``base`` kept of a field, values still as JSON."""
    if field == "sale":
        return columns_of(kind, field, value, source_id=source_id)
    names = FIELDS[kind][field]
    return dict(value) if len(names) > 1 else dict.fromkeys(names, value)


def amounts_as_text(text: str) -> dict[str, Any]:
    """Read a row that PostgreSQL gave as JSON; its numbers as canonical text."""
    found = json.loads(text, parse_float=Decimal)
    return {name: canonical(value) for name, value in found.items()}


def lines(value: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Read the lines that a person set: those of the standard schema, values as JSON."""
    return tuple(map(_line, value))


_TEXTS = "name sku barcode category unit settlement_method subject key parent_key".split()
_NUMBERS = "quantity unit_price gross discount total unit_cost cost".split()


def _mention(value: Any) -> Mention | None:
    if not value:
        return None
    if isinstance(value, str):
        return Mention(external_id=value)
    name = str(value.get("external_id") or value["id"])
    return Mention(external_id=name, name=value.get("name"))


def _line(item: Mapping[str, Any]) -> Line:
    tax = item.get("tax") or {}
    return Line(
        kind=item.get("kind") or "good",
        product=_mention(item.get("product")),
        tax_code=tax.get("code"),
        tax_rate=_amount(tax.get("rate"), 0),
        tax_amount=_amount(tax.get("amount"), 0),
        tax_included=tax.get("included"),
        marking=tuple(item.get("marking") or ()),
        **{name: _text(item.get(name), 0) for name in _TEXTS},  # type: ignore[arg-type]
        **{name: _amount(item.get(name), 0) for name in _NUMBERS},  # type: ignore[arg-type]
    )


_LINKS = ("location", "device", "employee", "customer", "sale", "category")


def links(kind: str, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (kind, external id) of the other entities that an edit names."""
    named = [
        (name, str(fields[name]))
        for name in _LINKS
        if name in FIELDS[kind] and fields.get(name) not in (None, CLEAR)
    ]
    products = [
        ("product", line.product.external_id)
        for line in (lines(fields[LINES]) if kind == "sale" and _lists(fields) else ())
        if line.product is not None
    ]
    return named + products


def _lists(fields: Mapping[str, Any]) -> bool:
    return fields.get(LINES) not in (None, CLEAR)
