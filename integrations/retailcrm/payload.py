"""Requests of a trigger: parameters that the merchant has put together after our template.

They name an order and say nothing for certain: each asks for a read. A request has no number, so
that what it says is its key; parameters that the template does not have are nobody's.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

from integrations.answers import missing, sale_gone
from integrations.clocks import micros
from integrations.contract import Context, Delivery, Event, Normaliser, Read, Statement
from integrations.forms import parse_form
from integrations.reading import Reader, parse_json

from . import orders

SECRET = "secret"  # noqa: S105 - the name of a parameter
_ORDER = "order"
IGNORED = frozenset({"ping"})
#: What tells one request from another, beside the event.
_KEYS = ("id", "externalId", "number", "status", "at")
#: Orders have no clock of their own: after so many seconds of quiet one is read again.
SETTLE = 10.0


def split(delivery: Delivery) -> list[Event]:
    """Return the one event of a request: of its body, or of its query where it has none."""
    stated = Reader(_parameters(delivery))
    kind = stated.maybe("event", Reader.label, 100) or _ORDER
    said = json.dumps([stated.value.get(key) for key in _KEYS], default=str)
    key = f"{kind}:{hashlib.sha256(said.encode()).hexdigest()}"
    return [Event(key=key, type=kind, payload=stated.value)]


def _parameters(delivery: Delivery) -> object:
    body = delivery.body.lstrip()
    if body[:1] == b"{":
        return parse_json(delivery.body)
    return parse_form(body or delivery.query.encode("latin-1"))


def _hint(event: Event, context: Context, /) -> Sequence[Read]:
    """Ask for the order by its own number, else by that of the shop."""
    stated = Reader(event.payload)
    for key, kind in (("id", _ORDER), ("externalId", "order_by_external_id")):
        found = stated.get(key)
        if found is not None and found.value != "":  # what a template has no value for
            name = found.number() if kind == _ORDER else found.id()
            return (Read(kind, name, settle=SETTLE),)
    raise Reader(None, "id").refuse("neither id nor externalId of an order")


def _listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Ask for every order that a page of changes names, as new as the last change of it.

    A change of times to come has a wrong zone: it was known when the page was asked for.
    """
    latest = context.answered.sent if context.answered else context.received
    found: dict[str, Read] = {}
    for page in Reader(event.payload)["answers"]:
        for change in page["history"]:
            order = change.get("order")
            if order is not None:
                name = order["id"].number()
                at = micros(change["createdAt"].time(context.timezone))
                gone = bool(change.maybe("deleted", Reader.boolean))
                found[name] = Read(_ORDER, name, clock=min(at, latest), deleted=gone)
    return list(found.values())


def _unknown(event: Event, context: Context, /) -> Sequence[Statement]:
    """State nothing: of which order the shop's number was, nobody knows any more."""
    return ()


NORMALISERS: Mapping[str, Normaliser] = {
    _ORDER: _hint,
    f"{_ORDER}.read": orders.stated,
    f"{_ORDER}.missing": missing(sale_gone),
    f"{_ORDER}.listed": _listed,
    "order_by_external_id.read": orders.stated,
    "order_by_external_id.missing": _unknown,
}
