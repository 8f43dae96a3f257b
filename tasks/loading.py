"""From staged rows to what providers read: deliveries and the settings of their sources."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ingest.headers import decode
from integrations.clocks import micros
from integrations.contract import (
    Answered,
    Context,
    Delivery,
    PayloadUnrecognised,
    Provider,
    SettingUnusable,
)

from . import options, sql
from .inbox import Claim

#: Locks the inbox rows, so that a lease which ran out meanwhile is noticed: whoever claimed the
#: delivery again has counted on. It waits for a lock: a claim that came a moment too late holds the
#: rows it found taken until its commit, and what was skipped for that would wait for its lease.
_DELIVERIES = """
SELECT d.id, d.account_id, d.source_id, i.attempts, d.received_at, d.method, d.path, d.query,
       d.headers, d.body, d.read_at, d.date, d.over, d.sha256
FROM ingest_inbox i JOIN ingest_delivery d ON d.id = i.delivery_id
WHERE i.delivery_id = ANY(%b::uuid[]) AND d.id = ANY(%b::uuid[])
ORDER BY i.delivery_id FOR UPDATE OF i
"""
#: What live sales were made of: all that was ever settled, be it under way again or not. What
#: kills its reader stays out, as it did there.
_STAGED = """
SELECT d.id, d.account_id, d.source_id,
       (NOT EXISTS (SELECT FROM ingest_inbox i WHERE i.delivery_id = d.id)
        OR EXISTS (SELECT FROM tasks_attempt a WHERE a.delivery_id = d.id))
       AND NOT EXISTS (
         SELECT FROM tasks_deadletter l
         WHERE l.account_id = d.account_id AND l.delivery_id = d.id AND l.closed_at IS NULL
           AND l.reason = 'process died') AS settled,
       d.received_at, d.method, d.path, d.query, d.headers, d.body, d.read_at, d.date, d.over,
       d.sha256
FROM ingest_delivery d WHERE d.id = ANY(%b::uuid[]) ORDER BY d.id
"""
_SOURCES = """
SELECT s.id, s.provider, s.public_url, s.currency,
       coalesce(nullif(s.timezone, ''), a.timezone), s.prices_include_tax,
       nullif(s.location, ''), s.is_test OR a.is_test, s.settings,
       s.is_app
FROM accounts_source s JOIN accounts_account a ON a.id = s.account_id
WHERE s.id = ANY(%b::int8[])
"""
#: The setting of a source whose deliveries are not believed, only asked about.
CONFIRM = "confirm"
_WEIGHT = """
SELECT coalesce(sum(octet_length(body)), 0)::int8 FROM ingest_delivery WHERE id = ANY(%b::uuid[])
"""


class TooHeavy(Exception):
    """The bodies of these deliveries are too many bytes to be settled at once."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What reading a payload needs to know of its source."""

    id: int
    provider: str
    public_url: str
    currency: str
    timezone: str
    prices_include_tax: bool | None
    location: str | None
    is_test: bool
    settings: dict[str, Any]
    is_app: bool = False

    def provider_in(self, providers: Mapping[str, Provider]) -> Provider:
        """Return the provider of this source as its settings make it.

        Raises PayloadUnrecognised where they no longer can.
        """
        try:
            return providers[self.provider].of(self.settings)
        except SettingUnusable as error:
            raise PayloadUnrecognised("$", f"settings of the source: {error}") from None

    def context(self, received: datetime, answered: Answered | None = None) -> Context:
        """Return the arguments of a normaliser, for an event first received then."""
        return Context(
            currency=self.currency,
            timezone=self.timezone,
            received=micros(received),
            prices_include_tax=self.prices_include_tax,
            location=self.location,
            is_test=self.is_test,
            settings=self.settings,
            answered=answered,
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """A staged delivery, ready to be read."""

    claim: Claim
    received: datetime
    sha256: bytes
    delivery: Delivery
    source: Settings

    @property
    def receipt(self) -> tuple[datetime, UUID]:
        """When it was received; the order of receipts is total."""
        return self.received, self.claim.delivery_id


def load(claims: Sequence[Claim]) -> list[Loaded]:
    """Return those of the claimed deliveries that are still ours, by id.

    Raises TooHeavy for several that together exceed ``SETTLE_BYTES``, before any body is fetched:
    what is read takes many times the memory of its bytes.
    """
    ids = [claim.delivery_id for claim in claims]
    if len(ids) > 1 and sql.rows(_WEIGHT, ids)[0][0] > options.most_bytes():
        raise TooHeavy
    return _load(ids, {claim.delivery_id: claim.attempt for claim in claims})


def load_own(ids: Iterable[UUID]) -> list[Loaded]:
    """Return deliveries that this transaction itself has staged, as in their first attempt."""
    own = list(ids)
    return _load(own, dict.fromkeys(own, 0), first=True)


def load_staged(ids: Sequence[UUID]) -> tuple[list[Loaded], set[UUID]]:
    """Return deliveries by id, claimed or not, and which of them were settled before."""
    found = sql.rows(_STAGED, list(ids))
    return _loaded([(*row[:3], 0, *row[4:]) for row in found]), {row[0] for row in found if row[3]}


def _load(ids: list[UUID], attempts: dict[UUID, int], *, first: bool = False) -> list[Loaded]:
    found = [row for row in sql.rows(_DELIVERIES, ids, ids) if attempts[row[0]] == row[3]]
    return _loaded(found, first=first)


def _loaded(found: Sequence[tuple[Any, ...]], *, first: bool = False) -> list[Loaded]:
    sources = settings({row[2] for row in found})
    return [
        Loaded(
            Claim(identifier, account, source, 1 if first else attempt),
            received,
            sha256,
            request(sources[source].public_url, *columns),
            sources[source],
        )
        for identifier, account, source, attempt, received, *columns, sha256 in found
    ]


def request(
    url: str,
    method: str,
    path: str,
    query: bytes,
    headers: bytes,
    body: bytes,
    read_at: datetime | None = None,
    date: datetime | None = None,
    over: int | None = None,
) -> Delivery:
    """Return stored columns as the request they were, or as the answer to one of ours."""
    answered = None
    if read_at is not None:
        answered = Answered(micros(read_at), None if date is None else micros(date), over)
    return Delivery(method, path, query.decode("latin-1"), decode(headers), body, url, answered)


def settings(ids: Iterable[int]) -> dict[int, Settings]:
    """Return the settings of sources."""
    return {row[0]: Settings(*row) for row in sql.rows(_SOURCES, sorted(ids))}
