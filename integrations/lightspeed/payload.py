"""A form whose field ``payload`` is the changed object as JSON, and which says nothing of its type.

The object is that of API 1.0, so its own fields tell what it is: only a sale has products of a
register, only a customer a code (x-series-api.lightspeedhq.com/docs/webhooks, read 2026-11).
"""

import hashlib
from collections.abc import Mapping

from integrations.answers import missing, sale_gone
from integrations.contract import Delivery, Event, Normaliser, PayloadUnrecognised
from integrations.forms import parse_form
from integrations.hints import text_of
from integrations.reading import Reader, parse_json

from . import answers, customers, sales

#: Field that only such an object has → the type of its webhook.
_TYPES = {"register_sale_products": "sale.update", "customer_code": "customer.update"}


def split(delivery: Delivery) -> list[Event]:
    """Return the event of a delivery: it has no id, so the object and its version are the key."""
    form = Reader(parse_form(delivery.body))
    body = Reader(_object(form["payload"]))
    kind = next((_TYPES[name] for name in _TYPES if body.get(name) is not None), "unknown")
    told = text_of(body.value.get("version")) or hashlib.sha256(delivery.body).hexdigest()
    return [
        Event(
            key=f"{kind}:{body['id'].id()}:{told}",
            type=kind,
            payload=body.value,
            merchant=form.maybe("domain_prefix", Reader.id),
        )
    ]


def _object(payload: Reader) -> object:
    """Parse the JSON inside the field. Raises PayloadUnrecognised at its place in there."""
    if not isinstance(payload.value, str):
        raise payload.refuse("not a text")
    try:
        return parse_json(payload.value.encode())
    except PayloadUnrecognised as error:
        inside = "" if error.path == "$" else f".{error.path}"
        raise PayloadUnrecognised(f"payload{inside}", error.reason) from None


NORMALISERS: Mapping[str, Normaliser] = {
    "sale.update": sales.stated,
    "sale.read": answers.stated,
    "sale.missing": missing(sale_gone),
    "sale.listed": answers.listed,
    "customer.update": customers.stated,
}
