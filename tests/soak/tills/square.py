"""Square: payments and refunds that change their state; the sale is what its payments say."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ..model import Message, Receipt, Till, Wanted, moment, written


def purchase(till: Till, chance: Random, number: int) -> Receipt:
    """Return an order paid by one or two payments, one of them perhaps given back in part."""
    occurred, order = moment(number), f"ORDER{number}"
    amounts = [chance.randint(100, 9000) for _ in range(chance.choice((1, 1, 1, 2)))]
    cancelled = len(amounts) == 1 and chance.random() < 0.05
    total = None if cancelled else sum(amounts)
    sale = Wanted(
        till=till,
        external_id=order,
        occurred_at=occurred,
        total=total,
        paid=0 if cancelled else total,
        document="voided" if cancelled else "completed",
        known="implied",
        payments=len(amounts),
    )
    messages = []
    for place, amount in enumerate(amounts):
        end = "CANCELED" if cancelled else "COMPLETED"
        for step, status in enumerate(("APPROVED", end)):
            messages.append(_payment(till, sale, place, amount, status, step))
    if not cancelled and chance.random() < 0.35:
        back, done = chance.randint(1, amounts[0]), chance.random() < 0.85
        for step, status in enumerate(("PENDING", "COMPLETED" if done else "REJECTED")):
            messages.append(_refund(till, sale, back, status, step))
        sale.refunds = ((f"REF{order}", back, done),)
    return Receipt(messages, sale)


def _payment(
    till: Till, sale: Wanted, place: int, amount: int, status: str, step: int
) -> Message:  # fmt: skip
    name = f"PAY{sale.external_id}-{place}"
    payment = {
        "id": name,
        "created_at": written(sale.occurred_at + timedelta(seconds=place)),
        "amount_money": {"amount": amount, "currency": till.currency},
        "total_money": {"amount": amount, "currency": till.currency},
        "status": status,
        "source_type": "CARD",
        "card_details": {"status": "CAPTURED", "card": {"card_brand": "VISA", "last_4": "5858"}},
        "location_id": "L88917AVBK2S5",
        "order_id": sale.external_id,
        "processing_fee": [],
    }
    at = sale.occurred_at + timedelta(seconds=10 + 20 * step)
    return _event(till, "payment", payment, f"{name}-{step}", at)


def _refund(till: Till, sale: Wanted, amount: int, status: str, step: int) -> Message:
    name = f"REF{sale.external_id}"
    at = sale.occurred_at + timedelta(hours=1, seconds=30 * step)
    refund = {
        "id": name,
        "status": status,
        "amount_money": {"amount": amount, "currency": till.currency},
        "payment_id": f"PAY{sale.external_id}-0",
        "order_id": f"RETURN{sale.external_id}",
        "location_id": "L88917AVBK2S5",
        "reason": "Returned goods",
        "created_at": written(sale.occurred_at + timedelta(hours=1)),
    }
    return _event(till, "refund", refund, f"{name}-{step}", at)


def _event(till: Till, kind: str, entity: dict[str, Any], key: str, at: datetime) -> Message:
    body = {
        "merchant_id": "MLEFBHHSJGVHD",
        "type": f"{kind}.updated",
        "event_id": f"event-{key}",
        "created_at": written(at),
        "data": {
            "type": kind,
            "id": entity["id"],
            "object": {kind: {**entity, "updated_at": written(at)}},
        },
    }
    return Message(till=till, key=f"event-{key}", body=json.dumps(body).encode())
