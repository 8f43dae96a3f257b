"""From the body of a PATCH to what a person changed: fields whose value differs, nothing else.

A record that was read may be sent back whole: what equals the record is no change, whether it can
be edited or not.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from rest_framework.renderers import JSONRenderer

from accounts.errors import ApiError
from accounts.messages import Pair

from .. import hand, selectors
from ..models import REFERENCES, Sale
from ..models.base import Entity
from ..writing import Rejected, writer
from .items import Item
from .settings import SETTINGS

#: Links may be written as they are read: ``{"id", "external_id", "name"}``.
_LINKS = frozenset({"location", "device", "employee", "customer", "category"})
_SUMS = Pair("payments, refunds, total", "payments, refunds, total")
_EVENTS = Pair("то, что присылает источник", "what the source sends")
#: Field that is derived → what it follows from.
PARTS: Mapping[str, Pair] = {
    "paid_total": Pair("оплаты источника", "the payments of the source"),
    "refunded_total": Pair("возвраты (/возвраты/)", "the refunds (/refunds/)"),
    "refunds": Pair("возвраты (/возвраты/)", "the refunds (/refunds/)"),
    "payments": Pair("оплаты источника", "the payments of the source"),
    "net_total": _SUMS,
    "counts": Pair("kind, status, is_test", "kind, status, is_test"),
    "mirror_of": Pair("priority источника", "the source's priority"),
    "anomalies": Pair("суммы и строки", "totals and lines"),
}


@dataclass(slots=True)
class Change:
    """What differs: fields of the hand's layer, and settings of a person."""

    fields: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def editable(kind: str) -> list[str]:
    """Return the fields that a person may set."""
    lines = [hand.LINES] if kind == "sale" else []
    return [*hand.FIELDS[kind], *lines, *SETTINGS.get(kind, ())]


def change(kind: str, row: Entity, item: Item, body: Mapping[str, Any]) -> Change:
    """Return what a body changes of a record. Raises ApiError naming a field that cannot be."""
    item = json.loads(JSONRenderer().render(item))
    differing = {name: body[name] for name in body if name not in item or body[name] != item[name]}
    found = Change()
    for name, value in differing.items():
        if name in SETTINGS.get(kind, ()):
            found.settings[name] = SETTINGS[kind][name].checked(name, value)
        else:
            target, meant = _meant(kind, row, item, (name, value))
            found.fields[target] = meant
    wanted = canonical(kind, row, found.fields)
    now = {name: _current(item, name) for name in wanted}
    found.fields = {
        name: value
        for name, value in wanted.items()
        if not _same(kind, row, name, value, before=now[name])
    }
    return found


def canonical(kind: str, row: Entity, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one form of fields. Raises ApiError naming the one that is unusable."""
    try:
        return writer().canonical(kind, row, fields)
    except Rejected as error:
        raise refused(error) from error


def refused(error: Rejected) -> ApiError:
    """Return the refusal of a body or a field; the caller raises it."""
    if not error.path or error.path.startswith("$"):
        return ApiError("body_malformed", reason=error.reason)
    return ApiError("field_unusable", field=error.path, reason=error.reason)


def _meant(kind: str, row: Entity, item: Item, stated: tuple[str, Any]) -> tuple[str, Any]:
    """Return the field and value of the hand's layer. Raises ApiError where there is none."""
    name, value = stated
    if kind == "refund" and name == "sale_external_id":
        return "sale", value
    if kind == "refund" and name == "sale" and value is not None:
        return name, _sale_named(row, value)
    if name == "same_as" and value is not None:
        return name, _twin(kind, row, value)
    if name in _LINKS and isinstance(value, Mapping):
        value = value.get("external_id")
    if name not in editable(kind):
        raise derived(name) if name in item else unknown(name, editable(kind))
    if kind == "sale" and name == "status" and value in ("refunded", "partially_refunded"):
        raise ApiError("field_derived", field=name, parts=PARTS["refunds"]())
    return name, value


def derived(name: str) -> ApiError:
    """Return the refusal of a field that follows from others; the caller raises it."""
    return ApiError("field_derived", field=name, parts=PARTS.get(name, _EVENTS)())


def unknown(name: str, known: Iterable[str]) -> ApiError:
    """Return the refusal of a field that does not exist; the caller raises it."""
    return ApiError("field_unknown", field=name[:100], known=", ".join(known))


def _uuid(name: str, value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise ApiError("field_unusable", field=name, reason="not a UUID") from error


def _sale_named(row: Entity, value: Any) -> str:
    """Return the external id of a sale of the refund's own source."""
    rows = selectors.owned(Sale.objects.all(), [row.account_id])
    found = rows.filter(id=_uuid("sale", value), source_id=row.source_id)
    name = found.values_list("external_id", flat=True).first()
    if name is None:
        raise ApiError("field_unusable", field="sale", reason="no such sale of this source")
    return name


def _twin(kind: str, row: Entity, value: Any) -> str:
    """Return the id of another row that is the same thing and itself the same as no other."""
    key = _uuid("same_as", value)
    rows = selectors.owned(REFERENCES[kind]._default_manager.all(), [row.account_id])
    if key == row.id or not rows.filter(id=key, same_as=None, deleted=False).exists():
        raise ApiError("field_unusable", field="same_as", reason="no such record to be the same as")
    return str(key)


def _current(item: Item, name: str) -> Any:
    """Return a field's value now, in the words of an edit."""
    if name == "sale":
        return item["sale_external_id"]
    value = item[name]
    return value["external_id"] if name in _LINKS and value is not None else value


def _same(kind: str, row: Entity, name: str, value: Any, *, before: Any) -> bool:
    """Say whether two values of a field are one, written differently."""
    try:
        before = writer().canonical(kind, row, {name: before})[name]
    except Rejected:
        return False
    if kind == "sale" and name == hand.LINES:
        return hand.lines(value) == hand.lines(before)
    one, other = (
        hand.columns_of(kind, name, found, source_id=row.source_id) for found in (value, before)
    )
    return one == other
