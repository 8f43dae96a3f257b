"""From a delivery of WooCommerce to its one event.

The type is only in the header ``X-WC-Webhook-Topic``, which the signature does not cover.
"""

import hashlib
import re
from collections.abc import Sequence

from integrations.contract import (
    Context,
    Delivery,
    Event,
    Normaliser,
    Statement,
)
from integrations.reading import Reader, parse_json, topic_of

from . import orders, references

TOPIC, DELIVERY = "x-wc-webhook-topic", "x-wc-webhook-delivery-id"
_TOPIC = re.compile(r"[a-z_]{1,40}\.[A-Za-z0-9_]{1,100}")
_PING = re.compile(rb"webhook_id=[0-9]{1,20}")


def is_ping(delivery: Delivery) -> bool:
    """Say whether it is the form that is sent when a webhook is saved: its number alone."""
    return TOPIC not in delivery.headers and _PING.fullmatch(delivery.body) is not None


def split(delivery: Delivery) -> list[Event]:
    """Return the event of a delivery; raises PayloadUnrecognised without a topic.

    The id of a delivery is new for each, but for two within a second: the body is part of the key.
    It is needed there, for an order that is deleted again has the same body as before.
    """
    digest = hashlib.sha256(delivery.body).hexdigest()
    if is_ping(delivery):
        return [Event(key=f"ping:{digest}", type="ping", payload={})]
    payload = parse_json(delivery.body)
    topic = topic_of(delivery, TOPIC, _TOPIC)
    name = delivery.headers.get(DELIVERY, "")[:100]
    return [Event(key=f"{topic}:{name}:{digest}", type=topic, payload=payload)]


def _listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a page of orders."""
    pages = Reader(event.payload)["answers"]
    return [orders.sale(one, context) for page in pages for one in page]


_ENDS = ("created", "updated", "restored")
NORMALISERS: dict[str, Normaliser] = {
    **{f"order.{end}": orders.stated for end in _ENDS},
    "order.deleted": orders.deleted,
    "order.listed": _listed,
    **{f"product.{end}": references.product for end in _ENDS},
    "product.deleted": references.product_gone,
    "customer.created": references.customer,
    "customer.updated": references.customer,
    "customer.deleted": references.customer_gone,
}
#: Coupons are named in the orders that used them.
IGNORED = frozenset({"ping", "coupon.deleted", *(f"coupon.{end}" for end in _ENDS)})
