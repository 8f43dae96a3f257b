"""From a delivery of Toast to its event: one order, whole, new ones too."""

from collections.abc import Mapping, Sequence

from integrations.answers import answers_of
from integrations.contract import Context, Delivery, Event, Normaliser, Statement
from integrations.reading import Reader, parse_json

from . import orders


def split(delivery: Delivery) -> list[Event]:
    """Return the event of a delivery, under the id that its repetitions have as well."""
    body = Reader(parse_json(delivery.body))
    details = body.get("details")
    return [
        Event(
            key=body["guid"].id(),
            type=body["eventType"].text(100),
            payload=body.value,
            occurred_at=body["timestamp"].time(),
            merchant=details.maybe("restaurantGuid", Reader.id) if details else None,
        )
    ]


def _updated(event: Event, context: Context, /) -> Sequence[Statement]:
    details = Reader(event.payload)["details"]
    place = details["restaurantGuid"]
    restaurant = context.settings.get("restaurant")
    if restaurant and place.id().lower() != restaurant:
        raise place.refuse(f"not {restaurant}, the restaurant of this source")
    return orders.stated(details["order"], place.id(), context)


def _listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a page of orders, all of the one restaurant that was asked for."""
    return [
        statement
        for page in answers_of(event)
        for order in page
        for statement in orders.stated(order, context.settings.get("restaurant"), context)
    ]


NORMALISERS: Mapping[str, Normaliser] = {"order_updated": _updated, "order.listed": _listed}
