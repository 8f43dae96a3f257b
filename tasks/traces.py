"""What settling leaves behind for people: attempts, dead letters, and reads asked for."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from integrations.answers import LISTED
from integrations.clocks import micros
from integrations.contract import Read

from . import sql
from .loading import Loaded
from .models import Outcome
from .understanding import Understood

_ATTEMPTS = """
INSERT INTO tasks_attempt (account_id, source_id, delivery_id, position, number, type, key,
                           outcome, mapper, error, path)
SELECT * FROM unnest(%b::int8[], %b::int8[], %b::uuid[], %b::int4[], %b::int2[], %b::text[],
                     %b::text[], %b::text[], %b::int2[], %b::text[], %b::text[])
"""
_CLOSE = """
UPDATE tasks_deadletter AS l SET closed_at = now(), closed_by = 'settled'
FROM unnest(%b::int8[], %b::uuid[]) AS u(account_id, delivery_id)
WHERE l.account_id = u.account_id AND l.delivery_id = u.delivery_id AND l.closed_at IS NULL
"""
_BURY = """
INSERT INTO tasks_deadletter AS l (account_id, source_id, delivery_id, position, type, key,
                                   reason, path, closed_by)
SELECT *, '' FROM unnest(%b::int8[], %b::int8[], %b::uuid[], %b::int4[], %b::text[], %b::text[],
                         %b::text[], %b::text[])
ON CONFLICT (account_id, delivery_id, position) DO UPDATE
SET type = excluded.type, key = excluded.key, reason = excluded.reason, path = excluded.path,
    closed_at = NULL, closed_by = ''
"""
#: A read under way keeps its lease, and one that failed its pause; what only waits to be read again
#: is due now. "Latest" is the later receipt, whoever settles first.
_ASK = """
INSERT INTO tasks_fetch AS f (account_id, source_id, kind, external_id, cause, requested_at, over,
                              deleted, settle, listed)
SELECT * FROM unnest(%b::int8[], %b::int8[], %b::text[], %b::text[], %b::uuid[],
                     %b::timestamptz[], %b::int8[], %b::bool[], %b::float8[], %b::bool[])
ON CONFLICT (account_id, source_id, kind, external_id) DO UPDATE
SET requested_at = greatest(f.requested_at, excluded.requested_at),
    cause = CASE WHEN f.requested_at > excluded.requested_at THEN f.cause ELSE excluded.cause END,
    deleted = CASE WHEN f.requested_at > excluded.requested_at THEN f.deleted
                   ELSE excluded.deleted END,
    over = greatest(f.over, excluded.over),
    settle = greatest(f.settle, excluded.settle),
    listed = f.listed AND excluded.listed,
    lagged = 0,
    due_at = CASE WHEN f.token IS NULL AND f.attempts = 0 THEN least(f.due_at, now())
                  ELSE f.due_at END
"""
_TEXT_LIMIT = 500
_DAY = 86_400_000_000

Decided = Sequence[tuple[Understood, Outcome]]


def append_attempts(decided: Decided) -> None:
    """Append one row for every event: how this run ended."""
    if decided:
        sql.rows(_ATTEMPTS, *sql.columns([_attempt(*one) for one in decided]))


def _attempt(one: Understood, outcome: Outcome) -> tuple[object, ...]:
    account, source, delivery, position, kind, key = _place(one)
    reason, path = _cut(one.reason), _cut(one.path)
    number = one.loaded.claim.attempt
    return (
        *(account, source, delivery, position, number),
        *(kind, key, outcome.value, one.mapper, reason, path),
    )


def _place(one: Understood) -> tuple[int, int, UUID, int, str, str]:
    claim = one.loaded.claim
    kind, key = (one.heard.event.type, one.heard.identity.key) if one.heard else ("", "")
    return claim.account_id, claim.source_id, claim.delivery_id, one.position, _cut(kind), key


def _cut(text: str) -> str:
    return text[:_TEXT_LIMIT].replace("\0", "")


def settle_dead_letters(decided: Decided) -> None:
    """Close the dead letters of these deliveries, and open those that are dead (still or anew)."""
    claims = {one.loaded.claim.delivery_id: one.loaded.claim for one, _ in decided}
    if claims:
        table = [(claim.account_id, key) for key, claim in sorted(claims.items())]
        sql.rows(_CLOSE, *sql.columns(table))
    dead = [
        (*_place(one), _cut(one.reason), _cut(one.path))
        for one, outcome in decided
        if outcome is Outcome.DEAD
    ]
    if dead:
        sql.rows(_BURY, *sql.columns(sorted(dead)))


def ask(reads: Iterable[tuple[Understood, Read]]) -> None:
    """Ask for entities: one pending read for each, whoever asks."""
    wanted: dict[tuple[int, int, str, str], list[tuple[Understood, Read]]] = {}
    for one, read in reads:
        claim = one.loaded.claim
        key = (claim.account_id, claim.source_id, read.kind, read.external_id)
        wanted.setdefault(key, []).append((one, read))
    if wanted:
        table = [(*key, *_merged(asking)) for key, asking in sorted(wanted.items())]
        sql.rows(_ASK, *sql.columns(table))


def _merged(asking: Sequence[tuple[Understood, Read]]) -> tuple[object, ...]:
    """Return what several requests for one entity amount to: the latest, and the greatest hints."""
    said, latest = max(asking, key=lambda one: one[0].loaded.receipt)
    loaded = said.loaded
    clocks = [
        clock for one, read in asking if (clock := _possible(read.clock, one.loaded)) is not None
    ]
    quiet = [read.settle for _, read in asking if read.settle is not None]
    return (
        *(loaded.claim.delivery_id, loaded.received, max(clocks, default=None)),
        *(latest.deleted, max(quiet, default=None), all(_is_listed(one) for one, _ in asking)),
    )


def _possible(clock: int | None, loaded: Loaded) -> int | None:
    """An impossible date is no date: one of 2099 would let every answer look late."""
    return None if clock is None or clock > micros(loaded.received) + _DAY else clock


def _is_listed(one: Understood) -> bool:
    return one.heard is not None and one.heard.event.type.endswith(LISTED)
