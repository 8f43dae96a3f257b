"""From all settled deliveries of an account to the tables beside: the same reading as in settling.

Twice through staging: first for when each event was first received, then for what it states. Both
go by id in bounded pages, each a transaction of its own; nothing of size stays in memory.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from sales.recording import Stated, lowering, record

from .. import ledger, loading, sql, understanding
from ..ledger import Receipt
from ..loading import Loaded
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
_RECEIPTS = """
CREATE TEMPORARY TABLE IF NOT EXISTS rebuild_receipt (
  identity uuid PRIMARY KEY, received_at timestamptz NOT NULL, delivery_id uuid NOT NULL)
"""
_NOTE = """
INSERT INTO rebuild_receipt AS r SELECT * FROM unnest(%b::uuid[], %b::timestamptz[], %b::uuid[])
ON CONFLICT (identity) DO UPDATE
SET received_at = excluded.received_at, delivery_id = excluded.delivery_id
WHERE (excluded.received_at, excluded.delivery_id) < (r.received_at, r.delivery_id)
"""
_FIRST = "SELECT * FROM rebuild_receipt WHERE identity = ANY(%b::uuid[])"
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
        self._each(source, lambda loaded: _note(self._split(loaded)), phase="receipts")
        # The second time counts.
        self.unread = unread
        self._each(source, self._read, phase="statements")

    def _read(self, loaded: Sequence[Loaded]) -> None:
        heard = self._split(loaded)
        self._state(_firsts(heard, _first(heard)))

    def catch_up(self, ids: Sequence[UUID]) -> None:
        """Read what was settled meanwhile, in the running transaction."""
        heard = self._split(loading.load_settled(ids))
        known = _first(heard)
        _note(heard)
        first = _first(heard)
        firsts = _firsts(heard, first)
        self._state([one for one in firsts if one.identity not in known])
        for one in firsts:
            taken = known.get(one.identity, one.loaded.receipt)
            if taken != one.loaded.receipt:
                self._lower(one, taken)

    def _lower(self, one: Heard, taken: Receipt) -> None:
        """State an event under its true receipt, and again what it may have beaten meanwhile."""
        old, new = self._stated(one, taken), self._stated(one, one.loaded.receipt)
        if lowering.differ(old, new):
            lowering.forget(old, new)
            low = ledger.beaten_since(one.loaded.received)
            source = one.loaded.source.id
            self._each(source, self._read, after=sql.rows(_FLOOR, low)[0][0])
        self._record(new)

    def _each(
        self, source: int, work: Callable[[list[Loaded]], None], *, after: UUID = _NIL,
        phase: str = "",
    ) -> None:  # fmt: skip
        """Do some work with each page of what was settled, in a transaction each."""
        done = 0
        while ids := self._ids(source, after):
            with transaction.atomic():
                sql.scope([self.account])
                work(loading.load_settled(ids))
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
            try:
                heard += understanding.split(one, self.providers[one.source.provider])
            except Exception as error:
                self.unread[_reason(error)] += 1
        return heard

    def _stated(self, one: Heard, receipt: Receipt) -> list[Stated]:
        """Return what an event states, first received then; nothing where it cannot be read."""
        provider = self.providers[one.loaded.source.provider]
        try:
            said = understanding.understand_strictly(one, provider, receipt[0])
        except Exception as error:
            self.unread[_reason(error)] += 1
            return []
        return understanding.stated(said, receipt)

    def _state(self, heard: Sequence[Heard]) -> None:
        self._record([item for one in heard for item in self._stated(one, one.loaded.receipt)])

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


def _note(heard: Sequence[Heard]) -> None:
    """Keep the earliest receipt of each event."""
    earliest: dict[UUID, Receipt] = {}
    for one in heard:
        name, receipt = _name(one.identity), one.loaded.receipt
        earliest[name] = min(earliest.get(name, receipt), receipt)
    if earliest:
        sql.rows(_NOTE, *sql.columns([(name, *earliest[name]) for name in sorted(earliest)]))


def _first(heard: Sequence[Heard]) -> Mapping[Identity, Receipt]:
    """Return the receipts kept of these events."""
    names = {_name(one.identity): one.identity for one in heard}
    found: list[tuple[UUID, datetime, UUID]] = sql.rows(_FIRST, list(names)) if names else []
    return {names[name]: (received, delivery) for name, received, delivery in found}


def _firsts(heard: Sequence[Heard], first: Mapping[Identity, Receipt]) -> list[Heard]:
    """Return each event once, from the delivery that it was first received in."""
    chosen: dict[Identity, Heard] = {}
    for one in heard:
        if first.get(one.identity) == one.loaded.receipt:
            chosen.setdefault(one.identity, one)
    return list(chosen.values())
