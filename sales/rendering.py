"""Parts of a document that are kept as JSON: discounts, a refund's lines and payments."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from .drafts import Discount, Mention, Payment, RefundLine
from .hand import canonical

_NAMES: dict[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind)) for kind in (Discount, RefundLine)
}
#: Of a refund's payment: what says how the money went back.
_NAMES[Payment] = tuple(
    "external_id method provider_method status amount currency tip tendered change paid_at last4 "
    "rrn fee".split()
)


def _value(value: Any) -> Any:
    return value.external_id if isinstance(value, Mention) else canonical(value)


def parts(items: Iterable[Discount | RefundLine | Payment]) -> list[Mapping[str, Any]]:
    """Return the parts as JSON objects; links as external ids, amounts as text."""
    return [{name: _value(getattr(item, name)) for name in _NAMES[type(item)]} for item in items]


def text(items: Iterable[Discount | RefundLine | Payment]) -> str:
    """Return the parts as JSON text."""
    return json.dumps(parts(items), ensure_ascii=False) if items else "[]"
