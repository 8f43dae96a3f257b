"""Reads what a person set by hand: ``entity.edited`` into drafts.Edit, every value checked.

Values become canonical JSON: amounts and quantities as text, times in UTC, links as external ids.
A field that the provider may speak for again is ``{"__clear__": true}``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sales.drafts import CLEAR, Edit, Line, Mention, ReferenceKind
from sales.money import is_currency

from . import parts, schema
from .contract import Context, Event
from .lines import refund_lines, sale_lines
from .reading import AMOUNT_LIMIT, Reader

Check = Callable[[Reader, str], Any]
_FIELDS_PATH = "data.fields"
_TAX = "tax_"


def canonical(value: Any) -> Any:
    """Return a value of a draft as JSON: sale.md's names, nulls left out of records."""
    if isinstance(value, Line):
        return _line(value)
    if isinstance(value, Mention):
        return {"external_id": value.external_id, **_present({"name": value.name})}
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [canonical(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return _present({item.name: getattr(value, item.name) for item in fields(value)})
    return value


def _present(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: canonical(value) for name, value in record.items() if value not in (None, ())}


def _line(line: Line) -> dict[str, Any]:
    flat = _present({item.name: getattr(line, item.name) for item in fields(line)})
    tax = {name[len(_TAX) :]: flat.pop(name) for name in list(flat) if name.startswith(_TAX)}
    return {**flat, "tax": tax} if tax else flat


# --- one check per form of value; the second argument is the currency ---------------------------


def _text(reader: Reader, _: str) -> str:
    return reader.text()


def _bool(reader: Reader, _: str) -> bool:
    return reader.boolean()


def _id(reader: Reader, _: str) -> str:
    return reader.id()


def _time(reader: Reader, _: str) -> str:
    return str(canonical(reader.time()))


def _date(reader: Reader, _: str) -> str:
    return reader.date().isoformat()


def _offset(reader: Reader, _: str) -> int:
    return schema.offset(reader)


def _word(allowed: frozenset[str]) -> Check:
    return lambda reader, _: reader.one_of(allowed)


def _currency(reader: Reader, _: str) -> str:
    if not is_currency(reader.text(3)):
        raise reader.refuse("not a currency of ISO-4217")
    return reader.text(3)


def _signed(reader: Reader, _: str) -> str:
    found = reader.fine(4)
    if abs(found) >= AMOUNT_LIMIT:
        raise reader.refuse("an amount out of range")
    return format(found, "f")


def _amount(reader: Reader, currency: str) -> str:
    if reader.decimal() < 0:
        raise reader.refuse("a negative amount")
    return _signed(reader, currency)


def _uuid(reader: Reader, _: str) -> str:
    try:
        return str(UUID(reader.text(40)))
    except ValueError:
        raise reader.refuse("not a UUID") from None


def _shift(reader: Reader, _: str) -> dict[str, Any]:
    return {name: reader.maybe(name, Reader.id) for name in ("id", "number")}


def _list(read: Callable[[Reader, str], Any], name: str) -> Check:
    """Return the check of a list, which its reader finds under its name in a document."""

    def check(reader: Reader, currency: str) -> Any:
        return canonical(read(Reader({name: reader.value}, _FIELDS_PATH), currency) or ())

    return check


_PLACE: Mapping[str, Check] = {
    "number": _id,
    "occurred_at": _time,
    "provider_at": _time,
    "business_date": _date,
    "currency": _currency,
    "is_test": _bool,
    "tax_total": _amount,
    "tip_total": _amount,
    "location": _id,
    "device": _id,
    "employee": _id,
    "shift": _shift,
}
_NAMED: Mapping[str, Check] = {"name": _text, "same_as": _uuid}
#: kind → field → the check of its value. ``deleted`` belongs to every kind.
FIELDS: Mapping[str, Mapping[str, Check]] = {
    "sale": {
        **_PLACE,
        "kind": _word(schema.SALE_KINDS),
        "status": _word(schema.SALE_STATUSES),
        "utc_offset": _offset,
        "channel": _word(schema.CHANNELS),
        "customer": _id,
        "tax_included": _bool,
        **dict.fromkeys(
            "gross_total discount_total service_total delivery_total total change_total "
            "cost_total".split(),
            _amount,
        ),
        "rounding_total": _signed,
        "lines": _list(sale_lines, "lines"),
        "discounts": _list(parts.discounts, "discounts"),
    },
    "refund": {
        **_PLACE,
        "kind": _word(schema.REFUND_KINDS),
        "status": _word(schema.REFUND_STATUSES),
        "sale": _id,
        "total": _amount,
        "lines": _list(refund_lines, "lines"),
        "payments": _list(partial(parts.payments, zone="UTC"), "payments"),
        "reason": _text,
    },
    ReferenceKind.LOCATION: {**_NAMED, "address": _text},
    ReferenceKind.DEVICE: _NAMED,
    ReferenceKind.EMPLOYEE: _NAMED,
    ReferenceKind.CATEGORY: _NAMED,
    ReferenceKind.PRODUCT: {
        **_NAMED,
        "sku": _id,
        "barcode": _id,
        "unit": _text,
        "category": _id,
    },
    ReferenceKind.CUSTOMER: {**_NAMED, "phone": _text, "email": _text},
}
#: What may not be null: clearing such a field is done with the mark.
_NEVER_NULL = frozenset({"kind", "status", "currency", "channel", "is_test", "deleted"})


def normalise_edit(event: Event, context: Context) -> Sequence[Edit]:
    """Read ``{"kind", "source_id", "external_id", "at", "fields"}``; ``at`` in microseconds.

    Raises PayloadUnrecognised for a field that cannot be set by hand, or a value that cannot be.
    """
    data = Reader(event.payload)["data"]
    kind = data["kind"].one_of(frozenset(FIELDS))
    return (
        Edit(
            kind=str(kind),
            source_id=data["source_id"].integer(),
            external_id=data["external_id"].id(),
            at=data["at"].integer(),
            fields=_fields(data["fields"], kind, context),
        ),
    )


def _fields(stated: Reader, kind: str, context: Context) -> dict[str, Any]:
    members = dict(stated.members())
    checks = {**FIELDS[kind], "deleted": _bool}
    plain = {name: value.value for name, value in members.items() if value.value != CLEAR}
    currency = schema.currency_of(Reader(plain, stated.path), context.currency)
    return {name: _checked(name, value, checks, currency) for name, value in members.items()}


def _checked(name: str, value: Reader, checks: Mapping[str, Check], currency: str) -> Any:
    check = checks.get(name)
    if check is None:
        raise value.refuse("cannot be set by hand")
    if value.value == CLEAR:
        return CLEAR
    if value.value is None and name not in _NEVER_NULL:
        return None
    return check(value, currency)
