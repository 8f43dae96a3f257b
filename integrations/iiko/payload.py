"""From a delivery of iiko's cloud, a list of events of any kinds, to drafts."""

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.answers import answers_of
from integrations.contract import Context, Delivery, Event, Normaliser, Statement
from integrations.reading import ID_LIMIT, Reader, parse_json

from . import orders

#: What is no sale and never will be: orders that could not be saved, shifts, menus, the kitchen.
IGNORED = frozenset(
    {
        "BusinessHoursAndMappingUpdate",
        "DeliveryOrderError",
        "KitchenOrderUpdate",
        "NomenclatureUpdate",
        "PersonalShift",
        "StopListUpdate",
        "TableOrderError",
        "empty",
    }
)
_CREATION = frozenset({"Success", "InProgress", "Error"})


def split(delivery: Delivery) -> list[Event]:
    """Return the events of a delivery; raises PayloadUnrecognised where it is no list."""
    found = [_event(one.value) for one in Reader(parse_json(delivery.body))]
    return found or [Event("empty", "empty", [])]


def _event(event: Any) -> Event:
    """Return an event; one without a type is of a type that nobody knows."""
    kind = _word(event, "eventType") or "unknown"
    info = event.get("eventInfo") if isinstance(event, dict) else None
    key = (kind, _word(event, "correlationId"), _word(info, "id"), _word(info, "timestamp"))
    return Event(":".join(key), kind, event)


def _word(value: Any, key: str) -> str:
    """Return a word for the key; what is wrong with it the normaliser complains about."""
    found = value.get(key) if isinstance(value, dict) else None
    return str(found)[:ID_LIMIT] if type(found) in (str, int) else ""


def _of(statuses: Mapping[str, str]) -> Normaliser:
    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        return _stated(Reader(event.payload)["eventInfo"], statuses, context)

    return normalise


def _stated(info: Reader, statuses: Mapping[str, str], context: Context) -> Sequence[Statement]:
    created = info["creationStatus"].one_of(_CREATION)
    if created != "Success" and info.get("order") is None:
        return ()  # not in the till yet, or never: nothing is known of it
    return [orders.sale(info, statuses, context)]


def _listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a list of deliveries: each is the ``eventInfo`` of a webhook."""
    return [
        statement
        for answer in answers_of(event)
        for organization in answer["ordersByOrganizations"]
        for info in organization["orders"]
        for statement in _stated(info, orders.DELIVERY, context)
    ]


NORMALISERS: Mapping[str, Normaliser] = {
    "TableOrderUpdate": _of(orders.TABLE),
    "DeliveryOrderUpdate": _of(orders.DELIVERY),
    "delivery.listed": _listed,
}
