"""Evotor: documents in two forms and receipts, the poorer view of the same documents."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from .base import Figures, Parts, Sent, Shop, body_of, headers_of, numbers, refunded_status, sample

_SELL, _PAYBACK = "document_sell__cash", "document_payback__croissant"
_RECEIPT, _LIST = "receipt_created__sell", "documents_v1__sell_and_payback"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


@dataclass
class Document:
    """What a till printed: a sale or a refund, with what was paid in how many ways."""

    name: str
    base: str | None
    total: int
    ways: int
    closed: datetime
    created: datetime
    #: Whether the cloud has it, or only the receipt was ever sent.
    whole: bool = True


@dataclass
class Evotor(Shop):
    """Three sales, each with refunds that know their sale or do not."""

    documents: dict[str, Document] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=numbers)
    slug: ClassVar[str] = "evotor"
    unit: ClassVar[timedelta] = timedelta(milliseconds=1)

    def actions(self) -> Sequence[Callable[[int, int], None]]:
        return (self._sell, self._sell, self._pay_back, self._again, self._receipt,
                self._receipt_alone, self._list, self._strange)  # fmt: skip

    def _put(self, template: str, payload: Any, path: str = "") -> None:
        self.sent.append(Sent("PUT", path, headers_of("evotor", template), body_of(payload)))

    def _tell(self, document: Document) -> None:
        self._put(_SELL if document.base is None else _PAYBACK, _second_form(document))

    def _sell(self, which: int, amount: int) -> None:
        """Sell something."""
        name = f"d{which % 3}"
        if name not in self.documents:
            closed = self.now - timedelta(seconds=3)
            if not self.exact and amount == 0:
                closed = datetime.fromisoformat("1999-01-01T00:00:00+00:00")  # a dead battery
            found = Document(name, None, 100 * (amount + 1), amount % 3 + 1, closed, self.now)
            self.documents[name] = found
            self._tell(found)

    def _pay_back(self, which: int, amount: int) -> None:
        """Take something back, with its sale named or not."""
        sold = self.documents.get(f"d{which % 3}")
        base, left = "", 50  # nobody asked for the receipt
        if sold is not None and amount != 3:
            base, left = sold.name, sold.total - self._returned(sold.name)
        if not left:
            return
        name = f"b{next(self._ids)}"
        document = Document(name, base, min(left, 50 * (amount + 1)), 1, self.now, self.now)
        self.documents[name] = document
        self._tell(document)

    def _returned(self, name: str) -> int:
        return sum(one.total for one in self.documents.values() if one.base == name)

    def _again(self, which: int, amount: int) -> None:
        """Send a document again, corrected: other payments, a later time of creation."""
        found = self.documents.get(f"d{which % 3}")
        if found is not None and found.whole:
            found.ways = amount % 3 + 1
            found.total = max(100 * (amount % 4 + 1), self._returned(found.name))
            found.created = self.now
            self._tell(found)

    def _receipt(self, which: int, amount: int) -> None:
        """Send the receipt of a document: the poorer view, and later by its own clock."""
        known = [one for one in self.documents.values() if one.whole]
        if known:
            document = known[-1 - which % len(known)]
            self._put(_RECEIPT, _receipt(document, self.now), "/api/v2/receipts")

    def _receipt_alone(self, which: int, amount: int) -> None:
        """Sell something of which only the receipt is ever sent."""
        name = f"d{which % 3}"
        if name not in self.documents:
            found = Document(name, None, 100 * (amount + 1), 1, self.now, self.now, whole=False)
            self.documents[name] = found
            self._put(_RECEIPT, _receipt(found, self.now), "/api/v2/receipts")

    def _list(self, which: int, amount: int) -> None:
        """Send documents of the first form, several in one request."""
        sale, refund = sample("evotor", _LIST)
        number = next(self._ids)
        sale, refund = _dated(sale, self.now), _dated(refund, self.now)
        sale["uuid"], refund["uuid"] = f"l{number}", f"m{number}"
        if not self.exact and amount % 2:
            sale = _dated(sale, datetime.fromisoformat("1999-01-01T00:00:00+00:00"))
        for step in refund["transactions"]:
            if step["type"] == "DOCUMENT_OPEN":
                step["baseDocumentUUID"] = sale["uuid"]
        self.documents[sale["uuid"]] = Document(sale["uuid"], None, 620, 0, self.now, self.now)
        self.documents[refund["uuid"]] = Document(
            refund["uuid"], sale["uuid"], 220, 0, self.now, self.now
        )
        for document in (sale["uuid"], refund["uuid"]):
            self.documents[document].whole = False
        self._put(_LIST, [sale, refund])
        if which % 2:
            self._put(_LIST, [sale])

    def _strange(self, which: int, amount: int) -> None:
        """Open a shift, or send what nobody can read."""
        name = "document_open_session__no_sale" if amount % 2 else "document_sell__unrecognised"
        self._put(name, sample("evotor", name))

    def truth(self) -> dict[str, Figures]:
        return {
            name: self._figures(document)
            for name, document in self.documents.items()
            if document.base is None
        }

    def parts(self) -> Parts:
        return {
            ("refund", name): ("completed", Decimal(document.total))
            for name, document in self.documents.items()
            if document.base is not None
        }

    def _figures(self, document: Document) -> Figures:
        total, back = Decimal(document.total), Decimal(self._returned(document.name))
        return Figures(total, total, back, refunded_status("completed", total, back))


def _dated(document: dict[str, Any], moment: datetime) -> dict[str, Any]:
    return document | {"closeDate": _time(moment)}


def _second_form(document: Document) -> dict[str, Any]:
    found = sample("evotor", _SELL if document.base is None else _PAYBACK)
    found |= {
        "id": document.name,
        "close_date": _time(document.closed),
        "created_at": _time(document.created),
    }
    body = found["body"]
    if document.base:
        body["base_document_id"] = document.base
    else:
        body.pop("base_document_id", None)
    position = body["positions"][0]
    position |= {"quantity": 1, "price": document.total, "result_price": document.total}
    position |= {"sum": document.total, "result_sum": document.total, "position_discount": None}
    body |= {"positions": [position], "sum": document.total, "result_sum": document.total}
    body["payments"] = _payments(body["payments"][0], document)
    printed = body["pos_print_results"][0]
    body["pos_print_results"] = [printed | {"fiscal_document_number": document.name}]
    return found  # type: ignore[no-any-return]


def _payments(first: dict[str, Any], document: Document) -> list[dict[str, Any]]:
    """Split the total over the ways to pay: the first takes what the others leave."""
    sums = [document.total - 10 * (document.ways - 1), *[10] * (document.ways - 1)]
    return [
        first | {"id": f"{document.name}-{place}", "sum": part}
        | {"parts": [{"print_group_id": None, "part_sum": part, "change": 0}]}
        for place, part in enumerate(sums)
    ]  # fmt: skip


def _receipt(document: Document, sent: datetime) -> dict[str, Any]:
    found = sample("evotor", _RECEIPT)
    found |= {"id": f"event-{document.name}", "timestamp": int(sent.timestamp() * 1000)}
    data = found["data"]
    data |= {
        "id": document.name,
        "type": "SELL" if document.base is None else "PAYBACK",
        "dateTime": _time(document.closed),
        "totalAmount": document.total,
        "totalDiscount": 0,
    }
    item = data["items"][0] | {"quantity": 1, "price": document.total, "discount": 0}
    data["items"] = [item]
    return found  # type: ignore[no-any-return]
