"""From a notification of Square to its event, and from an event to what it states.

``updated_at`` orders the states of an object, never ``version``: that is absent for orders that
were not made through the API. Amounts are integers of minor units, each with its currency.
"""

from collections.abc import Callable, Mapping, Sequence

from integrations.answers import answers_of
from integrations.clocks import is_plausible, micros
from integrations.contract import Context, Delivery, Event, Normaliser, Read, Statement
from integrations.reading import Reader, parse_json
from sales.drafts import Draft

from . import customers, items, orders, payments
from .words import pushed

IGNORED = frozenset(
    {
        "inventory.count.updated",
        "team_member.created",
        "team_member.updated",
        "team_member.wage_setting.updated",
        "webhooks.test_notification",
    }
)


def split(delivery: Delivery) -> list[Event]:
    """Return the one event of a notification; its key is ``event_id``, the same on every retry."""
    body = Reader(parse_json(delivery.body))
    return [
        Event(
            key=body["event_id"].id(),
            type=body["type"].text(100),
            payload=body.value,
            occurred_at=body.maybe("created_at", Reader.time),
            merchant=body.maybe("merchant_id", Reader.id),
        )
    ]


def _order_hint(name: str) -> Normaliser:
    """Return the normaliser of a thin event: it names an order, which has to be read."""

    def normalise(event: Event, context: Context, /) -> Sequence[Read]:
        order = pushed(event, name)
        at = order.get("updated_at") or order.get("created_at")
        time = None if at is None else at.time()
        dated = time is not None and is_plausible(time, context)
        clock = micros(time) if time is not None and dated else None
        return (Read("order", order["order_id"].id(), clock=clock),)

    return normalise


def _listed(key: str, state: Callable[[Reader, Context], Draft]) -> Normaliser:
    """Return the normaliser of a page; where a list is told by location, the first is of those."""

    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        found: list[Statement] = []
        for page in answers_of(event):
            found += [items.location(one, context) for one in page.items("locations")]
            found += [state(one, context) for one in page.items(key)]
        return found

    return normalise


def _says_nothing(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read "not found". Square deletes no order: it is of another seller, or of a console's test,
    and what its payments say stands."""
    return ()


NORMALISERS: Mapping[str, Normaliser] = {
    "payment.created": payments.payment_pushed,
    "payment.updated": payments.payment_pushed,
    "payment.listed": _listed("payments", payments.payment_draft),
    "refund.created": payments.refund_pushed,
    "refund.updated": payments.refund_pushed,
    "refund.listed": _listed("refunds", payments.refund_draft),
    "order.created": _order_hint("order_created"),
    "order.updated": _order_hint("order_updated"),
    "order.fulfillment.updated": _order_hint("order_fulfillment_updated"),
    "order.read": orders.read,
    "order.missing": _says_nothing,
    "order.listed": _listed("orders", orders.sale),
    "customer.created": customers.stated,
    "customer.updated": customers.stated,
    "customer.deleted": customers.deleted,
    "customer.listed": _listed("customers", customers.person),
    "catalog.version.updated": items.changed,
    "catalog.read": items.stated,
    "catalog.missing": _says_nothing,
    "catalog.listed": items.stated,
}
