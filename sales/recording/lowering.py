"""Take back a statement that turns out to be older than it was taken for.

Registers only rise, so one that a statement won under a later receipt has to be emptied before the
same statement is recorded under its true one. What the statement had beaten meanwhile is not kept
anywhere: whoever calls this states those deliveries again.
"""

from collections.abc import Sequence
from uuid import UUID

from ..statements import Stated
from .arrays import Cursor, blobs, ordered, uuids
from .fold import TABLES, Batch, Reg
from .tables import Table

#: Of a stamp: rank, clock and seq. The mapper may have been another, the tie another's.
_VERSION = 17
#: (kind, facet) → (id, register).
Lost = dict[tuple[str, int], list[tuple[UUID, Reg]]]


def differ(old: Sequence[Stated], new: Sequence[Stated]) -> bool:
    """Say whether the same event, heard at another time, states anything as of another stamp."""
    return bool(_lost(old, new))


def forget(old: Sequence[Stated], new: Sequence[Stated]) -> None:
    """Empty the registers that ``old`` holds and ``new`` does not state alike.

    Must run in an open transaction that holds the sources (``locks.own_days``): a settler that had
    read such a register before would take its own statement for beaten.
    """
    cursor = Cursor()
    for (kind, facet), found in sorted(_lost(old, new).items()):
        found.sort(key=lambda item: item[0].int)
        keys = [key for key, _ in found]
        table = TABLES[kind]
        cursor.rows(table.lock, ordered(keys))
        cursor.rows(_empty(table, facet), uuids(keys), blobs([reg.stamp for _, reg in found]))


def _lost(old: Sequence[Stated], new: Sequence[Stated]) -> Lost:
    """Return what is stated under another stamp."""
    before, after = Batch(old), Batch(new)
    found: Lost = {}
    for kind, rows in before.rows.items():
        for key, row in rows.items():
            again = after.rows[kind].get(key)
            for facet, reg in row.regs.items():
                other = again.regs.get(facet) if again else None
                if other is None or other.stamp != reg.stamp:
                    found.setdefault((kind, facet), []).append((key, reg))
    return found


def _empty(table: Table, facet: int) -> str:
    stamp = table.facets[facet].stamp
    return (
        f"UPDATE {table.name} s SET {stamp} = '', ties = s.ties & ~{1 << facet}"
        " FROM unnest(%b, %b) AS e(id, stamp) WHERE s.id = e.id"
        f" AND substring(s.{stamp} FOR {_VERSION}) = substring(e.stamp FOR {_VERSION})"
    )
