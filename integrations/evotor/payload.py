"""From a delivery of Evotor to events, and from an event to drafts.

The path decides little: Evotor appends its own to our address. The shape of a payload tells what
it is: an object or a list of objects, each with ``body`` or ``transactions`` (a document), ``data``
(an event of the cloud) or ``paymentSource`` (a receipt of version 1). Calls that concern the app
are told by their path: the app's token has proven them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from integrations.contract import MERCHANT, Context, Delivery, Event, Normaliser, Statement
from integrations.reading import ID_LIMIT, Reader, parse_json
from integrations.schemes import call_of
from sales.drafts import RefundDraft, SaleDraft

from . import asking, documents, linking, receipts, transactions

#: Documents of the till that are no sale; BUY and BUYBACK are расход: the shop pays.
NO_SALES = (
    "ACCEPT BUY BUYBACK CASH_INCOME CASH_OUTCOME CLOSE_SESSION FPRINT INVENTORY OPEN_SESSION"
    " OPEN_TARE RETURN REVALUATION WRITE_OFF"
).split()
_PUSHES = frozenset({"devices", "employees", "products", "stores"})
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_STORE = re.compile(r"stores/([0-9A-Za-z-]{1,64})/")


def split(delivery: Delivery) -> list[Event]:
    """Split a delivery into its documents and receipts; raises PayloadUnrecognised."""
    payload = parse_json(delivery.body)
    if (call := call_of(delivery.path)) in linking.OWN_CALLS:
        return [_of_app(call, payload)]
    if payload == []:
        return [Event("empty", "empty", payload)]
    elements = payload if isinstance(payload, list) else [payload]
    user = delivery.headers.get(MERCHANT)
    return [replace(_event(element, delivery.path), merchant=user) for element in elements]


def part(delivery: Delivery, merchant: str) -> bytes:
    """Return what a delivery holds of a user: all of it, a token is that of one user."""
    return delivery.body


def _of_app(call: str, payload: Any) -> Event:
    """Return a call: that a merchant linked himself routes nothing, the token handed over does."""
    if call in linking.NOTES:
        note = payload if isinstance(payload, dict) else {}
        about = str(note.get("subscriptionId") or _id(note))[:ID_LIMIT]
        return Event(f"{call}:{about}", linking.NOTES[call], payload)
    user = linking.user_of(payload)
    if user is None:
        return Event("unknown", "unknown", payload)
    merchant = user if call == linking.TOKEN else None
    return Event(f"{call}:{user}", call.replace("/", "."), payload, merchant=merchant)


def _event(element: Any, path: str) -> Event:
    if not isinstance(element, dict):
        return Event("unknown", "unknown", element)
    if "body" in element or "transactions" in element:
        return _named("document", element, _in_store(element, path))
    if isinstance(element.get("data"), dict):
        return _of_cloud(element)
    if "paymentSource" in element:
        return _named("receipt", element, element)
    last = path.rstrip("/").rpartition("/")[2]
    kind = last if last in _PUSHES else "unknown"
    return Event(f"{kind}:{_id(element)}", kind, element)


def _of_cloud(message: dict[str, Any]) -> Event:
    if message.get("type") == "ReceiptCreated":
        return _named("receipt", message["data"], message)
    return _named("event", message, message)


def _named(kind: str, entity: dict[str, Any], payload: dict[str, Any]) -> Event:
    word = entity.get("type")
    known = isinstance(word, str) and _WORD.fullmatch(word)
    return Event(f"{kind}:{_id(entity)}", f"{kind}.{word if known else 'unknown'}", payload)


def _id(entity: dict[str, Any]) -> str:
    """Return the id for the key; a missing one is what the normaliser complains about."""
    return str(entity.get("uuid") or entity.get("id") or "")[:ID_LIMIT]


def _in_store(document: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the document with its shop: lists of the first form name it in the path alone."""
    store = _STORE.search(path)
    if store is None or "transactions" not in document or document.get("storeUuid"):
        return document
    return {**document, "storeUuid": store[1]}


def _sale_document(document: Reader, context: Context) -> SaleDraft:
    read = transactions.sale if "transactions" in document.value else documents.sale
    return read(document, context)


def _refund_document(document: Reader, context: Context) -> RefundDraft:
    read = transactions.refund if "transactions" in document.value else documents.refund
    return read(document, context)


def _one(read: Callable[[Reader, Context], Statement]) -> Normaliser:
    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        return [read(Reader(event.payload), context)]

    return normalise


NORMALISERS: dict[str, Normaliser] = {
    "document.SELL": _one(_sale_document),
    "document.PAYBACK": _one(_refund_document),
    "receipt.SELL": _one(receipts.sale),
    "receipt.PAYBACK": _one(receipts.refund),
    f"{asking.KIND}.listed": asking.read,
}
IGNORED = frozenset(
    {
        *("empty", "receipt.BUY", "receipt.BUYBACK"),
        *(f"document.{word}" for word in NO_SALES),
        *("user.create", "user.verify", "user.token", *linking.NOTES.values()),
    }
)
