"""Shopify: orders with a clock in seconds, transactions and refunds, and undated deletion."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar

from .base import Figures, Parts, Sent, Shop, body_of, headers_of, numbers, refunded_status, sample

_ORDER, _REFUND = "orders_create__pos", "refunds_create__croissant"
_TRANSACTION = "order_transactions_create__card"
_EASTERN = timezone(timedelta(hours=-4))
_TAKEN = ("sale", "capture")
#: What became of a transaction of this kind that succeeded.
_WORDS = {"authorization": "approved", "void": "cancelled"}


def _time(moment: datetime) -> str:
    return moment.astimezone(_EASTERN).replace(microsecond=0).isoformat()


@dataclass
class Order:
    """An order as Shopify holds it."""

    content: dict[str, Any]
    transactions: list[dict[str, Any]] = field(default_factory=list)
    deleted: bool = False

    def taken(self, kind: str = "") -> Decimal:
        """Return what was taken for it."""
        kinds = (kind,) if kind else _TAKEN
        done = [one for one in self.transactions if one["status"] == "success"]
        return sum((Decimal(one["amount"]) for one in done if one["kind"] in kinds), Decimal(0))

    def returned(self) -> Decimal:
        """Return what came back."""
        return sum((_sum(refund) for refund in self.content["refunds"]), Decimal(0))


def _sum(refund: dict[str, Any]) -> Decimal:
    done = [one for one in refund["transactions"] if one["status"] == "success"]
    return sum((Decimal(one["amount"]) for one in done), Decimal(0))


@dataclass
class Shopify(Shop):
    """Two orders, what is paid for them and what is given back."""

    orders: dict[str, Order] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=numbers)
    slug: ClassVar[str] = "shopify"
    currency: ClassVar[str] = "USD"
    unit: ClassVar[timedelta] = timedelta(seconds=1)

    def actions(self) -> Sequence[Callable[[int, int], None]]:
        return (self._order, self._order, self._pay, self._pay, self._authorise, self._refund,
                self._refund, self._cancel, self._delete, self._void_at_once)  # fmt: skip

    def _send(self, template: str, topic: str, payload: Any) -> None:
        number = next(self._ids)
        headers = headers_of("shopify", template) | {
            "x-shopify-topic": topic,
            "x-shopify-event-id": f"event-{number}",
            "x-shopify-webhook-id": f"hook-{number}",
        }
        self.sent.append(Sent("POST", "", headers, body_of(payload)))

    def _alive(self, which: int) -> Order | None:
        found = self.orders.get(f"{which % 2 + 1}")
        return None if found is None or found.deleted else found

    def _tell(self, order: Order, topic: str = "orders/updated") -> None:
        order.content["updated_at"] = _time(self.now)
        self._send(_ORDER, topic, order.content)

    def _order(self, which: int, amount: int) -> None:
        """Make an order, or change its lines and with them its total."""
        name = f"{which % 2 + 1}"
        order, topic = self._alive(which), "orders/updated"
        if name not in self.orders:
            topic = "orders/create"
            content = sample("shopify", _ORDER)
            content |= {"id": int(name), "created_at": _time(self.now), "refunds": []}
            content |= {"processed_at": _time(self.now), "financial_status": "pending"}
            order = self.orders[name] = Order(content)
        if order is not None and not order.taken():
            price = Decimal(amount + 3)
            order.content["line_items"][0] |= {"price": f"{price}.00", "quantity": 1}
            order.content |= {
                "total_line_items_price": f"{price + 3}.00",
                "total_price": f"{price + 3 - 1}.88",
            }
            self._tell(order, topic)

    def _transaction(self, order: Order, kind: str, amount: str, **more: Any) -> dict[str, Any]:
        found = sample("shopify", _TRANSACTION)
        found |= {
            "id": 1000 + next(self._ids),
            "order_id": order.content["id"],
            "kind": kind,
            "amount": amount,
            "created_at": _time(self.now),
            "processed_at": _time(self.now),
            **more,
        }
        order.transactions.append(found)
        self._send(_TRANSACTION, "order_transactions/create", found)
        return found  # type: ignore[no-any-return]

    def _pay(self, which: int, amount: int) -> None:
        """Take the whole price at once, or have the card refused."""
        order = self._alive(which)
        if order is None or order.taken() or order.content["cancelled_at"]:
            return
        status = "failure" if amount == 0 else "success"
        self._transaction(order, "sale", order.content["total_price"], status=status)
        if amount:
            order.content["financial_status"] = "paid"
            self._tell(order, "orders/paid")

    def _authorise(self, which: int, amount: int) -> None:
        """Hold the price on a card, and capture it."""
        order = self._alive(which)
        if order is None or order.taken() or order.content["cancelled_at"]:
            return
        price = order.content["total_price"]
        held = self._transaction(order, "authorization", price)
        if amount % 2:
            self._transaction(order, "capture", price, parent_id=held["id"])
        order.content["financial_status"] = "paid" if amount % 2 else "authorized"
        self._tell(order)

    def _void_at_once(self, which: int, amount: int) -> None:
        """Hold the price and let it go within the same second."""
        order = self._alive(which)
        if order is not None and not order.taken():
            held = self._transaction(order, "authorization", order.content["total_price"])
            self._transaction(order, "void", held["amount"], parent_id=held["id"])

    def _refund(self, which: int, amount: int) -> None:
        """Give something back: told in the order and on its own."""
        order = self._alive(which)
        left = Decimal(0) if order is None else order.taken() - order.returned()
        if order is None or left <= 0:
            return
        refund = sample("shopify", _REFUND)
        given = left if amount > 3 else min(left, Decimal("1.24"))
        refund |= {"id": 5000 + next(self._ids), "order_id": order.content["id"]}
        refund |= {"created_at": _time(self.now), "processed_at": _time(self.now)}
        refund["transactions"][0] |= {
            "id": 6000 + next(self._ids),
            "amount": f"{given}",
            "status": "failure" if amount == 0 else "success",
        }
        order.content["refunds"].append(copy.deepcopy(refund))
        if amount:
            whole = left == given
            order.content["financial_status"] = "refunded" if whole else "partially_refunded"
        self._send(_REFUND, "refunds/create", refund)
        self._tell(order)

    def _cancel(self, which: int, amount: int) -> None:
        """Cancel an order; what was paid for it comes back by refunds only."""
        order = self._alive(which)
        if order is not None and order.content["cancelled_at"] is None:
            order.content |= {"cancelled_at": _time(self.now), "cancel_reason": "customer"}
            if not order.taken():
                order.content["financial_status"] = "voided"
            self._tell(order, "orders/cancelled")

    def _delete(self, which: int, amount: int) -> None:
        """Delete an order, for good."""
        order = self._alive(which)
        if order is not None and amount % 2:
            order.deleted = True
            self._send("orders_delete__gone", "orders/delete", {"id": order.content["id"]})

    def truth(self) -> dict[str, Figures]:
        return {
            name: self._figures(order) for name, order in self.orders.items() if not order.deleted
        }

    def parts(self) -> Parts:
        found: Parts = {}
        for order in self.orders.values():
            for one in order.transactions:
                key, status = f"{one['id']}", _WORDS.get(one["kind"], "completed")
                if one["kind"] == "void":
                    key = f"{one['parent_id']}"
                elif one["status"] == "failure":
                    status = "failed"
                found["payment", key] = (status, Decimal(one["amount"]))
            for refund in order.content["refunds"]:
                one = refund["transactions"][0]
                status = "completed" if one["status"] == "success" else "failed"
                found["refund", f"{refund['id']}"] = (status, Decimal(one["amount"]))
        return found

    def _figures(self, order: Order) -> Figures:
        total, refunded = Decimal(order.content["total_price"]), order.returned()
        taken = order.taken()
        if order.content["cancelled_at"] is not None:
            document = "completed" if taken else "voided"
        else:
            document = "completed" if taken else "open"
        paid = taken if order.transactions else None
        return Figures(total, paid, refunded, refunded_status(document, total, refunded))
