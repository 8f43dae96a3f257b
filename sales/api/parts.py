"""Parts of sales and refunds as the API shows them: rows, or what is kept as JSON."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from .. import selectors
from ..drafts import entity_id
from ..models import Fiscal, Payment, Refund
from .formats import fine, moment, money, price

Item = dict[str, Any]
_LINE_NUMBERS = (
    *("quantity", "unit_price", "gross", "discount", "total", "tax_rate", "tax_amount"),
    *("unit_cost", "cost"),
)
_NO_TAX = (None, None, None, None)


def line(row: Any, currency: str | None) -> Item:
    """Describe one line, a row of ``selectors.LINE_COLUMNS``."""
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


def payment(row: Payment, currency: str | None) -> Item:
    """Describe one payment of a sale in this currency."""
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


def fiscal(row: Fiscal, currency: str | None) -> Item:
    """Describe one printed receipt."""
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


def amount_text(value: Any, currency: str | None) -> str | None:
    """Return an amount kept as JSON."""
    return None if value is None else money(Decimal(str(value)), currency)


def _quantity_text(value: Any) -> str | None:
    return None if value is None else fine(Decimal(str(value)))


def discount(item: Mapping[str, Any], currency: str | None) -> Item:
    """Describe a discount of the document, kept as JSON."""
    return {
        "kind": item.get("kind"),
        "name": item.get("name"),
        "percent": _quantity_text(item.get("percent")),
        "amount": amount_text(item.get("amount"), currency),
    }


def refund_line(item: Mapping[str, Any], refund: Refund) -> Item:
    """Describe what was given back, kept as JSON."""
    product = item.get("product")
    code = product.get("external_id") if isinstance(product, Mapping) else product
    return {
        "sale_line_key": item.get("sale_line_key"),
        "product": None
        if code is None
        else {"id": entity_id(refund.source_id, "product", code), "external_id": code},
        "name": item.get("name"),
        "quantity": _quantity_text(item.get("quantity")),
        "total": amount_text(item.get("total"), refund.currency),
        "tax": amount_text(item.get("tax"), refund.currency),
        "cost": amount_text(item.get("cost"), refund.currency),
        "restocked": item.get("restocked"),
    }


_PAYMENT_TEXTS = ("external_id", "method", "provider_method", "status", "paid_at", "last4", "rrn")
_PAYMENT_AMOUNTS = ("amount", "tip", "tendered", "change", "fee")


def refund_payment(item: Mapping[str, Any], refund: Refund) -> Item:
    """Describe how the money went back, kept as JSON."""
    texts = {name: item.get(name) for name in _PAYMENT_TEXTS}
    if texts["paid_at"] is not None:
        texts["paid_at"] = moment(datetime.fromisoformat(texts["paid_at"]))
    amounts = {name: amount_text(item.get(name), refund.currency) for name in _PAYMENT_AMOUNTS}
    return texts | amounts


def stored_line(stored: Mapping[str, Any], currency: str | None) -> Item:
    """Describe a provider's line that lies under the hand's, kept as JSON."""
    numbers = {
        name: Decimal(stored[name]) for name in _LINE_NUMBERS if stored.get(name) is not None
    }
    columns: dict[str, Any] = dict.fromkeys(selectors.LINE_COLUMNS)
    return line(SimpleNamespace(**{**columns, **stored, **numbers}), currency)
