"""From all settled deliveries of an account to the tables beside: the same reading as in settling.

Twice through staging: first for when each event was first received, then for what it states. Both
go by id in bounded pages, each a transaction of its own; nothing of size stays in memory.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from integrations.contract import PayloadUnrecognised
from sales.recording import Stated, lowering, record

from .. import ledger, loading, sql, understanding
from ..ledger import Receipt
from ..loading import Loaded
from ..models import Outcome
from ..understanding import Heard, Identity, Providers

#: Of one page: deliveries, and bytes of their bodies.
PAGE, BYTES = 200, 16_000_000

_IDS = """
SELECT id FROM (
  SELECT d.id, sum(d.size) OVER (ORDER BY d.id) - d.size AS before FROM (
    SELECT id, octet_length(body) AS size FROM ingest_delivery
    WHERE source_id = %b::int8 AND id > %b::uuid ORDER BY id LIMIT %b::int4) AS d
) AS sized WHERE before < %b::int8 ORDER BY id
"""
#: When an event was first received; and first in a delivery that is settled, which states it.
_RECEIPTS = """
CREATE TEMPORARY TABLE IF NOT EXISTS rebuild_receipt (
  identity uuid PRIMARY KEY, received_at timestamptz NOT NULL, delivery_id uuid NOT NULL,
  carried_at timestamptz, carrier_id uuid)
"""
_NOTE = """
INSERT INTO rebuild_receipt AS r
SELECT n.identity, n.received_at, n.delivery_id,
       CASE WHEN n.settled THEN n.received_at END, CASE WHEN n.settled THEN n.delivery_id END
FROM unnest(%b::uuid[], %b::timestamptz[], %b::uuid[], %b::bool[])
     AS n(identity, received_at, delivery_id, settled)
ON CONFLICT (identity) DO UPDATE
SET (received_at, delivery_id) = (
      SELECT * FROM (VALUES (r.received_at, r.delivery_id),
                            (excluded.received_at, excluded.delivery_id)) AS v
      ORDER BY 1, 2 LIMIT 1),
    (carried_at, carrier_id) = (
      SELECT * FROM (VALUES (r.carried_at, r.carrier_id),
                            (excluded.carried_at, excluded.carrier_id)) AS v
      ORDER BY 1 NULLS LAST, 2 LIMIT 1)
"""
_FIRST = """
SELECT identity, received_at, delivery_id, carrier_id FROM rebuild_receipt
WHERE identity = ANY(%b::uuid[])
"""
_FLOOR = "SELECT uuid_floor(%b::timestamptz)"
_NIL = UUID(int=0)

Tell = Callable[[str, int], None]


@dataclass(slots=True)
class Reader:
    """Reads one account; ``unread`` counts what states nothing, by why."""

    account: int
    providers: Providers
    tell: Tell = lambda phase, done: None
    unread: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Make room for first receipts."""
        sql.rows(_RECEIPTS)
        sql.rows("TRUNCATE rebuild_receipt")

    def read(self, source: int) -> None:
        """Read a source from its beginning."""
        unread = Counter(self.unread)
        self._each(source, self._hear, phase="receipts")
        # The second time counts.
        self.unread = unread
        self._each(source, self._read, phase="statements")

    def _hear(self, loaded: Sequence[Loaded], settled: Collection[UUID]) -> None:
        _note(_told(self._split(loaded), settled), settled)

    def _read(self, loaded: Sequence[Loaded], settled: Collection[UUID]) -> None:
        heard = self._split([one for one in loaded if one.claim.delivery_id in settled])
        self._state(_carried(heard, _first(heard)))

    def catch_up(self, ids: Sequence[UUID]) -> None:
        """Read what was settled meanwhile, in the running transaction."""
        loaded, settled = loading.load_staged(ids)
        heard = self._split([one for one in loaded if one.claim.delivery_id in settled])
        known = _first(heard)
        _note(heard, settled)
        carried = _carried(heard, _first(heard))
        fresh = [(one, first) for one, first in carried if not _is_stated(known, one)]
        self._state(fresh)
        for one, first in carried:
            if _is_stated(known, one) and known[one.identity].receipt != first:
                self._lower(one, known[one.identity].receipt, first)

    def _lower(self, one: Heard, taken: Receipt, first: Receipt) -> None:
        """State an event under its true receipt, and again what it may have beaten meanwhile."""
        old, new = self._stated(one, taken), self._stated(one, first)
        if lowering.differ(old, new):
            lowering.forget(old, new)
            low = ledger.beaten_since(first[0])
            source = one.loaded.source.id
            self._each(source, self._read, after=sql.rows(_FLOOR, low)[0][0])
        self._record(new)

    def _each(
        self, source: int, work: Callable[[list[Loaded], set[UUID]], None], *, after: UUID = _NIL,
        phase: str = "",
    ) -> None:  # fmt: skip
        """Do some work with each page of staging, in a transaction each."""
        done = 0
        while ids := self._ids(source, after):
            with transaction.atomic():
                sql.scope([self.account])
                work(*loading.load_staged(ids))
            after = ids[-1]
            done += len(ids)
            if phase:
                self.tell(phase, done)

    def _ids(self, source: int, after: UUID) -> list[UUID]:
        with transaction.atomic():
            sql.scope([self.account])
            return [row[0] for row in sql.rows(_IDS, source, after, PAGE, BYTES)]

    def _split(self, loaded: Sequence[Loaded]) -> list[Heard]:
        heard: list[Heard] = []
        for one in loaded:
            if one.source.is_app:
                continue  # what it holds of each merchant is staged for that one's source
            try:
                heard += understanding.split(one, one.source.provider_in(self.providers))
            except Exception as error:
                self.unread[_reason(error)] += 1
        return heard

    def _stated(self, one: Heard, receipt: Receipt) -> list[Stated]:
        """Return what an event states, first received then; nothing where it cannot be read."""
        try:
            provider = one.loaded.source.provider_in(self.providers)
            said = understanding.understand_strictly(one, provider, receipt[0])
        except Exception as error:
            self.unread[_reason(error)] += 1
            return []
        if said.finding is Outcome.DEAD:  # an item of a page: the others are stated
            self.unread[PayloadUnrecognised.__name__] += 1
        return understanding.stated(said, receipt)

    def _state(self, carried: Sequence[tuple[Heard, Receipt]]) -> None:
        self._record([item for one, first in carried for item in self._stated(one, first)])

    def _record(self, stated: Sequence[Stated]) -> None:
        """Record; where a value does not fit, all but that delivery, as in settling."""
        if not stated:
            return
        try:
            with transaction.atomic():
                record(stated)
        except (DataError, IntegrityError) as error:
            deliveries = sorted({item.delivery_id for item in stated})
            if len(deliveries) == 1:
                self.unread[_reason(error)] += 1
                return
            middle = deliveries[len(deliveries) // 2]
            self._record([item for item in stated if item.delivery_id < middle])
            self._record([item for item in stated if item.delivery_id >= middle])


def _reason(error: Exception) -> str:
    return type(error).__name__


def _name(identity: Identity) -> UUID:
    """Return an identity in 16 bytes: there are as many as events."""
    head = f"{identity.source_id} {identity.key}\0".encode()
    return UUID(bytes=sha256(head + identity.content).digest()[:16])


class First(NamedTuple):
    """When an event was first received, and which settled delivery states it, if any."""

    receipt: Receipt
    carrier: UUID | None


def _told(heard: Sequence[Heard], settled: Collection[UUID]) -> list[Heard]:
    """Leave out what waits inside an array: settling, too, finds only the same bytes before."""
    return [
        one
        for one in heard
        if one.loaded.claim.delivery_id in settled or one.identity.content == one.loaded.sha256
    ]


def _note(heard: Sequence[Heard], settled: Collection[UUID]) -> None:
    """Keep the earliest receipt of each event, and the earliest of those that are settled."""
    earliest: dict[tuple[UUID, bool], Receipt] = {}
    for one in heard:
        key = _name(one.identity), one.loaded.claim.delivery_id in settled
        earliest[key] = min(earliest.get(key, one.loaded.receipt), one.loaded.receipt)
    for there in (True, False):
        found = [
            (name, *earliest[name, is_settled], is_settled)
            for name, is_settled in sorted(earliest)
            if is_settled is there
        ]
        if found:
            sql.rows(_NOTE, *sql.columns(found))


def _first(heard: Sequence[Heard]) -> Mapping[Identity, First]:
    """Return what was kept of these events."""
    names = {_name(one.identity): one.identity for one in heard}
    found = sql.rows(_FIRST, list(names)) if names else []
    return {
        names[name]: First((received, delivery), carrier)
        for name, received, delivery, carrier in found
    }


def _carried(
    heard: Sequence[Heard], first: Mapping[Identity, First]
) -> list[tuple[Heard, Receipt]]:
    """Return each event once, by the delivery that states it, with its first receipt."""
    chosen: dict[Identity, tuple[Heard, Receipt]] = {}
    for one in heard:
        known = first.get(one.identity)
        if known is not None and known.carrier == one.loaded.claim.delivery_id:
            chosen.setdefault(one.identity, (one, known.receipt))
    return list(chosen.values())


def _is_stated(known: Mapping[Identity, First], one: Heard) -> bool:
    return one.identity in known and known[one.identity].carrier is not None
