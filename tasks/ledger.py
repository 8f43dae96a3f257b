"""The event ledger and first receipts. It counts, explains and saves work; it never decides.

An event enters when it was understood. What is dead or unsupported stays out, so that a resend
after a mapper was fixed is read again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from . import sql
from .understanding import Heard, Identity, Providers, twins

Receipt = tuple[datetime, UUID]


class Known(NamedTuple):
    """Event → the earliest receipt known of it. ``settled`` are those that the ledger has;
    ``noted`` were only heard: in an array, and nobody could read them.
    """

    settled: Mapping[Identity, Receipt]
    noted: Mapping[Identity, Receipt]


#: Under which receipts an event is known: the ledger's, and earlier ones that came to light later.
_KNOWN = """
SELECT u.n, x.entered, d.received_at, d.id
FROM unnest(%b::int4[], %b::int8[], %b::int8[], %b::text[], %b::bytea[])
     AS u(n, account_id, source_id, key, sha256)
CROSS JOIN LATERAL (
  SELECT true AS entered, e.delivery_id FROM tasks_event e
  WHERE e.account_id = u.account_id AND e.source_id = u.source_id AND e.key = u.key
    AND e.sha256 = u.sha256
  UNION ALL
  SELECT false, r.delivery_id FROM tasks_earlierreceipt r
  WHERE r.account_id = u.account_id AND r.source_id = u.source_id AND r.key = u.key
    AND r.sha256 = u.sha256
) x JOIN ingest_delivery d ON d.id = x.delivery_id
"""
_NOTE = """
INSERT INTO tasks_earlierreceipt (account_id, source_id, key, sha256, delivery_id)
SELECT * FROM unnest(%b::int8[], %b::int8[], %b::text[], %b::bytea[], %b::uuid[])
ON CONFLICT DO NOTHING
"""
#: RETURNING sees the table as it was before: who is there under this key has other content.
_ENTER = """
INSERT INTO tasks_event AS e (account_id, source_id, key, sha256, type, occurred_at, delivery_id)
SELECT * FROM unnest(%b::int8[], %b::int8[], %b::text[], %b::bytea[], %b::text[],
                     %b::timestamptz[], %b::uuid[])
ON CONFLICT (account_id, source_id, key, sha256) DO NOTHING
RETURNING account_id, source_id, key, sha256, EXISTS (
  SELECT FROM tasks_event o
  WHERE (o.account_id, o.source_id, o.key) = (e.account_id, e.source_id, e.key))
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


def known(heard: Sequence[Heard]) -> Known:
    """Return the receipts under which these events are known, where they are."""
    if not heard:
        return Known({}, {})
    identities = sorted({one.identity for one in heard})
    table = [(number, *one) for number, one in enumerate(identities)]
    entered: set[Identity] = set()
    earliest: dict[Identity, Receipt] = {}
    for number, is_entered, *receipt in sql.rows(_KNOWN, *sql.columns(table)):
        identity, found = identities[number], (receipt[0], receipt[1])
        earliest[identity] = min(earliest.get(identity, found), found)
        if is_entered:
            entered.add(identity)
    return Known(
        {one: receipt for one, receipt in earliest.items() if one in entered},
        {one: receipt for one, receipt in earliest.items() if one not in entered},
    )


def note(receipts: Mapping[Identity, Receipt]) -> None:
    """Keep receipts that the ledger does not tell: it is only ever inserted into."""
    if receipts:
        table = [(*one, delivery) for one, (_, delivery) in sorted(receipts.items())]
        sql.rows(_NOTE, *sql.columns(table))


def enter(events: Mapping[Identity, tuple[Heard, Receipt]]) -> dict[Identity, bool]:
    """Insert events under their first receipts; return those that were not known.

    The value says whether the key was known with other content.
    """
    if not events:
        return {}
    table = [
        (*one, heard.event.type, heard.event.occurred_at, receipt[1])
        for one, (heard, receipt) in sorted(events.items(), key=lambda item: item[0])
    ]
    keys: set[tuple[Any, ...]] = set()
    entered: dict[Identity, bool] = {}
    for *identity, contradicts in sql.rows(_ENTER, *sql.columns(table)):
        one = Identity(*identity)
        entered[one] = contradicts or one[:3] in keys
        keys.add(one[:3])
    return entered


def first_receipts(
    heard: Sequence[Heard], known: Known, providers: Providers
) -> dict[Identity, Receipt]:
    """Return when each event was first received: ``merge.md`` dates undated events by it.

    The earliest of: these deliveries, what is known, and staged ones of the same bytes and key.
    """
    first = {**known.noted, **known.settled}
    for one, receipt in (
        *((one.identity, one.loaded.receipt) for one in heard),
        *_earlier(heard, providers),
    ):
        first[one] = min(first.get(one, receipt), receipt)
    return first


def beaten_since(received: datetime) -> datetime:
    """Return since when deliveries were received whose statements may lie behind this receipt.

    A date is a day beyond its receipt at most (a coarse one a little more), and a mention counts
    from its day's beginning.
    """
    midnight = received.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=1, minutes=1)


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
