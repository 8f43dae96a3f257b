"""Evotor: a document, its poorer receipt with another way to pay, and returns."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from ..model import Message, Receipt, Till, Wanted, moment, written
from .goods import Item, basket, total


def purchase(till: Till, chance: Random, number: int) -> Receipt:
    """Return a cash sale; in any order with its receipt, which must change nothing."""
    items, occurred = basket(chance), moment(number)
    sale = Wanted(
        till=till,
        external_id=_id(number, 0),
        occurred_at=occurred,
        number=str(number),
        total=total(items),
        paid=total(items),
        lines=len(items),
    )
    document = _document(till, "SELL", sale.external_id, number, items)
    messages = [_message(till, f"document:{sale.external_id}", document)]
    if chance.random() < 0.4:
        messages.append(_cloud_receipt(till, sale, items, number))
    if chance.random() < 0.3:
        back = [items[0]]
        name = _id(number, 1)
        returned = _document(till, "PAYBACK", name, number, back, later=timedelta(hours=3))
        returned["body"]["base_document_id"] = sale.external_id
        messages.append(_message(till, f"document:{name}", returned))
        sale.refunds = ((name, total(back), True),)
    return Receipt(messages, sale)


def _id(number: int, place: int) -> str:
    return str(UUID(int=(0x20260301 << 96) | (4 << 76) | (place << 48) | number))


def _document(
    till: Till, kind: str, name: str, number: int, items: list[Item], *,
    later: timedelta = timedelta(),
) -> dict[str, Any]:  # fmt: skip
    closed = moment(number) + later
    paid = total(items)
    tendered = -(-paid // 50_000) * 50_000
    change = tendered - paid if kind == "SELL" else 0
    return {
        "type": kind,
        "id": name,
        "number": number,
        "close_date": _time(closed),
        "created_at": _time(closed + timedelta(seconds=3)),
        "time_zone_offset": 10_800_000,
        "session_number": 12,
        "device_id": "20240101-BBBB-4000-8000-000000000001",
        "store_id": "20240101-CCCC-4000-8000-000000000001",
        "version": "V2",
        "body": {
            "positions": [_position(till, item, place) for place, item in enumerate(items)],
            "doc_discounts": [],
            "payments": [
                {
                    "id": f"{name}-p",
                    "sum": _number(till, paid + change),
                    "type": "CASH",
                    "parts": [
                        {
                            "part_sum": _number(till, paid + change),
                            "change": _number(till, change),
                        }
                    ],
                    "app_info": {"name": "Наличные"},
                }
            ],
            "sum": _number(till, sum(item.gross for item in items)),
            "result_sum": _number(till, paid),
        },
    }


def _position(till: Till, item: Item, place: int) -> dict[str, Any]:
    return {
        "product_id": f"good-{item.code}",
        "quantity": item.quantity,
        "product_type": "NORMAL",
        "code": item.code,
        "product_name": item.name,
        "measure_name": "шт",
        "uuid": f"line-{place}",
        "price": _number(till, item.price),
        "cost_price": 0,
        "sum": _number(till, item.gross),
        "tax": {"type": "NO_VAT", "sum": 0, "result_sum": 0},
        "result_sum": _number(till, item.total),
        "settlement_method": {"type": "CHECKOUT_FULL", "amount": None},
    }


def _cloud_receipt(till: Till, sale: Wanted, items: list[Item], number: int) -> Message:
    """Return the receipt of the same document: later by its clock, poorer, and paid by card."""
    data = {
        "id": sale.external_id,
        "storeId": "20240101-CCCC-4000-8000-000000000001",
        "dateTime": written(sale.occurred_at),
        "type": "SELL",
        "shiftId": "12",
        "paymentSource": "PAY_CARD",
        "totalAmount": _number(till, total(items) + 77),
        "totalDiscount": 0,
        "totalTax": 0,
        "items": [
            {
                "id": f"good-{item.code}",
                "name": item.name,
                "itemType": "NORMAL",
                "measureName": "шт",
                "quantity": item.quantity,
                "price": _number(till, item.price),
                "costPrice": 0,
                "discount": _number(till, item.discount),
            }
            for item in items
        ],
    }
    clock = sale.occurred_at + timedelta(minutes=1)
    event = {
        "type": "ReceiptCreated",
        "id": f"receipt-{number}",
        "timestamp": int(clock.timestamp() * 1000),
        "version": 2,
        "data": data,
    }
    return _message(till, f"receipt:{sale.external_id}", event)


def _number(till: Till, minor: int) -> float:
    """Return an amount as Evotor writes it: a JSON number."""
    return float(till.money(minor))


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _message(till: Till, key: str, payload: dict[str, Any]) -> Message:
    body = json.dumps(payload, ensure_ascii=False, indent=1).encode()
    return Message(till=till, key=key, body=body, method="PUT")
