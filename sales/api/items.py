"""Rows → the records of the API. Field names are those of docs/standard-schema.md; null is unknown.

Plain functions over rows already fetched: a page costs a fixed number of queries, and building
500 sales of 8 lines by nested serializers takes several times as long.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from accounts.models import Source

from .. import selectors
from ..drafts import CLEAR
from ..models import Customer, Fiscal, Location, Product, Refund, Sale
from ..models.base import Entity
from ..models.sale import AMOUNTS
from . import parts
from .formats import day, moment, money

Item = parts.Item
Accounts = selectors.Accounts


def _named(row: Any, link: str) -> Item | None:
    key: UUID | None = getattr(row, f"{link}_id")
    if key is None:
        return None
    target = getattr(row, link)
    return {
        "id": key,
        "external_id": None if target is None else target.external_id,
        "name": None if target is None else target.name,
    }


def source_item(source: Source) -> Item:
    """Name a source; ``kind`` is ``own``, ``app`` (many merchants) or ``child`` (one of an app)."""
    return {
        "id": source.pk,
        "provider": source.provider,
        "title": source.title,
        "kind": source.kind,
    }


def overrides(row: Entity) -> Item:
    """Return what a person set: field → the value, the provider's under it, and when."""
    base = row.base or {}
    return {
        name: {
            "value": edit["v"],
            "provider_value": _under(name, base.get(name), getattr(row, "currency", None)),
            "at": moment(datetime.fromtimestamp(edit["t"] / 1_000_000, UTC)),
        }
        for name, edit in sorted(row.hand.items())
        if edit["v"] != CLEAR
    }


def _under(name: str, value: Any, currency: str | None) -> Any:
    """Return a provider's value as the record would show it; of a link, the row's id."""
    if value is None:
        return None
    if name in AMOUNTS:
        return parts.amount_text(value, currency)
    if name in ("occurred_at", "provider_at"):
        return moment(datetime.fromisoformat(value))
    if name == "lines":
        return [parts.stored_line(line, currency) for line in value]
    return value


def _tail(row: Entity) -> Item:
    return {
        "received_at": moment(row.received_at),
        "updated_at": moment(row.updated_at),
        "overrides": overrides(row),
    }


def _refund(row: Any, sale: UUID | None, fiscal: Sequence[Fiscal]) -> Item:
    currency = row.currency
    return {
        "id": row.id,
        "source": source_item(row.source),
        "external_id": None if row.owned else row.external_id,
        "sale": sale,
        "sale_external_id": row.sale_external_id,
        "kind": row.kind,
        "number": row.number,
        "status": row.status,
        "occurred_at": moment(row.occurred_at),
        "provider_at": moment(row.provider_at),
        "business_date": day(row.business_date),
        "currency": currency,
        "total": money(row.total, currency),
        "tax_total": money(row.tax_total, currency),
        "tip_total": money(row.tip_total, currency),
        "lines": [parts.refund_line(item, row) for item in row.lines],
        "payments": [parts.refund_payment(item, row) for item in row.payments],
        "location": _named(row, "location"),
        "device": _named(row, "device"),
        "employee": _named(row, "employee"),
        "shift": {"id": row.shift_id, "number": row.shift_number},
        "fiscal": [parts.fiscal(part, currency) for part in fiscal],
        "reason": row.reason,
        "is_test": row.is_test,
        "counts": row.counts,
        "mirror_of": row.mirror_of,
        **_tail(row),
        "provenance": {"deliveries": row.deliveries, "mapper": row.mapper},
        "ordered_by": row.ordered_by,
    }


def _sale(row: Sale) -> Item:
    return {
        "id": row.id,
        "source": source_item(row.source),
        "external_id": row.external_id,
        "kind": row.kind,
        "number": row.number,
        "status": row.status,
        "occurred_at": moment(row.occurred_at),
        "provider_at": moment(row.provider_at),
        "received_at": moment(row.received_at),
        "updated_at": moment(row.updated_at),
        "utc_offset": row.utc_offset,
        "business_date": day(row.business_date),
        "currency": row.currency,
        "location": _named(row, "location"),
        "device": _named(row, "device"),
        "employee": _named(row, "employee"),
        "customer": _named(row, "customer"),
        "shift": {"id": row.shift_id, "number": row.shift_number},
        "channel": row.channel,
        "is_test": row.is_test,
        "counts": row.counts,
        "mirror_of": row.mirror_of,
        "anomalies": row.anomalies,
        "tax_included": row.tax_included,
        **{name: money(getattr(row, name), row.currency) for name in AMOUNTS},
        "overrides": overrides(row),
        "provenance": {"deliveries": row.deliveries, "mapper": row.mapper},
        "known": row.known,
        "ordered_by": row.ordered_by,
    }


def sale_items(rows: Sequence[Sale], accounts: Accounts) -> list[Item]:
    """Describe sales with all their parts: four more queries, however many sales there are."""
    keys = [row.id for row in rows]
    lines = selectors.lines_of(accounts, keys)
    payments = selectors.payments_of(accounts, keys)
    refunds = selectors.refunds_of(accounts, keys)
    owners = keys + [refund.id for group in refunds.values() for refund in group]
    fiscal = selectors.fiscal_of(accounts, owners)
    return [
        _sale(row)
        | {
            "lines": [parts.line(line, row.currency) for line in lines.get(row.id, ())],
            "discounts": [parts.discount(item, row.currency) for item in row.discounts],
            "payments": [parts.payment(part, row.currency) for part in payments.get(row.id, ())],
            "refunds": [
                _refund(part, row.id, fiscal.get(part.id, ())) for part in refunds.get(row.id, ())
            ],
            "fiscal": [parts.fiscal(part, row.currency) for part in fiscal.get(row.id, ())],
        }
        for row in rows
    ]


def refund_items(rows: Sequence[Refund], accounts: Accounts) -> list[Item]:
    """Describe refunds; a sale that lists do not show (a stub, a deleted one) is null."""
    wanted = {row.sale_id for row in rows if row.sale_id is not None}
    shown = selectors.owned(Sale.objects.filter(visible=True, id__in=wanted), accounts)
    alive = set(shown.values_list("id", flat=True))
    fiscal = selectors.fiscal_of(accounts, [row.id for row in rows])
    return [
        _refund(row, row.sale_id if row.sale_id in alive else None, fiscal.get(row.id, ()))
        for row in rows
    ]


def _reference(row: Any) -> Item:
    return {
        "id": row.id,
        "source": source_item(row.source),
        "external_id": row.external_id,
        "name": row.name,
        "same_as": row.same_as,
    }


def product_items(rows: Sequence[Product], accounts: Accounts) -> list[Item]:
    """Describe products."""
    return [
        _reference(row)
        | {
            "sku": row.sku,
            "barcode": row.barcode,
            "unit": row.unit,
            "category": _named(row, "category"),
        }
        | _tail(row)
        for row in rows
    ]


def customer_items(rows: Sequence[Customer], accounts: Accounts) -> list[Item]:
    """Describe customers: the only place for personal data."""
    return [_reference(row) | {"phone": row.phone, "email": row.email} | _tail(row) for row in rows]


def location_items(rows: Sequence[Location], accounts: Accounts) -> list[Item]:
    """Describe locations; an empty setting means that the source's, then the account's, holds."""
    return [
        _reference(row)
        | {
            "address": row.address,
            "timezone": row.timezone or None,
            "day_cutoff": row.day_cutoff,
            "currency": row.currency or None,
        }
        | _tail(row)
        for row in rows
    ]
