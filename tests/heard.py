"""Statements of the universe as deliveries: a provider whose events are drafts, by number.

An event may be undated: its version is then when it was first received, as ``merge.md`` says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Source
from accounts.rls import scoped
from integrations.clocks import micros
from integrations.contract import Context, Event, Provider, Statement
from sales.drafts import Draft, Edit
from sales.merging.deriving import Table
from sales.statements import Stated
from tasks import replays
from tasks.models import Replay
from tests import comparing, settling, universe
from tests.settling import TOY
from tests.universe import Universe


@dataclass
class Drafts:
    """What the provider knows: drafts by number, and which of them are undated.

    A number without a draft can never become a sale.
    """

    world: Universe
    drafts: list[Draft | None] = field(default_factory=list)
    undated: set[int] = field(default_factory=set)

    def provider(self, **changed: Any) -> dict[str, Provider]:
        """Return the provider under both slugs of the universe."""

        def normalise(event: Event, context: Context) -> list[Statement] | None:
            found = self.draft(event.payload["n"], context.received)
            return None if found is None else [found]

        made = replace(TOY, normalisers={**TOY.normalisers, "draft": normalise}, **changed)
        return {"standard": made, "evotor": made}

    def draft(self, number: int, received: int) -> Draft | None:
        """Return what an event states that was first received then (microseconds)."""
        draft = self.drafts[number]
        if draft is None or isinstance(draft, Edit) or number not in self.undated:
            return draft
        return replace(draft, version=replace(draft.version, clock=received))


def event(number: int) -> dict[str, Any]:
    """Return the event that states a draft."""
    return {"id": f"e{number}", "type": "draft", "n": number}


@dataclass(frozen=True)
class Heard:
    """One staged delivery: its events by number, and when it was received."""

    id: UUID
    source: int
    received: datetime
    numbers: tuple[int, ...]


def hear(world: Universe, source: int, bodies: Sequence[Sequence[int]]) -> list[Heard]:
    """Stage deliveries one commit each; a body of several events is an array."""
    found = Source(pk=source, account_id=world.account)
    ids = []
    for count, numbers in enumerate(bodies):
        events = [event(number) for number in numbers]
        # The marker makes arrays of the same events different bodies.
        marker = {"id": f"m{count}", "type": "nothing"}
        ids += settling.put(found, events[0] if len(events) == 1 else [*events, marker])
    with scoped([world.account]), connection.cursor() as cursor:
        cursor.execute("SELECT id, received_at FROM ingest_delivery WHERE id = ANY(%s)", [ids])
        received = dict(cursor.fetchall())
    return [
        Heard(key, source, received[key], tuple(numbers))
        for key, numbers in zip(ids, bodies, strict=True)
    ]


def reference(told: Drafts, heard: Iterable[Heard], mapper: int = 1) -> dict[str, Table]:
    """Return what the tables are: the rule over all deliveries, with exact first receipts."""
    first: dict[tuple[int, int, bool], tuple[datetime, UUID]] = {}
    for one in heard:
        for number in one.numbers:
            # What stands alone is known by its bytes, a part of an array by its values.
            key, receipt = (one.source, number, len(one.numbers) == 1), (one.received, one.id)
            first[key] = min(first.get(key, receipt), receipt)
    stated = [
        Stated(draft, told.world.account, source, by, received, mapper)
        for (source, number, _), (received, by) in first.items()
        if (draft := told.draft(number, micros(received))) is not None
    ]
    return comparing.reference(told.world, stated)


def finish_replays(providers: Mapping[str, Provider]) -> int:
    """Take all pages of all replays; return how many there were."""
    pages = 0
    while (run := replays.waiting(0.0)) is not None:
        pages += replays.step(run, providers=providers) is not None
        assert pages < 500, Replay.objects.values()
        Replay.objects.filter(pk=run).update(due_at=datetime(2000, 1, 1, tzinfo=UTC))
    return pages


def read(world: Universe) -> dict[str, Table]:
    """Return the pure columns of the world's tables, whatever other accounts have."""
    with scoped([world.account]):
        return universe.read()
