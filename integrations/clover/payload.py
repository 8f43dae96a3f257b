"""What changed, of many merchants in one body: ``{"appId": …, "merchants": {"<id>": [{"objectId":
"O:<id>", "type": "UPDATE", "ts": <ms>}]}}`` (docs.clover.com/dev/docs/webhooks, read 2026-11).

``ts`` is when the notice was made: later than the change, so it dates a deletion and no state.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from integrations.answers import customer_gone, missing, sale_gone
from integrations.clocks import version
from integrations.contract import (
    Context,
    Delivery,
    Event,
    Normaliser,
    Read,
    Statement,
)
from integrations.hints import millis_of, object_of, text_of
from integrations.reading import Reader, parse_json
from integrations.strict import members_of
from sales.drafts import Draft, PaymentDraft, Rank, Version

from . import customers, orders, payments

#: What the letters before an object's id say it is.
_OBJECTS = {
    "A": "app",
    "C": "customer",
    "CA": "cash_adjustment",
    "E": "employee",
    "I": "item",
    "IC": "category",
    "IG": "modifier_group",
    "IM": "modifier",
    "M": "merchant",
    "O": "order",
    "P": "payment",
    "SH": "service_hours",
}
_VERIFICATION = "verification"
#: The type of what does not say what happened to what.
UNREADABLE = "unreadable"
#: What a merchant has beside its sales, and the question if we are here.
IGNORED = frozenset({_VERIFICATION}) | {
    f"{kind}.{what}"
    for kind in ("app", "cash_adjustment", "employee", "merchant", "service_hours")
    for what in ("create", "update", "delete")
}
#: An order changes in bursts, and nothing says which state a notice is of: it is read again after
#: so many seconds of quiet.
SETTLE = 10.0
_MILLISECOND = timedelta(milliseconds=1)


def is_verification(delivery: Delivery) -> bool:
    """Say whether this is the question if we are here, which nothing proves yet."""
    return bool(code(delivery))


def code(delivery: Delivery) -> str:
    """Return the code that a person has to paste into the console, nothing of anything else."""
    try:
        body = json.loads(delivery.body)
    except (ValueError, RecursionError):
        return ""
    alone = isinstance(body, dict) and list(body) == ["verificationCode"]
    found = body["verificationCode"] if alone else ""
    return found if isinstance(found, str) and found.isprintable() else ""


def split(delivery: Delivery) -> list[Event]:
    """Return the events of a delivery. One that lacks something holds up no other of its body:
    its own normaliser says what is missing."""
    body = Reader(parse_json(delivery.body))
    if body.get("verificationCode") is not None:
        return [Event(key="", type=_VERIFICATION, payload=body.value)]
    return [
        _event(merchant, one.value)
        for merchant, changes in body["merchants"].members()
        for one in changes
    ]


def _event(merchant: str, told: Any) -> Event:
    one = object_of(told)
    about, what, at = (text_of(one.get(name)) for name in ("objectId", "type", "ts"))
    kind, colon, name = about.partition(":")
    readable = bool(kind and colon and name and what)
    return Event(
        key=f"{merchant}:{about}:{what}:{at}",
        type=f"{_OBJECTS.get(kind, kind)}.{what.lower()}" if readable else UNREADABLE,
        payload=told,
        occurred_at=millis_of(one, "ts"),
        merchant=merchant,
    )


def part(delivery: Delivery, merchant: str) -> bytes:
    """Return what a delivery holds of one merchant, as it was written."""
    body = members_of(delivery.body.decode())
    mine = members_of(body["merchants"]).get(merchant, "[]")
    app = body.get("appId", "null")
    text = f'{{"appId": {app}, "merchants": {{{json.dumps(merchant)}: {mine}}}}}'
    return text.encode()


def _name(event: Event, context: Context) -> str:
    """Return the id of what changed, of the merchant of this source."""
    told = Reader(event.payload)["objectId"]
    merchant = context.settings.get("merchant")
    if merchant and event.merchant != merchant:
        raise told.refuse(f"of {event.merchant}, not of {merchant}, the merchant of this source")
    name = told.id().partition(":")[2]
    if not (name.isascii() and name.isalnum()):
        raise told.refuse("an id of letters and digits is needed / нужен код из букв и цифр")
    return name


def _changed(kind: str) -> Normaliser:
    """Return the normaliser of a notice that asks for a read."""

    def normalise(event: Event, context: Context, /) -> Sequence[Read]:
        return (Read(kind, _name(event, context), settle=SETTLE),)

    return normalise


def _deleted(gone: Callable[[str, Version], Draft]) -> Normaliser:
    """Return the normaliser of a deletion."""

    def normalise(event: Event, context: Context, /) -> Sequence[Draft]:
        at = Reader(event.payload)["ts"].millis()
        return (
            gone(_name(event, context), version(Rank.FULL, at, context, round_up=_MILLISECOND)),
        )

    return normalise


def _payment_gone(name: str, at: Version) -> PaymentDraft:
    return PaymentDraft(external_id=name, version=at, gone=True)


def _unreadable(event: Event, context: Context, /) -> Sequence[Statement]:
    """Say what a notice lacks that says of nothing what it is about."""
    told = Reader(event.payload)
    told["type"].text(100)
    raise told["objectId"].refuse(f"{told['objectId'].text(100)!r}: O:<id>")


def _of(
    kind: str, gone: Callable[[str, Version], Draft], stated: Normaliser
) -> Iterator[tuple[str, Normaliser]]:
    yield f"{kind}.create", _changed(kind)
    yield f"{kind}.update", _changed(kind)
    yield f"{kind}.delete", _deleted(gone)
    yield f"{kind}.read", stated
    yield f"{kind}.missing", missing(gone)


NORMALISERS: Mapping[str, Normaliser] = {
    **dict(_of("order", sale_gone, orders.stated)),
    **dict(_of("payment", _payment_gone, payments.stated)),
    **dict(_of("customer", customer_gone, customers.stated)),
    "order.listed": orders.listed,
    UNREADABLE: _unreadable,
}
