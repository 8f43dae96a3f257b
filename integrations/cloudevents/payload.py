"""From a request to its events, in each of the modes of CloudEvents' HTTP binding.

The attributes of an event say who it is (``source`` and ``id``), what it is (``type``, of which the
last two words count) and when it was true (``time``); its data is a document of our schema
(github.com/cloudevents/spec, v1.0.2, read 2026-11).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from integrations.contract import (
    Answer,
    Context,
    Delivery,
    Event,
    PayloadUnrecognised,
    Statement,
)
from integrations.reading import Reader, parse_json

PING = "ping"
#: The type of what stands in a batch and is no event.
UNREADABLE = "unreadable"
_TYPE = "content-type"
_STRUCTURED, _BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_NAMES = ("specversion", "id", "source", "type", "time")
ATTRIBUTES = frozenset({_TYPE, *(f"ce-{name}" for name in _NAMES)})
_VERSIONS = frozenset({"1.0"})
_ORIGIN = re.compile(r"[A-Za-z0-9.:_-]{1,255}")


def permission(headers: Mapping[str, str]) -> Answer | None:
    """Return our permission for a sender that asks if it may send here, as often as it likes."""
    origin = headers.get("webhook-request-origin", "")
    if not _ORIGIN.fullmatch(origin):
        return None
    return Answer(
        b"{}",
        "application/json; charset=utf-8",
        headers={
            "allow": "POST",
            "webhook-allowed-origin": origin,
            "webhook-allowed-rate": "*",
        },
    )


def split(delivery: Delivery) -> list[Event]:
    """Return the events of a request; which mode it is in its content type says."""
    mode = delivery.headers.get(_TYPE, "").partition(";")[0].strip().lower()
    if mode == _BATCH:
        return [_one_of_many(one) for one in Reader(parse_json(delivery.body))]
    if mode == _STRUCTURED:
        body = Reader(parse_json(delivery.body))
        return [_event(body, body)]
    if "ce-specversion" not in delivery.headers:
        raise PayloadUnrecognised(
            "headers.ce-specversion", f"missing, and the content type is not {_STRUCTURED}"
        )
    told = Reader(dict(_told(delivery.headers)), "headers")
    return [_event(told, Reader({"data": parse_json(delivery.body)}))]


def _told(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Go over the attributes in headers: UTF-8, of which what is not plain is percent-encoded."""
    for name in _NAMES:
        if f"ce-{name}" in headers:
            try:
                yield name, unquote(headers[f"ce-{name}"], errors="strict")
            except UnicodeDecodeError:
                raise PayloadUnrecognised(f"headers.ce-{name}", "not UTF-8") from None


def _one_of_many(one: Reader) -> Event:
    """Return an event of a batch: one that is none holds up no other."""
    try:
        return _event(one, one)
    except PayloadUnrecognised:
        return Event(key="", type=UNREADABLE, payload=one.value)


def unreadable(event: Event, context: Context, /) -> Sequence[Statement] | None:
    """Say what is wrong with an event of a batch."""
    told = Reader(event.payload)
    _event(told, told)
    return None


def _event(told: Reader, body: Reader) -> Event:
    told["specversion"].one_of(_VERSIONS)
    own = f"{told['source'].text()}\n{told['id'].text()}"
    words = told["type"].text().split(".")
    kind = PING if words[-1] == PING else ".".join(words[-2:])
    time = told.get("time")
    payload: dict[str, Any] = {"type": kind, "data": _data(body)}
    if time is not None:
        payload["timestamp"] = time.value
    return Event(
        key=hashlib.sha256(own.encode()).hexdigest(),
        type=kind,
        payload=payload,
        occurred_at=None if time is None else time.time("UTC"),
    )


def _data(body: Reader) -> Any:
    """Return the document; as bytes it is JSON as well."""
    encoded = body.get("data_base64")
    if encoded is None:
        found = body.get("data")
        return None if found is None else found.value
    if not isinstance(encoded.value, str):
        raise encoded.refuse("not a text")
    try:
        return parse_json(base64.b64decode(encoded.value, validate=True))
    except (binascii.Error, ValueError):
        raise encoded.refuse("not base64") from None
