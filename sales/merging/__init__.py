"""The merge rule as a pure function: the reference that the bulk SQL is tested against.

``F`` says what the tables are, given the set of statements, the edits by hand and the settings.
It shares with ``recording`` the drafts, their digests and the reading of a person's values, and
nothing else. No Django in here.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from .. import hand
from ..drafts import Edit, Rank, digest, entity_id
from ..statements import Stated
from . import deriving, rows
from .apart import statements
from .deriving import LocationSettings, Row, Settings, SourceSettings, Table
from .rows import FACETS, Entity, Reg, Stamp

__all__ = [
    "F",
    "LocationSettings",
    "Reg",
    "Settings",
    "SourceSettings",
    "Stamp",
    "World",
    "derive",
    "fold",
    "join",
]


def join(a: Reg | None, b: Reg) -> Reg:
    """Return the later of two: associative, commutative, idempotent.

    Of an equal version with other content the greater digest stands, and it is tied. What was
    stated twice was received when it came first.
    """
    if a is None:
        return b
    winner = max(a, b, key=lambda reg: reg.stamp)
    if a.stamp[:4] != b.stamp[:4]:
        return winner
    same = a.stamp.digest == b.stamp.digest
    received = min(a.received, b.received) if same else winner.received
    tied = a.tied or b.tied or (not same and a.stamp.rank != Rank.MENTION)
    return Reg(winner.stamp, winner.value, winner.by, received, tied)


class World:
    """All registers and edits: a fold, in any order."""

    def __init__(self) -> None:
        self.entities: dict[UUID, Entity] = {}

    def name(self, item: Stated, kind: str, external_id: str, source_id: int) -> Entity:
        """Return an entity, which exists from its first mention on."""
        key = entity_id(source_id, kind, external_id)
        found = self.entities.setdefault(
            key,
            Entity(key, kind, item.account_id, source_id, external_id, item.received, {}, {}),
        )
        found.received_at = min(found.received_at, item.received)
        return found

    def state(self, item: Stated) -> None:
        """Join what a draft states."""
        for one in statements(item):
            entity = self.name(item, one.kind, one.external_id, item.source_id)
            if one.facet is not None and one.version is not None:
                version = one.version
                said = digest(one.value if one.said is None else one.said)
                stamp = Stamp(version.rank, version.clock, version.seq, item.mapper, said)
                reg = Reg(stamp, one.value, version.by, item.received)
                entity.regs[one.facet] = join(entity.regs.get(one.facet), reg)

    def edit(self, item: Stated) -> None:
        """Let the last edit of each field stand; CLEAR is a value."""
        draft = item.draft
        assert isinstance(draft, Edit)  # noqa: S101
        entity = self.name(item, draft.kind, draft.external_id, draft.source_id)
        for field, value in draft.fields.items():
            entry = {"t": draft.at, "d": str(item.delivery_id), "v": value}
            entries = [entry, *filter(None, [entity.hand.get(field)])]
            entity.hand[field] = max(entries, key=hand.order)
        for kind, name in hand.links(draft.kind, draft.fields):
            self.name(item, kind, name, draft.source_id)

    def absorb(self, other: "World") -> None:
        """Join another fold into this one: a fold of folds is the same fold."""
        for key, theirs in other.entities.items():
            mine = self.entities.setdefault(key, replace(theirs, regs={}, hand={}))
            mine.received_at = min(mine.received_at, theirs.received_at)
            for facet, reg in theirs.regs.items():
                mine.regs[facet] = join(mine.regs.get(facet), reg)
            for field, entry in theirs.hand.items():
                entries = [entry, *filter(None, [mine.hand.get(field)])]
                mine.hand[field] = max(entries, key=hand.order)


def fold(items: Iterable[Stated]) -> World:
    """Fold statements and edits, in any order."""
    world = World()
    for item in items:
        (world.edit if isinstance(item.draft, Edit) else world.state)(item)
    return world


def F(stated: Iterable[Stated], edits: Iterable[Stated], settings: Settings) -> dict[str, Table]:
    """Return the pure columns of all tables: kind → id → column → value.

    Lines are keyed by (sale, position), fiscal receipts by (owner, position).
    """
    return derive(fold([*stated, *edits]), settings)


def derive(world: World, settings: Settings) -> dict[str, Table]:
    """Turn registers and edits into rows."""
    tables: dict[str, Table] = {kind: {} for kind in (*FACETS, "line", "fiscal")}
    for entity in world.entities.values():
        tables[entity.kind][entity.id] = rows.row_of(entity)
        rows.add_parts(entity, tables)
    for payment in tables["payment"].values():
        payment["deleted"] = deriving.is_dead(payment, "content_stamp")
    for refund in tables["refund"].values():
        deriving.derive_refund(refund, tables["payment"], settings)
    payments = _grouped(tables["payment"], "sale_id")
    refunds = _grouped(tables["refund"], "sale_id")
    lines = _grouped(tables["line"], "sale_id")
    for key, sale in tables["sale"].items():
        deriving.derive_sale(
            sale,
            payments=payments.get(key, []),
            refunds=refunds.get(key, []),
            lines=lines.get(key, []),
            settings=settings,
        )
    receipts = list(tables["fiscal"].values())
    deriving.derive_mirrors(tables["sale"], tables["refund"], receipts, settings)
    for kind in FACETS:
        if kind not in ("sale", "payment", "refund"):
            for row in tables[kind].values():
                row["deleted"] = deriving.is_dead(row, "content_stamp")
    return tables


def _grouped(table: Table, column: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in table.values():
        groups.setdefault(row[column], []).append(row)
    return groups
