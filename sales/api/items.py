"""Rows → the records of the API. Field names are those of docs/standard-schema.md; null is unknown.

Plain functions over rows already fetched: a page costs a fixed number of queries, and building
500 sales of 8 lines by nested serializers takes several times as long.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from .. import selectors
from ..drafts import CLEAR, entity_id
from ..models import Customer, Fiscal, Location, Payment, Product, Refund, Sale
from ..models.base import Entity
from ..models.sale import AMOUNTS
from .formats import day, fine, moment, money, price

Item = dict[str, Any]
Accounts = selectors.Accounts
_LINE_NUMBERS = (
    *("quantity", "unit_price", "gross", "discount", "total", "tax_rate", "tax_amount"),
    *("unit_cost", "cost"),
)
_NO_TAX = (None, None, None, None)


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


def _source(row: Entity) -> Item:
    source = row.source
    return {"id": source.pk, "provider": source.provider, "title": source.title}


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
        return _amount_text(value, currency)
    if name in ("occurred_at", "provider_at"):
        return moment(datetime.fromisoformat(value))
    if name == "lines":
        return [_stored_line(line, currency) for line in value]
    return value


def _stored_line(stored: Mapping[str, Any], currency: str | None) -> Item:
    numbers = {
        name: Decimal(stored[name]) for name in _LINE_NUMBERS if stored.get(name) is not None
    }
    columns: dict[str, Any] = dict.fromkeys(selectors.LINE_COLUMNS)
    return _line(SimpleNamespace(**{**columns, **stored, **numbers}), currency)


def _tail(row: Entity) -> Item:
    return {
        "received_at": moment(row.received_at),
        "updated_at": moment(row.updated_at),
        "overrides": overrides(row),
    }


def _line(row: Any, currency: str | None) -> Item:
    taxes = (row.tax_code, row.tax_rate, row.tax_amount, row.tax_included)
    code = row.product_external_id
    return {
        "key": row.key,
        "parent_key": row.parent_key,
        "kind": row.kind,
        "product": row.product_id and {"id": row.product_id, "external_id": code},
        "name": row.name,
        "sku": row.sku,
        "barcode": row.barcode,
        "category": row.category,
        "unit": row.unit,
        "quantity": fine(row.quantity),
        "unit_price": price(row.unit_price, currency),
        "gross": money(row.gross, currency),
        "discount": money(row.discount, currency),
        "total": money(row.total, currency),
        "tax": None if taxes == _NO_TAX else _tax(row, currency),
        "unit_cost": price(row.unit_cost, currency),
        "cost": money(row.cost, currency),
        "settlement_method": row.settlement_method,
        "subject": row.subject,
        "marking": row.marking,
    }


def _tax(row: Any, currency: str | None) -> Item:
    return {
        "code": row.tax_code,
        "rate": fine(row.tax_rate),
        "amount": money(row.tax_amount, currency),
        "included": row.tax_included,
    }


def _payment(row: Payment, currency: str | None) -> Item:
    currency = row.currency or currency
    return {
        "id": row.id,
        "external_id": None if row.owned else row.external_id,
        "method": row.method,
        "provider_method": row.provider_method,
        "status": row.status,
        "amount": money(row.amount, currency),
        "tip": money(row.tip, currency),
        "tendered": money(row.tendered, currency),
        "change": money(row.change, currency),
        "paid_at": moment(row.paid_at),
        "last4": row.last4,
        "rrn": row.rrn,
        "fee": money(row.fee, currency),
    }


def _fiscal(row: Fiscal, currency: str | None) -> Item:
    return {
        "fn": row.fn,
        "fd": row.fd,
        "fp": row.fp,
        "kkt_reg": row.kkt_reg,
        "kkt_serial": row.kkt_serial,
        "shift": row.shift,
        "receipt_no": row.receipt_no,
        "printed_at": moment(row.printed_at),
        "operation": row.operation,
        "correction": row.correction,
        "tax_system": row.tax_system,
        "total": money(row.total, currency),
        "ofd": row.ofd,
    }


def _amount_text(value: Any, currency: str | None) -> str | None:
    return None if value is None else money(Decimal(str(value)), currency)


def _quantity_text(value: Any) -> str | None:
    return None if value is None else fine(Decimal(str(value)))


def _discount(item: Mapping[str, Any], currency: str | None) -> Item:
    return {
        "kind": item.get("kind"),
        "name": item.get("name"),
        "percent": _quantity_text(item.get("percent")),
        "amount": _amount_text(item.get("amount"), currency),
    }


def _refund_line(item: Mapping[str, Any], refund: Refund) -> Item:
    product = item.get("product")
    code = product.get("external_id") if isinstance(product, Mapping) else product
    return {
        "sale_line_key": item.get("sale_line_key"),
        "product": None
        if code is None
        else {"id": entity_id(refund.source_id, "product", code), "external_id": code},
        "name": item.get("name"),
        "quantity": _quantity_text(item.get("quantity")),
        "total": _amount_text(item.get("total"), refund.currency),
        "tax": _amount_text(item.get("tax"), refund.currency),
        "cost": _amount_text(item.get("cost"), refund.currency),
        "restocked": item.get("restocked"),
    }


_PAYMENT_TEXTS = ("external_id", "method", "provider_method", "status", "paid_at", "last4", "rrn")
_PAYMENT_AMOUNTS = ("amount", "tip", "tendered", "change", "fee")


def _refund_payment(item: Mapping[str, Any], refund: Refund) -> Item:
    texts = {name: item.get(name) for name in _PAYMENT_TEXTS}
    if texts["paid_at"] is not None:
        texts["paid_at"] = moment(datetime.fromisoformat(texts["paid_at"]))
    amounts = {name: _amount_text(item.get(name), refund.currency) for name in _PAYMENT_AMOUNTS}
    return texts | amounts


def _refund(row: Refund, sale: UUID | None, fiscal: Sequence[Fiscal]) -> Item:
    currency = row.currency
    return {
        "id": row.id,
        "source": _source(row),
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
        "lines": [_refund_line(item, row) for item in row.lines],
        "payments": [_refund_payment(item, row) for item in row.payments],
        "location": _named(row, "location"),
        "device": _named(row, "device"),
        "employee": _named(row, "employee"),
        "shift": {"id": row.shift_id, "number": row.shift_number},
        "fiscal": [_fiscal(part, currency) for part in fiscal],
        "reason": row.reason,
        "is_test": row.is_test,
        **_tail(row),
        "provenance": {"deliveries": row.deliveries, "mapper": row.mapper},
        "ordered_by": row.ordered_by,
    }


def _sale(row: Sale) -> Item:
    return {
        "id": row.id,
        "source": _source(row),
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
            "lines": [_line(line, row.currency) for line in lines.get(row.id, ())],
            "discounts": [_discount(item, row.currency) for item in row.discounts],
            "payments": [_payment(part, row.currency) for part in payments.get(row.id, ())],
            "refunds": [
                _refund(part, row.id, fiscal.get(part.id, ())) for part in refunds.get(row.id, ())
            ],
            "fiscal": [_fiscal(part, row.currency) for part in fiscal.get(row.id, ())],
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
        "source": _source(row),
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
