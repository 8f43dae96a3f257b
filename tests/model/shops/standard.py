"""The standard schema: a sender of our own, dated to the second, or not dated at all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from .base import Figures, Parts, Sent, Shop, body_of, headers_of, numbers, refunded_status, sample

_SALE, _REFUND = "sale.created__full", "refund.created__full"
_PAYMENT = "payment.created__pending"


@dataclass
class Sold:
    """A sale as the sender holds it. Its payments are inside the document, or apart from it."""

    content: dict[str, Any]
    apart: bool
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: bool = False


@dataclass
class Standard(Shop):
    """Three sales, payments inside them or apart, refunds of both, and a catalogue."""

    sales: dict[str, Sold] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=numbers)
    slug: ClassVar[str] = "standard"
    unit: ClassVar[timedelta] = timedelta(seconds=1)

    def actions(self) -> Sequence[Callable[[int, int], None]]:
        return (self._sell, self._sell, self._pay, self._refund, self._refund, self._undo,
                self._void, self._delete, self._catalogue)  # fmt: skip

    def _send(self, kind: str, data: dict[str, Any], *, dated: bool = True) -> None:
        message: dict[str, Any] = {"type": kind, "data": data}
        if dated:
            message["timestamp"] = f"{self.now:%Y-%m-%dT%H:%M:%S}Z"
        headers = headers_of("standard", _SALE)
        headers["webhook-id"] = f"msg-{next(self._ids)}"
        if not self.exact and len(self.sent) % 4 == 0:
            del headers["webhook-id"]
        self.sent.append(Sent("POST", "", headers, body_of(message)))

    def _dated(self, amount: int) -> bool:
        return self.exact or amount != 5

    def _sell(self, which: int, amount: int) -> None:
        """Sell something, or correct what was sold; what was deleted comes back."""
        name = f"s{which % 3}"
        found, kind = self.sales.get(name), "updated"
        if found is None:
            kind = "created"
            found = self.sales[name] = Sold(sample("standard", _SALE)["data"], bool(amount % 2))
            found.content["id"] = name
        found.deleted = False
        found.content |= {"total": f"{10 * (amount + 2)}.00", "status": "completed"}
        # The number of a till of Evotor: one receipt from two sources counts once.
        found.content["fiscal"][0] |= {"fn": "9282000100000001", "fd": f"d{which % 2}"}
        if found.apart:
            found.content.pop("payments", None)
        else:
            each = Decimal(found.content["total"]) / (amount % 2 + 1)
            found.content["payments"] = [
                {"id": f"{name}-{place}", "method": "card", "amount": f"{each:.2f}"}
                for place in range(amount % 2 + 1)
            ]
        self._send(f"sale.{kind}", found.content, dated=self._dated(amount))

    def _pay(self, which: int, amount: int) -> None:
        """Take a payment for a sale that has them apart, or let it succeed or fail."""
        name = f"s{which % 3}"
        found = self.sales.get(name)
        if found is None or not found.apart:
            return
        key, kind = f"{name}-p{amount % 2}", "updated"
        payment = found.payments.get(key)
        if payment is None:
            kind = "created"
            payment = sample("standard", _PAYMENT)["data"]
            payment |= {"id": key, "sale_id": name, "amount": f"{amount + 1}.00"}
            found.payments[key] = payment
        payment["status"] = ("pending", "completed", "failed", "completed")[amount % 4]
        self._send(f"payment.{kind}", payment, dated=self._dated(amount))

    def _refund(self, which: int, amount: int) -> None:
        """Give something back, known by its sale, by its payment or by nothing."""
        name = f"s{which % 3}"
        found = self.sales.get(name)
        refund = sample("standard", _REFUND)["data"]
        key = f"r{next(self._ids)}"
        refund |= {
            "id": key,
            "total": f"{3 * (which + 1) * (amount + 1)}.00",
            "status": "completed",
        }
        refund["fiscal"][0] |= {"fd": f"9{which % 2}"}
        for link in ("sale_id", "payment_id"):
            del refund[link]
        if found is not None and found.payments and amount % 3 == 0:
            refund["payment_id"] = next(iter(found.payments))
        elif amount % 3 == 1:
            refund["sale_id"] = name
        self.refunds[key] = refund
        self._send("refund.created", refund, dated=self._dated(amount))

    def _undo(self, which: int, amount: int) -> None:
        """Let a refund fail, or delete it."""
        if not self.refunds:
            return
        key = sorted(self.refunds)[which % len(self.refunds)]
        if amount % 2:
            del self.refunds[key]
            self._send("refund.deleted", {"id": key}, dated=self._dated(amount))
        else:
            self.refunds[key]["status"] = ("completed", "failed")[amount // 2 % 2]
            self._send("refund.updated", self.refunds[key], dated=self._dated(amount))

    def _void(self, which: int, amount: int) -> None:
        """Annul a sale."""
        found = self.sales.get(f"s{which % 3}")
        if found is not None and not found.deleted:
            found.content["status"] = "voided"
            self._send("sale.voided", found.content, dated=self._dated(amount))

    def _delete(self, which: int, amount: int) -> None:
        """Delete a sale."""
        found = self.sales.get(f"s{which % 3}")
        if found is not None and not found.deleted:
            found.deleted = True
            self._send("sale.deleted", {"id": found.content["id"]}, dated=self._dated(amount))

    def _catalogue(self, which: int, amount: int) -> None:
        """Rename a product, a customer or a shop, or delete one."""
        kind = ("product", "customer", "location")[which % 3]
        name = {"product": "p-101", "customer": "c-7", "location": "shop-1"}[kind]
        if amount == 4 and kind != "location":
            self._send(f"{kind}.deleted", {"id": name})
        else:
            data = {"id": name, "name": f"{kind} {amount}"}
            self._send(f"{kind}.updated", data, dated=self._dated(amount))

    def truth(self) -> dict[str, Figures]:
        return {name: self._figures(sold) for name, sold in self.sales.items() if not sold.deleted}

    def parts(self) -> Parts:
        payments: Parts = {
            ("payment", key): (payment["status"], Decimal(payment["amount"]))
            for sold in self.sales.values()
            for key, payment in sold.payments.items()
        }
        refunds: Parts = {
            ("refund", key): (refund["status"], Decimal(refund["total"]))
            for key, refund in self.refunds.items()
        }
        return payments | refunds

    def _figures(self, sold: Sold) -> Figures:
        name, total = sold.content["id"], Decimal(sold.content["total"])
        if sold.apart:
            done = [p for p in sold.payments.values() if p["status"] == "completed"]
            paid = sum((Decimal(p["amount"]) for p in done), Decimal(0)) if sold.payments else None
        else:
            paid = sum((Decimal(p["amount"]) for p in sold.content["payments"]), Decimal(0))
        refunded = sum(
            (
                Decimal(refund["total"])
                for refund in self.refunds.values()
                if refund["status"] == "completed"
                if refund.get("sale_id") == name or refund.get("payment_id") in sold.payments
            ),
            Decimal(0),
        )
        document = sold.content["status"]
        return Figures(total, paid, refunded, refunded_status(document, total, refunded))
