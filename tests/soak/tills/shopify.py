"""Shopify: an order, its changes with refunds inside, its transaction, its refunds' own events."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ..model import Message, Receipt, Till, Wanted, moment
from .goods import Item, basket, total


def purchase(till: Till, chance: Random, number: int) -> Receipt:
    """Return an order with tax on top, paid by card or still pending."""
    items, occurred = basket(chance), moment(number)
    tax = -(-total(items) * 8 // 100)
    pending = chance.random() < 0.06
    sale = Wanted(
        till=till,
        external_id=str(5_000_000_000 + number),
        occurred_at=occurred,
        number=f"#{number}",
        total=total(items) + tax,
        paid=None if pending else total(items) + tax,
        document="open" if pending else "completed",
        lines=len(items),
        payments=0 if pending else 1,
    )
    order = _order(till, sale, items, tax)
    messages = [_message(till, "orders/create", f"{number}-1", order)]
    if pending:
        return Receipt(messages, sale)
    messages.append(_message(till, "order_transactions/create", f"{number}-1", _paid(till, sale)))
    refund = _refund(till, sale, items) if chance.random() < 0.3 else None
    if refund:
        messages.append(_message(till, "refunds/create", f"{number}-2", refund))
    if chance.random() < 0.4:
        changed = {**order, "updated_at": _time(occurred + timedelta(hours=4))}
        changed["refunds"] = [refund] if refund else []
        changed["name"] = sale.number = f"#{number}-changed"
        messages.append(_message(till, "orders/updated", f"{number}-3", changed))
    return Receipt(messages, sale)


def _order(till: Till, sale: Wanted, items: list[Item], tax: int) -> dict[str, Any]:
    return {
        "id": int(sale.external_id),
        "name": sale.number,
        "created_at": _time(sale.occurred_at),
        "processed_at": _time(sale.occurred_at),
        "updated_at": _time(sale.occurred_at + timedelta(seconds=2)),
        "cancelled_at": None,
        "test": False,
        "currency": till.currency,
        "taxes_included": False,
        "total_line_items_price": till.text(sum(item.gross for item in items)),
        "total_discounts": till.text(sum(item.discount for item in items)),
        "total_tax": till.text(tax),
        "total_price": till.text(total(items) + tax),
        "financial_status": "pending" if sale.document == "open" else "paid",
        "source_name": "pos",
        "location_id": 655441491,
        "customer": {"id": 207119551, "first_name": "Jane", "last_name": "D"},
        "line_items": [_line(till, sale, item, place) for place, item in enumerate(items)],
        "discount_applications": [
            {"type": "manual", "value": "1.0", "value_type": "fixed_amount", "title": "Happy hour"}
        ],
        "shipping_lines": [],
        "refunds": [],
    }


def _line(till: Till, sale: Wanted, item: Item, place: int) -> dict[str, Any]:
    allocations = [{"amount": till.text(item.discount), "discount_application_index": 0}]
    return {
        "id": int(sale.external_id) * 10 + place,
        "product_id": int(item.code),
        "sku": item.code,
        "title": item.name,
        "quantity": item.quantity,
        "price": till.text(item.price),
        "taxable": True,
        "gift_card": False,
        "discount_allocations": allocations if item.discount else [],
        "tax_lines": [],
    }


def _transaction(till: Till, sale: Wanted, kind: str, amount: int, at: datetime) -> dict[str, Any]:
    return {
        "id": int(sale.external_id) * 10 + (7 if kind == "sale" else 8),
        "order_id": int(sale.external_id),
        "kind": kind,
        "gateway": "shopify_payments",
        "status": "success",
        "created_at": _time(at),
        "processed_at": _time(at),
        "test": False,
        "location_id": 655441491,
        "amount": till.text(amount),
        "currency": till.currency,
        "payment_details": {"credit_card_number": "•••• •••• •••• 4242"},
    }


def _paid(till: Till, sale: Wanted) -> dict[str, Any]:
    assert sale.total is not None
    at = sale.occurred_at + timedelta(seconds=1)
    return _transaction(till, sale, "sale", sale.total, at)


def _refund(till: Till, sale: Wanted, items: list[Item]) -> dict[str, Any]:
    """Give back the first line, its tax stays: one transaction, told inside the order as well."""
    back, at = items[0], sale.occurred_at + timedelta(hours=3)
    name = str(int(sale.external_id) * 10 + 9)
    sale.refunds = ((name, back.total, True),)
    return {
        "id": int(name),
        "order_id": int(sale.external_id),
        "created_at": _time(at),
        "processed_at": _time(at),
        "note": "stale",
        "transactions": [_transaction(till, sale, "refund", back.total, at)],
        "refund_line_items": [
            {
                "id": int(name) * 10,
                "quantity": back.quantity,
                "line_item_id": int(sale.external_id) * 10,
                "restock_type": "return",
                "subtotal": till.text(back.total),
                "total_tax": "0.00",
            }
        ],
        "order_adjustments": [],
    }


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _message(till: Till, topic: str, event: str, payload: dict[str, Any]) -> Message:
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": "demo.myshopify.com",
        "X-Shopify-Event-Id": f"event-{event}",
    }
    body = json.dumps(payload, ensure_ascii=False).encode()
    return Message(till=till, key=f"{topic}:event-{event}", body=body, headers=headers)
