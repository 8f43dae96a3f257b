"""Hooks of Poster: each names an object and says nothing of it that is believed.

A cheque that is open sends one with every item that is added: they ask for one and the same read.
"""

from collections.abc import Mapping, Sequence

from integrations.answers import missing, sale_gone
from integrations.contract import Context, Delivery, Event, Normaliser, Read
from integrations.forms import is_form, parse_form
from integrations.reading import Reader, parse_json

from . import cheques

#: The console's test of an address, about whatever object.
TEST = "test"
IGNORED = frozenset({TEST, "application.added", "application.removed", "stock.changed"})
#: A cheque has no clock of its own: after so many seconds of quiet it is read again.
SETTLE = 10.0


def split(delivery: Delivery) -> list[Event]:
    """Return the event of a hook; it has no id, so what it says and when is its key."""
    hook = _hook(delivery.body)
    thing, action = hook["object"].text(60), hook["action"].text(30)
    name, sent = hook["object_id"].id(), hook["time"].seconds()
    return [
        Event(
            key=f"{thing}:{name}:{int(sent.timestamp())}:{action}",
            type=TEST if action == TEST else f"{thing}.{action}",
            payload=hook.value,
            occurred_at=sent,
            merchant=hook["account"].id(),
        )
    ]


def _hook(body: bytes) -> Reader:
    """Return what a hook says: a JSON object, or, from the console, a part of a form."""
    return Reader(parse_form(body))["data"] if is_form(body) else Reader(parse_json(body))


def _changed(event: Event, context: Context, /) -> Sequence[Read]:
    """Ask for the cheque, of a deleted one too: Poster keeps it and says that it is deleted."""
    return (Read("transaction", Reader(event.payload)["object_id"].number(), settle=SETTLE),)


NORMALISERS: Mapping[str, Normaliser] = {
    "transaction.added": _changed,
    "transaction.changed": _changed,
    "transaction.removed": _changed,
    "transaction.read": cheques.stated,
    "transaction.missing": missing(sale_gone),
    "transaction.listed": cheques.listed,
}
