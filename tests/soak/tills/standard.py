"""A sender of our own schema: states of a sale, the latest stands; refunds that may yet fail."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ..model import Message, Receipt, Till, Wanted, moment, written
from .goods import Item, basket, total


def purchase(till: Till, chance: Random, number: int) -> Receipt:
    """Return a sale in one to three states, perhaps voided, deleted or refunded."""
    name, occurred = f"s-{number}", moment(number)
    states = [basket(chance) for _ in range(chance.choice((1, 1, 2, 3)))]
    last = states[-1]
    sale = Wanted(
        till=till,
        external_id=name,
        occurred_at=occurred,
        number=f"{number}-{len(states)}",
        total=total(last),
        paid=total(last),
        lines=len(last),
    )
    messages = [
        _stated(till, sale, items, "sale.created" if place == 1 else "sale.updated", place)
        for place, items in enumerate(states, 1)
    ]
    end = chance.random()
    if end < 0.05:
        messages.append(_stated(till, sale, last, "sale.voided", len(states) + 1))
        sale.document, sale.number = "voided", f"{number}-{len(states) + 1}"
    elif end < 0.08:
        at = occurred + timedelta(hours=1)
        messages.append(_event(till, f"{name}-gone", "sale.deleted", at, {"id": name}))
        sale.deleted = True
    elif end < 0.4:
        messages += _refunded(till, sale, chance)
    return Receipt(messages, sale)


def tied(till: Till, chance: Random, number: int) -> Receipt:
    """Return two contents of one version; which of them stands must not depend on order."""
    name, occurred = f"t-{number}", moment(number)
    baskets = [basket(chance), [Item("101", "Капучино", 1, 12_345 + number, 0)]]
    totals = tuple(total(items) for items in baskets)
    sale = Wanted(
        till=till, external_id=name, occurred_at=occurred, total=None, paid=None, either=totals
    )
    messages = []
    for place, items in enumerate(baskets):
        data = _data(till, sale, items, f"{number}")
        messages.append(_event(till, f"{name}-{place}", "sale.updated", occurred, data))
    return Receipt(messages, sale)


def _stated(till: Till, sale: Wanted, items: list[Item], kind: str, place: int) -> Message:
    number = sale.external_id.removeprefix("s-")
    data = _data(till, sale, items, f"{number}-{place}")
    at = sale.occurred_at + timedelta(minutes=place)
    return _event(till, f"{sale.external_id}-{place}", kind, at, data)


def _data(till: Till, sale: Wanted, items: list[Item], number: str) -> dict[str, Any]:
    return {
        "id": sale.external_id,
        "number": number,
        "occurred_at": written(sale.occurred_at),
        "currency": till.currency,
        "location": {"id": "hall", "name": "Зал"},
        "total": till.text(total(items)),
        "lines": [
            {
                "product_id": item.code,
                "name": item.name,
                "quantity": str(item.quantity),
                "unit_price": till.text(item.price),
                "discount": till.text(item.discount),
                "total": till.text(item.total),
            }
            for item in items
        ],
        "payments": [
            {"id": f"p-{sale.external_id}", "type": "cash", "amount": till.text(total(items))}
        ],
    }


def _refunded(till: Till, sale: Wanted, chance: Random) -> list[Message]:
    """Give back in one or two parts, or all of it; one part may fail afterwards."""
    assert sale.total is not None
    parts = [sale.total]
    if chance.random() < 0.8 and sale.total > 2:
        first = chance.randint(1, sale.total // 2)
        parts = [first, chance.randint(1, sale.total - first)][: chance.choice((1, 1, 2))]
    refunds, messages = [], []
    for place, amount in enumerate(parts):
        name, done = f"r-{sale.external_id}-{place}", chance.random() < 0.85
        at = sale.occurred_at + timedelta(hours=2, minutes=place)
        data = {
            "id": name,
            "sale_id": sale.external_id,
            "occurred_at": written(at),
            "currency": till.currency,
            "total": till.text(amount),
            "reason": "не свежий",
        }
        messages.append(_event(till, f"{name}-1", "refund.created", at, data))
        if not done:
            later = {**data, "status": "failed"}
            after = at + timedelta(minutes=9)
            messages.append(_event(till, f"{name}-2", "refund.updated", after, later))
        refunds.append((name, amount, done))
    sale.refunds = refunds
    return messages


def _event(till: Till, key: str, kind: str, at: datetime, data: dict[str, Any]) -> Message:
    whole = {"type": kind, "timestamp": written(at), "data": data}
    return Message(till=till, key=key, body=json.dumps(whole, ensure_ascii=False).encode())


def odd(till: Till, chance: Random, number: int) -> Message:
    """Return a genuine delivery that must become no sale: for a person, for later, for nobody."""
    key, at = f"odd-{number}", moment(number)
    match chance.choice(("text", "amount", "unknown", "ping")):
        case "text":
            body = f"это не JSON {number}".encode()
            return Message(till=till, key=key, body=body, ends="dead")
        case "amount":
            data = {"id": key, "occurred_at": written(at), "total": "сто"}
            kind, ends = "sale.created", "dead"
        case "unknown":
            data, kind, ends = {"id": key}, "loyalty.earned", "unsupported"
        case _:
            data, kind, ends = {"id": key}, "ping", "ignored"
    event = _event(till, key, kind, at, data)
    return Message(till=till, key=key, body=event.body, ends=ends)
