"""From a delivery of Shopify to its event; a wish to be forgotten is two.

The type is only in the header ``X-Shopify-Topic`` and the shop only in ``X-Shopify-Shop-Domain``:
the signature covers neither.
"""

import hashlib
import re
from datetime import datetime
from typing import Any

from integrations.contract import Delivery, Event, Normaliser, PayloadUnrecognised
from integrations.reading import Reader, parse_json, topic_of
from sales.drafts import ReferenceKind

from . import answers, orders, privacy, references, refunds, transactions

TOPIC, EVENT_ID, SHOP = "x-shopify-topic", "x-shopify-event-id", "x-shopify-shop-domain"
#: The row of a customer is emptied at once; what only a person can do is an event of its own.
_PARTS = {"customers/redact": ("customers/redact", privacy.STORED)}
_SHOP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com")
_TOPIC = re.compile(r"[a-z_]{1,40}/[a-z_]{1,40}")


def split(delivery: Delivery) -> list[Event]:
    """Return the event of a delivery, or its two; raises PayloadUnrecognised without a topic.

    One event id is shared by all topics that tell of it, so the topic is part of the key. Without
    an id the hash of the body stands in for it.
    """
    payload = parse_json(delivery.body)
    topic = topic_of(delivery, TOPIC, _TOPIC)
    name = delivery.headers.get(EVENT_ID) or hashlib.sha256(delivery.body).hexdigest()
    return [
        Event(
            key=f"{kind}:{name[:200]}",
            type=kind,
            payload=payload,
            occurred_at=_lenient_time(payload),
            merchant=_shop(delivery),
        )
        for kind in _PARTS.get(topic, (topic,))
    ]


def _shop(delivery: Delivery) -> str | None:
    """Return the shop that a delivery says it is of, None of what is no shop's name."""
    name = delivery.headers.get(SHOP, "").lower()
    return name if _SHOP.fullmatch(name) else None


def _lenient_time(payload: Any) -> datetime | None:
    """Return the payload's time for display; its normaliser judges a bad one."""
    try:
        found = Reader(payload)
        return found.maybe("updated_at", Reader.time) or found.maybe("created_at", Reader.time)
    except PayloadUnrecognised:
        return None


NORMALISERS: dict[str, Normaliser] = {
    "orders/create": orders.stated,
    "orders/paid": orders.stated,
    "orders/updated": orders.stated,
    "orders/cancelled": orders.stated,
    "orders/delete": orders.deleted,
    "refunds/create": refunds.stated,
    "order_transactions/create": transactions.stated,
    **dict.fromkeys(
        (f"customers/{verb}" for verb in ("create", "update", "enable", "disable")),
        references.customer,
    ),
    **dict.fromkeys(("products/create", "products/update"), references.product),
    **dict.fromkeys(
        (f"locations/{verb}" for verb in ("create", "update", "activate", "deactivate")),
        references.location,
    ),
    "customers/delete": references.deleted(ReferenceKind.CUSTOMER),
    "products/delete": references.deleted(ReferenceKind.PRODUCT),
    "locations/delete": references.deleted(ReferenceKind.LOCATION),
    "customers/redact": references.redacted,
    **privacy.NORMALISERS,
    **answers.NORMALISERS,
}
#: ``orders/edited`` tells only that lines changed; ``orders/updated`` brings the order itself.
IGNORED = frozenset({"app/uninstalled", "orders/edited"})
