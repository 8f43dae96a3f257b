"""From a set of deliveries to what they state: the model's own reading of receipts and keys.

It shares with the product the providers and ``sales/merging``; when an event was first received it
decides itself, over the whole set, where the product has to find out while it settles.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations import answers
from integrations.clocks import micros
from integrations.contract import (
    Answered,
    Context,
    Delivery,
    Event,
    EventUnsupported,
    PayloadUnrecognised,
    PersonNeeded,
    Provider,
    Read,
)
from sales.statements import Stated

#: When an event was first received, and by which delivery.
Receipt = tuple[datetime, UUID]
#: (source, key, content): what makes two events one.
Identity = tuple[int, str, bytes]


@dataclass(frozen=True, slots=True)
class Site:
    """A source: where its deliveries belong, and how they are read."""

    account_id: int
    source_id: int
    provider: Provider = field(repr=False)
    currency: str = "RUB"
    timezone: str = "Europe/Moscow"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def context(self, received: datetime, answered: Answered | None = None) -> Context:
        """Return what a normaliser is told beside the event."""
        return Context(
            self.currency,
            self.timezone,
            micros(received),
            settings=self.settings,
            answered=answered,
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """One staged delivery."""

    id: UUID
    site: Site
    received: datetime
    delivery: Delivery


def _content(arrival: Arrival, event: Event, *, alone: bool) -> bytes:
    if alone:
        return hashlib.sha256(arrival.delivery.body).digest()
    return json.dumps(event.payload, sort_keys=True, default=repr).encode()


def events(arrival: Arrival) -> Iterator[tuple[Identity, Event]]:
    """Go over the events of a delivery; none where it cannot be split."""
    try:
        split = answers.split if arrival.delivery.answered else arrival.site.provider.split
        found = split(arrival.delivery)
    except PayloadUnrecognised:
        return
    alone = len(found) == 1 and not arrival.delivery.body.lstrip().startswith(b"[")
    for event in found:
        content = _content(arrival, event, alone=alone)
        yield (arrival.site.source_id, event.key, content), event


def first_receipts(arrivals: Iterable[Arrival]) -> dict[Identity, Receipt]:
    """Return the earliest receipt of each event: the exact one, over all deliveries."""
    found: dict[Identity, Receipt] = {}
    for arrival in arrivals:
        for identity, _ in events(arrival):
            receipt = (arrival.received, arrival.id)
            found[identity] = min(found.get(identity, receipt), receipt)
    return found


def normalised(
    site: Site, event: Event, received: datetime, answered: Answered | None = None
) -> list[Any]:
    """Return the drafts of an event first received then; none where it states nothing."""
    provider = site.provider
    if event.type in provider.ignored or event.type not in provider.normalisers:
        return []
    try:
        said = provider.normalisers[event.type](event, site.context(received, answered)) or ()
    except (EventUnsupported, PayloadUnrecognised, PersonNeeded):
        return []
    return [draft for draft in said if not isinstance(draft, Read)]


def stated(arrivals: Sequence[Arrival]) -> list[list[Stated]]:
    """Return what each delivery states, repetitions included."""
    first = first_receipts(arrivals)
    return [
        [
            Stated(
                draft,
                arrival.site.account_id,
                arrival.site.source_id,
                first[identity][1],
                first[identity][0],
                arrival.site.provider.mapper,
            )
            for identity, event in events(arrival)
            for draft in normalised(
                arrival.site, event, first[identity][0], arrival.delivery.answered
            )
        ]
        for arrival in arrivals
    ]


def flat(told: Iterable[Sequence[Stated]]) -> list[Stated]:
    """Return statements without the deliveries that they came in."""
    return [item for items in told for item in items]
