"""What an app's delivery holds of each merchant goes to that merchant's own source.

It is staged there anew, in the transaction that settles the app's delivery, and once for ever:
a merchant's source never holds what is another's, and is settled and rebuilt like any source.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from . import bell, sql
from .models import Outcome
from .understanding import Heard, Providers, Understood

_ROUTE = """
SELECT u.delivery_id, u.merchant, route_part(u.delivery_id, u.merchant, u.body)
FROM unnest(%b::uuid[], %b::text[], %b::bytea[]) AS u(delivery_id, merchant, body)
"""
_MADE = """
SELECT r.routed_id FROM tasks_routed r
JOIN unnest(%b::uuid[], %b::text[]) AS u(delivery_id, merchant)
  ON r.delivery_id = u.delivery_id AND r.merchant = u.merchant
WHERE r.routed_id IS NOT NULL ORDER BY 1
"""
_UNROUTED = """
SELECT merchant, min(delivery_id::text)::uuid, max(delivery_id::text)::uuid, count(*)
FROM tasks_routed WHERE source_id = %b::int8 AND routed_id IS NULL
GROUP BY merchant ORDER BY 2
"""
#: What waits for its merchant is recorded too: it is settled, and kept.
_OUTCOMES = {
    "routed": Outcome.RECORDED,
    "unrouted": Outcome.RECORDED,
    "known": Outcome.DUPLICATE,
}

Decided = list[tuple[Understood, Outcome]]
_Parts = dict[tuple[UUID, str], bytes]


def route(heard: Sequence[Heard], providers: Providers, *, wakes: bool) -> Decided:
    """Stage the part of each merchant for his source, or keep it until he is connected.

    Where it ``wakes``, a worker hears of the parts once they are committed; else the sweep takes
    them in their turn.
    """
    parts = _parts(heard, providers)
    became: dict[tuple[UUID, str], str] = {}
    if parts:
        table = [(*key, part) for key, part in sorted(parts.items())]
        became = {(row[0], row[1]): row[2] for row in sql.rows(_ROUTE, *sql.columns(table))}
    routed = sorted(key for key, end in became.items() if end == "routed")
    if wakes and routed:
        bell.ring_after_commit([made for (made,) in sql.rows(_MADE, *sql.columns(routed))])
    return [_decided(one, became, providers) for one in heard]


def _parts(heard: Sequence[Heard], providers: Providers) -> _Parts:
    parts: _Parts = {}
    for one in heard:
        cut, merchant = one.loaded.source.provider_in(providers).part, one.event.merchant
        key = (one.loaded.claim.delivery_id, merchant or "")
        if cut is not None and merchant and key not in parts:
            parts[key] = cut(one.loaded.delivery, merchant)
    return parts


def _decided(
    one: Heard, became: Mapping[tuple[UUID, str], str], providers: Providers
) -> tuple[Understood, Outcome]:
    """Return how an event of an app ended; what names no merchant is for nobody."""
    provider = one.loaded.source.provider_in(providers)
    ended = Understood(one.loaded, one.position, one, mapper=provider.mapper)
    end = became.get((one.loaded.claim.delivery_id, one.event.merchant or ""))
    if end is not None:
        return ended, _OUTCOMES[end]
    ignored = one.event.type in provider.ignored
    return ended, Outcome.IGNORED if ignored else Outcome.UNSUPPORTED


def unrouted(app: int) -> list[tuple[str, UUID, UUID, int]]:
    """Return the merchants of an app whom nobody has connected, those who wait longest first:
    each with his first and last delivery, and how many there are. Needs the app's scope.
    """
    return [(merchant, first, last, count) for merchant, first, last, count in
            sql.rows(_UNROUTED, app)]  # fmt: skip
