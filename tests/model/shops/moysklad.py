"""MoySklad: notices say that a document has changed; what it is, only answers to our questions say.

Nobody asks here: the shop itself decides when it was asked, and what was known by then.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from integrations import answers, samples
from integrations.clocks import micros
from integrations.contract import Answered

from .base import Figures, Parts, Sent, Shop, body_of, headers_of, numbers, refunded_status, sample

_SALE, _REFUND = "retaildemand", "retailsalesreturn"
_TEMPLATES = {_SALE: f"{_SALE}.read__cash", _REFUND: f"{_REFUND}.read__partial"}
_NOTICE, _GONE = "retaildemand.update__not_posted", "retaildemand.delete__gone"
_STRANGE = ("stock__report", "retailshift.create__no_sales", "retaildemand.create__no_uuid")
_SECOND = 1_000_000


def _end_of_second(micros: int) -> int:
    return micros - micros % _SECOND + _SECOND - 1


def _moscow(moment: datetime) -> str:
    there = moment.astimezone(ZoneInfo("Europe/Moscow"))
    return f"{there:%Y-%m-%d %H:%M:%S}.{there.microsecond // 1000:03d}"


@dataclass
class Document:
    """A retail sale or return as MoySklad has it; amounts are rubles."""

    kind: str
    name: str
    base: str | None
    total: int
    cash: int
    updated: datetime
    posted: bool = True
    #: When it was thrown away; taken out of the bin it keeps the time, and is changed later.
    deleted: datetime | None = None
    is_gone: bool = False
    #: Whether a question for it is answered as long as it lies in the bin.
    is_readable: bool = False
    #: The greatest clock that was heard or read of it, in microseconds.
    known: int | None = None


@dataclass
class MoySklad(Shop):
    """Three sales, and returns that name their sale or none."""

    documents: dict[str, Document] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=numbers)
    slug: ClassVar[str] = "moysklad"
    is_asked: ClassVar[bool] = True
    unit: ClassVar[timedelta] = timedelta(milliseconds=1)

    def actions(self) -> Sequence[Callable[[int, int], None]]:
        return (self._sell, self._sell, self._sell, self._pay_back, self._change, self._post,
                self._throw_away, self._ask, self._list, self._strange)  # fmt: skip

    def play(self, moves: Sequence[Any]) -> None:
        """Let a day happen; at its end everything that was heard of has been asked for."""
        super().play(moves)
        for document in self.documents.values():
            self.now += self.unit
            self._read(document)

    def _some(self, which: int, kinds: Sequence[str] = (_SALE, _REFUND)) -> Document | None:
        known = [one for one in self.documents.values() if one.kind in kinds]
        return known[which % len(known)] if known else None

    def _notify(self, document: Document, action: str) -> None:
        body = sample("moysklad", _GONE if action == "DELETE" else _NOTICE)
        body["auditContext"]["moment"] = _moscow(self.now)[:19]
        (event,) = body["events"]
        event |= {"action": action, "meta": {"type": document.kind, "href": _link(document.name)}}
        query = f"requestId=640569eb-522d-427a-b07e-{next(self._ids):012x}"
        headers = headers_of("moysklad", _NOTICE)
        self.sent.append(Sent("POST", "/", headers, body_of(body), query))

    def _read(self, document: Document) -> None:
        """Answer a question for one document, as it is now."""
        sent = micros(self.now)
        answered = Answered(sent, sent - sent % _SECOND, document.known)
        gone = document.is_gone and not document.is_readable
        outcome, texts = ("missing", []) if gone else ("read", [body_of(_told(document))])
        self._answer(document.kind, document.name, outcome, texts, answered)
        clock = _end_of_second(sent) if gone else micros(document.updated)
        document.known = max(clock, document.known or 0)

    def _answer(
        self, kind: str, name: str, outcome: str, texts: Sequence[bytes], answered: Answered
    ) -> None:
        body = answers.envelope(kind, name, outcome, texts)
        self.sent.append(Sent("GET", "", {}, body, answered=answered))

    def _make(self, kind: str, name: str, base: str | None, total: int, cash: int) -> None:
        document = Document(kind, name, base, total, cash, self.now)
        self.documents[name] = document
        self._notify(document, "CREATE")

    def _sell(self, which: int, amount: int) -> None:
        """Sell something, paid in two ways."""
        name = _uuid(which % 3)
        if name not in self.documents:
            self._make(_SALE, name, None, 100 * (amount + 1), 10 * amount)

    def _pay_back(self, which: int, amount: int) -> None:
        """Take something back, with its sale named or not."""
        sold = self.documents.get(_uuid(which % 3))
        base, left = None, 50
        if sold is not None and amount != 3:
            base, left = sold.name, sold.total - self._returned(sold.name)
        if left > 0:
            total = min(left, 50 * (amount + 1))
            self._make(_REFUND, _uuid(100 + next(self._ids)), base, total, amount)

    def _changed(self, document: Document) -> None:
        document.updated = self.now
        self._notify(document, "UPDATE")

    def _change(self, which: int, amount: int) -> None:
        """Correct a sale: another total, paid in other parts."""
        document = self._some(which, (_SALE,))
        if document is not None and not document.is_gone:
            document.total = max(100 * (amount % 4 + 1), self._returned(document.name))
            document.cash = 10 * amount
            self._changed(document)

    def _post(self, which: int, amount: int) -> None:
        """Post what is not posted, and the other way round."""
        document = self._some(which + amount)
        if document is not None and not document.is_gone:
            document.posted = not document.posted
            self._changed(document)

    def _throw_away(self, which: int, amount: int) -> None:
        """Throw a document into the bin, or take it out again."""
        document = self._some(which + amount)
        if document is None:
            return
        if not document.is_gone:
            document.is_gone, document.deleted = True, self.now
            document.is_readable = amount % 2 == 1
            self._notify(document, "DELETE")
            document.known = max(_end_of_second(micros(self.now)), document.known or 0)
        elif document.deleted != self.now:
            document.is_gone = False
            self._changed(document)

    def _ask(self, which: int, amount: int) -> None:
        """Let a question be answered; without ``exact`` by what lags behind, or forgets."""
        document = self._some(which + amount)
        if document is None:
            return
        if not self.exact and amount % 3 == 0:
            document.known = None
        self._read(document)

    def _list(self, which: int, amount: int) -> None:
        """Let a page of a list be read: what lies in the bin is not on it."""
        kind = (_SALE, _REFUND)[which % 2]
        rows = [
            _told(one) for one in self.documents.values() if one.kind == kind and not one.is_gone
        ]
        sent = micros(self.now)
        answered = Answered(sent, sent - sent % _SECOND)
        page = body_of({"meta": {"size": len(rows), "limit": 100, "offset": 0}, "rows": rows})
        self._answer(kind, "", "listed", [page], answered)

    def _strange(self, which: int, amount: int) -> None:
        """Tell of stock, of a shift, or what nobody can read."""
        name = _STRANGE[amount % len(_STRANGE)]
        body = body_of(sample("moysklad", name))
        self.sent.append(Sent("POST", "/", headers_of("moysklad", name), body))

    def _returned(self, name: str, *, counted: bool = False) -> int:
        back = [one for one in self.documents.values() if one.base == name]
        return sum(one.total for one in back if not counted or (one.posted and not one.is_gone))

    def truth(self) -> dict[str, Figures]:
        return {
            one.name: self._figures(one)
            for one in self.documents.values()
            if one.kind == _SALE and not one.is_gone
        }

    def _figures(self, document: Document) -> Figures:
        total = Decimal(document.total)
        back = Decimal(self._returned(document.name, counted=True))
        paid = total if document.posted else Decimal(0)
        status = refunded_status("completed" if document.posted else "voided", total, back)
        return Figures(total, paid, back, status)

    def parts(self) -> Parts:
        return {
            ("refund", one.name): (
                "completed" if one.posted else "pending",
                Decimal(one.total),
            )
            for one in self.documents.values()
            if one.kind == _REFUND and not one.is_gone
        }


def _uuid(number: int) -> str:
    return f"0b71daec-9157-11f1-0a80-{number:012x}"


def _link(name: str) -> str:
    return f"https://api.moysklad.ru/api/remap/1.2/entity/retaildemand/{name}"


def _told(document: Document) -> dict[str, Any]:
    """Return the document as the API gives it."""
    recorded = samples.load_answers("moysklad")[_TEMPLATES[document.kind]]
    (found,) = json.loads(recorded)["answers"]
    found |= {
        "id": document.name,
        "updated": _moscow(document.updated),
        "applicable": document.posted,
        "sum": document.total * 100.0,
        "cashSum": document.cash * 100.0,
        "noCashSum": (document.total - document.cash) * 100.0,
    }
    if document.deleted is not None:
        found["deleted"] = _moscow(document.deleted)
    if document.base is not None:
        found["demand"] = {"meta": {"type": _SALE, "href": _link(document.base)}}
    else:
        found.pop("demand", None)
    position = found["positions"]["rows"][0]
    position |= {"quantity": 1.0, "price": document.total * 100.0, "discount": 0.0}
    found["positions"]["rows"] = [position]
    found["positions"]["meta"]["size"] = 1
    return found  # type: ignore[no-any-return]
