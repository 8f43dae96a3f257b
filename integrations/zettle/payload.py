"""Messages of Zettle: an envelope whose payload is JSON inside a text, which is what is signed.

The message of a test has an object there instead (github.com/iZettle/api-documentation, pusher-api,
read 2026-11): it comes when a subscription is made, before anybody has the key that signs it.
"""

from collections.abc import Mapping, Sequence

from integrations.answers import answers_of
from integrations.contract import (
    Context,
    Delivery,
    Event,
    Normaliser,
    PayloadUnrecognised,
    Statement,
)
from integrations.reading import Reader, parse_json
from sales.drafts import Rank

from . import purchases

TEST = "TestMessage"
IGNORED = frozenset({TEST})


def is_test_message(delivery: Delivery) -> bool:
    """Say whether it is the message that is sent to see if we are here: it says nothing else."""
    try:
        body = Reader(parse_json(delivery.body))
        return body["eventName"].text(50) == TEST and body["payload"].value == {"data": "payload"}
    except PayloadUnrecognised:
        return False


def split(delivery: Delivery) -> list[Event]:
    """Return the event of a delivery, its payload parsed in its place."""
    body = Reader(parse_json(delivery.body))
    payload = body["payload"]
    parsed = _parsed(payload) if type(payload.value) is str else payload.value
    return [
        Event(
            key=body["messageUuid"].id(),
            type=body["eventName"].text(100),
            payload={**body.value, "payload": parsed},
            occurred_at=body["timestamp"].time(),
            merchant=body.maybe("organizationUuid", Reader.id),
        )
    ]


def _parsed(payload: Reader) -> object:
    """Parse the JSON inside the text. Raises PayloadUnrecognised at its place in there."""
    try:
        return parse_json(payload.value.encode())
    except PayloadUnrecognised as error:
        inside = "" if error.path == "$" else f".{error.path}"
        raise PayloadUnrecognised(f"payload{inside}", error.reason) from None


def _purchase(event: Event, context: Context, /) -> Sequence[Statement]:
    return (purchases.stated(Reader(event.payload)["payload"], context, rank=Rank.FULL),)


def _listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a page of purchases: the message of each says more, who sold it."""
    return [
        purchases.stated(one, context, rank=Rank.PARTIAL)
        for page in answers_of(event)
        for one in page["purchases"]
    ]


NORMALISERS: Mapping[str, Normaliser] = {
    "PurchaseCreated": _purchase,
    "purchase.listed": _listed,
}
