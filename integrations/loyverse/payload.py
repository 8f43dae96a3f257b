"""Batches of receipts, items or customers, each a state of its own.

Loyverse publishes no list of its webhooks' fields; they are those of its API (a captured delivery
of 2024-03 and developer.loyverse.com, read 2026-11).
"""

from collections.abc import Callable, Mapping, Sequence

from integrations.answers import answers_of
from integrations.contract import Context, Delivery, Event, Normaliser, Statement
from integrations.hints import object_of
from integrations.reading import Reader, parse_json

from . import receipts, references

#: Type → where its objects stand, and the name of one.
_LISTS = {
    "customers.update": ("customers", "id"),
    "items.update": ("items", "id"),
    "receipts.update": ("receipts", "receipt_number"),
}
IGNORED = frozenset({"inventory_levels.update", "shifts.create"})


def split(delivery: Delivery) -> list[Event]:
    """Return an event for each object of a batch: one that cannot be read holds up no other."""
    body = Reader(parse_json(delivery.body))
    kind, merchant = body["type"].text(100), body.maybe("merchant_id", Reader.id)
    if kind not in _LISTS:
        return [Event(key=kind, type=kind, payload=body.value, merchant=merchant)]
    place, name = _LISTS[kind]
    return [Event(_key(kind, one, name), kind, one.value, merchant=merchant) for one in body[place]]


def _key(kind: str, one: Reader, name: str) -> str:
    """Return the name and the time of an object; of one that tells neither, nothing but its kind:
    its normaliser says what is wrong, and its content tells it from others."""
    found = object_of(one.value)
    told = (found.get(key) for key in (name, "updated_at"))
    return ":".join([kind, *(str(value)[:100] for value in told)])


def _told(state: Callable[[Reader, Context], Sequence[Statement]]) -> Normaliser:
    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        return state(Reader(event.payload), context)

    return normalise


def _listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a page of receipts: they are whole."""
    return [
        statement
        for page in answers_of(event)
        for one in page["receipts"]
        for statement in receipts.stated(one, context)
    ]


NORMALISERS: Mapping[str, Normaliser] = {
    "receipts.update": _told(receipts.stated),
    "receipt.listed": _listed,
    "items.update": _told(references.products),
    "customers.update": _told(references.customers),
}
