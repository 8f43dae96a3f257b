"""Webhooks of version 2.0: one entity, as it is after the change, without what belongs to it.

``previous`` holds what was different before; nothing is read from it (pipedrive.readme.io, read
2026-11). That two deals were merged comes as a deletion and a change.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from integrations.answers import customer_gone, missing, sale_gone
from integrations.clocks import micros, version
from integrations.contract import Context, Delivery, Event, Normaliser, Read, Statement
from integrations.reading import Reader, parse_json
from sales.drafts import Draft, Rank, Version

from . import deals, persons

#: Products of a deal have no clock that its change would tell: read again after so many seconds.
SETTLE = 10.0
_MILLISECOND = timedelta(milliseconds=1)


def split(delivery: Delivery) -> list[Event]:
    """Return the event of a delivery; how often it was tried is no part of what it says."""
    body = Reader(parse_json(delivery.body))
    meta = body["meta"]
    meta["version"].one_of(frozenset({"2.0"}))
    entity, about = meta["entity"].text(50), meta["entity_id"].id()
    payload = {
        **body.value,
        "meta": {name: value for name, value in meta.value.items() if name != "attempt"},
    }
    return [
        Event(
            key=f"{meta['correlation_id'].id()}:{entity}:{about}:{meta['timestamp'].text(50)}",
            type=f"{entity}.{meta['action'].text(50)}",
            payload=payload,
            occurred_at=meta["timestamp"].time(),
            merchant=meta.maybe("company_id", Reader.id),
        )
    ]


def _deal(event: Event, context: Context, /) -> Sequence[Statement]:
    """State what the hook has of a deal, and ask for its products."""
    body = Reader(event.payload)
    deal = body["data"]
    changed = deal["update_time"].time()
    at = version(Rank.FULL, changed, context, seq=micros(body["meta"]["timestamp"].time()))
    told = Read("deal", deal["id"].number(), clock=micros(changed), settle=SETTLE)
    return (*deals.state(deal, None, at, context), told)


def _person(event: Event, context: Context, /) -> Sequence[Statement]:
    """Ask for a person: which of the phones is his own only the answer says for certain."""
    return (Read("person", _name(event)),)


def _name(event: Event) -> str:
    return Reader(event.payload)["meta"]["entity_id"].number()


def _deleted(gone: Callable[[str, Version], Draft]) -> Normaliser:
    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        at = version(Rank.FULL, event.occurred_at, context, round_up=_MILLISECOND)
        return (gone(_name(event), at),)

    return normalise


NORMALISERS: Mapping[str, Normaliser] = {
    "deal.create": _deal,
    "deal.change": _deal,
    "deal.delete": _deleted(sale_gone),
    "deal.read": deals.stated,
    "deal.listed": deals.listed,
    "deal.missing": missing(sale_gone),
    "person.create": _person,
    "person.change": _person,
    "person.delete": _deleted(customer_gone),
    "person.read": persons.stated,
    "person.missing": missing(customer_gone),
}
