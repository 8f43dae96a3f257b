"""Events of an app's subscriptions: up to a hundred in one body, of one account or of several.

Each names an object and says no more of it than that it changed: whatever ``propertyValue`` says,
the object is read (developers.hubspot.com/docs/api/webhooks, read 2026-11).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from integrations.answers import customer_gone, missing, sale_gone
from integrations.clocks import version
from integrations.contract import (
    Context,
    Delivery,
    Event,
    Normaliser,
    PersonNeeded,
    Read,
    Statement,
)
from integrations.hints import millis_of, object_of, text_of
from integrations.reading import Reader, parse_json
from integrations.strict import texts_of
from sales.drafts import Draft, Rank, Version

from . import contacts, deals

#: Objects of the generic form of a subscription, ``object.propertyChange``.
_OBJECTS = {"0-1": "contact", "0-2": "company", "0-3": "deal", "0-8": "line_item"}
#: What an account knows beside its sales and customers.
IGNORED = frozenset(
    f"{kind}.{what}"
    for kind in ("company", "ticket", "product", "conversation")
    for what in ("creation", "deletion", "propertyChange", "merge", "restore", "associationChange")
)
_CHANGES = ("creation", "propertyChange", "restore", "associationChange")
#: What of an event names its object, where that is not ``objectId``.
_SUBJECT = {"associationChange": "fromObjectId", "merge": "primaryObjectId"}
#: Rows of a deal have no clock that a deal's change would tell: read again after so many seconds.
SETTLE = 10.0
#: The type of what does not say what happened to what.
UNREADABLE = "unreadable"
_MILLISECOND = timedelta(milliseconds=1)


def split(delivery: Delivery) -> list[Event]:
    """Return the events of a delivery. One that lacks something holds up no other of its body:
    its own normaliser says what is missing."""
    return [_event(one.value) for one in Reader(parse_json(delivery.body))]


def _event(told: Any) -> Event:
    """Return an event. ``eventId`` is not unique, so five fields are the key; how often it was
    tried is no part of what it says."""
    one = object_of(told)
    kind, _, what = text_of(one.get("subscriptionType")).partition(".")
    if kind == "object":
        kind = _OBJECTS.get(text_of(one.get("objectTypeId")), kind)
    names = ("eventId", "subscriptionId", _SUBJECT.get(what, "objectId"), "occurredAt")
    key = [text_of(one.get(name)) for name in (*names, "propertyName")]
    return Event(
        key=":".join(key),
        type=f"{kind}.{what}" if kind and what else UNREADABLE,
        payload={name: one[name] for name in one if name != "attemptNumber"} if one else told,
        occurred_at=millis_of(one, "occurredAt"),
        merchant=_portal(one),
    )


def _portal(one: Any) -> str | None:
    """Return the account that an event is of, None where it does not say."""
    return text_of(object_of(one).get("portalId")) or None


def part(delivery: Delivery, merchant: str) -> bytes:
    """Return the events of one account, as they were written."""
    of = [_portal(one.value) for one in Reader(parse_json(delivery.body))]
    texts = texts_of(delivery.body.decode())
    mine = [text for text, portal in zip(texts, of, strict=True) if portal == merchant]
    return b"[" + b", ".join(mine) + b"]"


def _named(event: Event, context: Context, key: str = "objectId") -> str:
    """Return the number that an event of this source's account names."""
    told = Reader(event.payload)
    portal, of = context.settings.get("portal"), told["portalId"].number()
    if portal and of != portal:
        raise told["portalId"].refuse(f"not {portal}, the account of this source")
    return told[key].number()


def _changed(kind: str, key: str) -> Normaliser:
    """Return the normaliser of an event that asks for a read."""

    def normalise(event: Event, context: Context, /) -> Sequence[Read]:
        return (Read(kind, _named(event, context, key), settle=SETTLE),)

    return normalise


def _deleted(gone: Callable[[str, Version], Draft]) -> Normaliser:
    """Return the normaliser of a deletion."""

    def normalise(event: Event, context: Context, /) -> Sequence[Draft]:
        return (gone(_named(event, context), _moment(event, context)),)

    return normalise


def _merged(kind: str, gone: Callable[[str, Version], Draft]) -> Normaliser:
    """Return the normaliser of a merge: one stays and is read, the others are gone."""

    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        told = Reader(event.payload)
        primary = _named(event, context, _SUBJECT["merge"])
        stays = told.maybe("newObjectId", Reader.number) or primary
        others = {primary, *(one.number() for one in told["mergedObjectIds"])} - {stays}
        at = _moment(event, context)
        return (Read(kind, stays, settle=SETTLE), *(gone(one, at) for one in sorted(others)))

    return normalise


def _moment(event: Event, context: Context) -> Version:
    at = Reader(event.payload)["occurredAt"].millis()
    return version(Rank.FULL, at, context, round_up=_MILLISECOND)


def _unreadable(event: Event, context: Context, /) -> Sequence[Statement]:
    """Say what an event lacks that says of nothing what it is about."""
    kind = Reader(event.payload)["subscriptionType"]
    raise kind.refuse(f"{kind.text(100)!r}: object.change / объект.изменение")


def _forget(event: Event, context: Context, /) -> Sequence[Statement]:
    """Leave it to a person: what was stored of a contact is erased by nobody else."""
    raise PersonNeeded(
        f"стереть данные клиента {_named(event, context)} / erase the data of this customer"
    )


def _of(kind: str, gone: Callable[[str, Version], Draft]) -> dict[str, Normaliser]:
    return {
        **{f"{kind}.{what}": _changed(kind, _SUBJECT.get(what, "objectId")) for what in _CHANGES},
        f"{kind}.deletion": _deleted(gone),
        f"{kind}.merge": _merged(kind, gone),
        f"{kind}.missing": missing(gone),
    }


NORMALISERS: Mapping[str, Normaliser] = {
    **_of("deal", sale_gone),
    **_of("contact", customer_gone),
    "contact.privacyDeletion": _forget,
    UNREADABLE: _unreadable,
    "deal.read": deals.stated,
    "deal.listed": deals.listed,
    "contact.read": contacts.stated,
    "contact.listed": contacts.listed,
}
