"""The envelope of our schema, in JSON or as the field ``payload`` of a form.

The headers are not signed, so the type is the envelope's own wherever there is one; only a ping has
none. The id of a delivery is a key and nothing more.
"""

import hashlib
from dataclasses import replace
from typing import Any

from integrations import envelope
from integrations.contract import Delivery, Event, PayloadUnrecognised
from integrations.forms import is_form, parse_form
from integrations.reading import ID_LIMIT, Reader, parse_json

EVENT, DELIVERY, PING = "x-github-event", "x-github-delivery", "ping"


def split(delivery: Delivery) -> list[Event]:
    """Return the one event of a delivery."""
    text = _json_of(delivery)
    body = Reader(parse_json(text))
    if body.get("type") is None and delivery.headers.get(EVENT) == PING:
        return [Event(key=_key(delivery), type=PING, payload=body.value)]
    (event,) = envelope.split(replace(delivery, body=text, headers={}))
    return [replace(event, key=_key(delivery))]


def _json_of(delivery: Delivery) -> bytes:
    if not is_form(delivery.body):
        return delivery.body
    found: Any = parse_form(delivery.body)
    payload = found.get("payload") if isinstance(found, dict) else None
    if not isinstance(payload, str):
        raise PayloadUnrecognised("payload", "missing")
    return payload.encode()


def _key(delivery: Delivery) -> str:
    """Return the id of the delivery; without one, and for what no table would keep, a hash."""
    key = delivery.headers.get(DELIVERY, "")
    if not key:
        return hashlib.sha256(delivery.body).hexdigest()
    plain = len(key) <= ID_LIMIT and key.isascii() and key.isprintable()
    return key if plain else hashlib.sha256(key.encode()).hexdigest()
