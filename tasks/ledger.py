"""The event ledger and first receipts. It counts, explains and saves work; it never decides.

An event enters when it was understood. What is dead or unsupported stays out, so that a resend
after a mapper was fixed is read again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from . import sql
from .understanding import Heard, Identity, Providers, twins

Receipt = tuple[datetime, UUID]

_KNOWN = """
SELECT u.n, d.received_at, e.delivery_id
FROM unnest(%b::int4[], %b::int8[], %b::int8[], %b::text[], %b::bytea[])
     AS u(n, account_id, source_id, key, sha256)
JOIN tasks_event e USING (account_id, source_id, key, sha256)
JOIN ingest_delivery d ON d.id = e.delivery_id
"""
_ENTER = """
INSERT INTO tasks_event (account_id, source_id, key, sha256, type, occurred_at, delivery_id)
SELECT * FROM unnest(%b::int8[], %b::int8[], %b::text[], %b::bytea[], %b::text[],
                     %b::timestamptz[], %b::uuid[])
ON CONFLICT (account_id, source_id, key, sha256) DO NOTHING
RETURNING account_id, source_id, key, sha256
"""
#: Earlier deliveries of the same bytes; a key in a header may still tell them apart. A sender that
#: repeats one body without end is cut at the earliest few: its keys differ anyway.
_SAME_BODY = """
SELECT u.n, d.id, d.received_at, d.method, d.path, d.query, d.headers
FROM unnest(%b::int4[], %b::int8[], %b::bytea[], %b::timestamptz[], %b::uuid[])
     AS u(n, source_id, sha256, received_at, id)
CROSS JOIN LATERAL (
  SELECT * FROM ingest_delivery c
  WHERE c.source_id = u.source_id AND c.sha256 = u.sha256
    AND (c.received_at, c.id) < (u.received_at, u.id)
  ORDER BY c.id LIMIT 20
) d
"""


def known(heard: Sequence[Heard]) -> dict[Identity, Receipt]:
    """Return the receipt under which the ledger knows each of these events, where it does."""
    if not heard:
        return {}
    identities = sorted({one.identity for one in heard})
    table = [(number, *one) for number, one in enumerate(identities)]
    found = sql.rows(_KNOWN, *sql.columns(table))
    return {identities[number]: (received, delivery) for number, received, delivery in found}


def enter(events: Mapping[Identity, tuple[Heard, Receipt]]) -> set[Identity]:
    """Insert events under their first receipts; return those that were not known."""
    if not events:
        return set()
    table = [
        (*one, heard.event.type, heard.event.occurred_at, receipt[1])
        for one, (heard, receipt) in sorted(events.items(), key=lambda item: item[0])
    ]
    return {Identity(*row) for row in sql.rows(_ENTER, *sql.columns(table))}


def first_receipts(
    heard: Sequence[Heard], settled: Mapping[Identity, Receipt], providers: Providers
) -> dict[Identity, Receipt]:
    """Return when each event was first received: ``merge.md`` dates undated events by it.

    The earliest of: these deliveries, the ledger's, and staged ones of the same bytes and key.
    """
    first = dict(settled)
    for one, receipt in (
        *((one.identity, one.loaded.receipt) for one in heard),
        *_earlier(heard, providers),
    ):
        first[one] = min(first.get(one, receipt), receipt)
    return first


def _earlier(heard: Sequence[Heard], providers: Providers) -> Iterable[tuple[Identity, Receipt]]:
    deliveries = {one.loaded.claim.delivery_id: one.loaded for one in heard}
    if not deliveries:
        return
    loaded = list(deliveries.values())
    table = [(number, one.source.id, one.sha256, *one.receipt) for number, one in enumerate(loaded)]
    for number, identifier, received, *head in sql.rows(_SAME_BODY, *sql.columns(table)):
        method, path, query, headers = head
        for one in twins(loaded[number], (method, path, query, headers), providers):
            yield one, (received, identifier)
