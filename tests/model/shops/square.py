"""Square: payments and refunds with a clock in milliseconds; orders are only hinted at."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from .base import Figures, Parts, Sent, Shop, body_of, headers_of, numbers, refunded_status, sample

_PAYMENT = "payment.created__card_approved"
_REFUND = "refund.created__partial"
_HINT = "order.updated__completed"

_WORDS = {
    "APPROVED": "approved",
    "CANCELED": "cancelled",
    "COMPLETED": "completed",
    "FAILED": "failed",
    "PENDING": "pending",
}


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@dataclass
class Square(Shop):
    """Three payments of two orders (the third has none), and their refunds."""

    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=numbers)
    slug: ClassVar[str] = "square"
    currency: ClassVar[str] = "USD"
    unit: ClassVar[timedelta] = timedelta(milliseconds=1)

    def actions(self) -> Sequence[Callable[[int, int], None]]:
        return (self._pay, self._pay, self._refund, self._refund, self._end, self._fee,
                self._finish, self._hint)  # fmt: skip

    def _send(self, template: str, kind: str, name: str, changed: dict[str, Any]) -> None:
        message = sample("square", template)
        message |= {
            "type": f"{name}.{kind}",
            "event_id": f"event-{next(self._ids)}",
            "created_at": _time(self.now),
        }
        message["data"] |= {"id": changed["id"], "object": {name: copy.deepcopy(changed)}}
        self.sent.append(Sent("POST", "", headers_of("square", template), body_of(message)))

    def _tell(self, kind: str, payment: dict[str, Any]) -> None:
        payment["updated_at"] = _time(self.now)
        self._send(_PAYMENT, kind, "payment", payment)

    def _pay(self, which: int, amount: int) -> None:
        """Take a payment, or complete it where it was only approved."""
        name = f"p{which % 3}"
        found = self.payments.get(name)
        if found is None:
            found = sample("square", _PAYMENT)["data"]["object"]["payment"]
            total, tip = 100 * (amount + 2), 50 * (amount % 2)
            found |= {
                "id": name,
                "created_at": _time(self.now),
                "status": ("APPROVED", "COMPLETED")[amount % 2],
                "order_id": f"o{which % 3}",
                "amount_money": {"amount": total - tip, "currency": "USD"},
                "tip_money": {"amount": tip, "currency": "USD"},
                "total_money": {"amount": total, "currency": "USD"},
            }
            if which % 3 == 2:
                del found["order_id"]
            elif amount % 3 == 0:
                found["order_id"] = "o0"
            self.payments[name] = found
            self._tell("created", found)
        elif found["status"] == "APPROVED":
            found["status"] = "COMPLETED"
            self._tell("updated", found)

    def _end(self, which: int, amount: int) -> None:
        """Cancel a payment that was only approved."""
        found = self.payments.get(f"p{which % 3}")
        if found is not None and found["status"] == "APPROVED":
            found["status"] = ("CANCELED", "FAILED")[amount % 2]
            self._tell("updated", found)

    def _fee(self, which: int, amount: int) -> None:
        """Learn the fee of a payment."""
        found = self.payments.get(f"p{which % 3}")
        if found is not None:
            found["processing_fee"] = [{"amount_money": {"amount": amount + 1, "currency": "USD"}}]
            self._tell("updated", found)

    def _refund(self, which: int, amount: int) -> None:
        """Give back a part of a completed payment, or all of it."""
        name = f"p{which % 3}"
        found = self.payments.get(name)
        if found is None or found["status"] != "COMPLETED":
            return
        given = sum(
            one["amount_money"]["amount"]
            for one in self.refunds.values()
            if one["payment_id"] == name and one["status"] != "FAILED"
        )
        left = found["total_money"]["amount"] - given
        if left <= 0:
            return
        refund = sample("square", _REFUND)["data"]["object"]["refund"]
        refund |= {
            "id": f"{name}_r{len(self.refunds)}",
            "payment_id": name,
            "status": ("PENDING", "COMPLETED")[amount % 2],
            "amount_money": {"amount": left if amount > 4 else min(left, 100), "currency": "USD"},
            "created_at": _time(self.now),
            "updated_at": _time(self.now),
        }
        self.refunds[refund["id"]] = refund
        self._send(_REFUND, "created", "refund", refund)

    def _finish(self, which: int, amount: int) -> None:
        """Let a pending refund succeed or fail."""
        waiting = [one for one in self.refunds.values() if one["status"] == "PENDING"]
        if waiting:
            refund = waiting[which % len(waiting)]
            refund |= {
                "status": ("COMPLETED", "FAILED")[amount % 2],
                "updated_at": _time(self.now),
            }
            self._send(_REFUND, "updated", "refund", refund)

    def _hint(self, which: int, amount: int) -> None:
        """Say that an order changed, and nothing of how."""
        message = sample("square", _HINT)
        message["event_id"] = f"event-{next(self._ids)}"
        message["data"]["object"]["order_updated"] |= {"order_id": f"o{which % 2}"}
        self.sent.append(Sent("POST", "", headers_of("square", _HINT), body_of(message)))

    def truth(self) -> dict[str, Figures]:
        found: dict[str, list[dict[str, Any]]] = {}
        for payment in self.payments.values():
            found.setdefault(payment.get("order_id") or payment["id"], []).append(payment)
        return {name: self._figures(group) for name, group in found.items()}

    def parts(self) -> Parts:
        payments: Parts = {
            ("payment", name): (_WORDS[one["status"]], Decimal(one["total_money"]["amount"]) / 100)
            for name, one in self.payments.items()
        }
        refunds: Parts = {
            ("refund", name): (_WORDS[one["status"]], Decimal(one["amount_money"]["amount"]) / 100)
            for name, one in self.refunds.items()
        }
        return payments | refunds

    def _figures(self, payments: Sequence[dict[str, Any]]) -> Figures:
        states = {payment["status"] for payment in payments}
        done = [one["total_money"]["amount"] for one in payments if one["status"] == "COMPLETED"]
        ids = {payment["id"] for payment in payments}
        back = sum(
            one["amount_money"]["amount"]
            for one in self.refunds.values()
            if one["payment_id"] in ids and one["status"] == "COMPLETED"
        )
        document = "completed" if done else "open" if "APPROVED" in states else "voided"
        paid, refunded = Decimal(sum(done)) / 100, Decimal(back) / 100
        total = paid if done else None
        return Figures(total, paid, refunded, refunded_status(document, total, refunded))
