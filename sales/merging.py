"""The merge rule as a pure function: the reference that the bulk SQL is tested against.

``F`` says what the tables are, given the set of statements, the edits by hand and the settings.
It shares with ``recording`` the drafts, their digests and the reading of a person's values, and
nothing else. No Django in here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from . import deriving, hand, rendering
from .deriving import Row, Settings, Table
from .drafts import (
    Edit,
    Fiscal,
    Header,
    Line,
    Mention,
    OrderedBy,
    Payment,
    PaymentDraft,
    Rank,
    ReferenceDraft,
    Refund,
    SaleDraft,
    Version,
    digest,
    entity_id,
    pack_stamp,
    part_id,
)
from .statements import Stated

DAY = 86_400_000_000
#: kind → its facets, in the order of the bits of ``ties``.
FACETS = {
    "sale": ("header", "lines", "money", "customer", "gone"),
    **dict.fromkeys(
        "payment refund category customer device employee location product".split(),
        ("content", "gone"),
    ),
}


class Stamp(NamedTuple):
    """As of when a statement holds, compared from the left."""

    rank: int
    clock: int
    seq: int
    mapper: int
    digest: bytes

    def pack(self) -> bytes:
        """Return the bytes that the tables keep."""
        return pack_stamp(Version(self.rank, self.clock, self.seq), self.mapper, self.digest)


@dataclass(frozen=True, slots=True)
class Reg:
    """What is believed of one facet. ``by`` and ``received`` belong to the winning statement."""

    stamp: Stamp
    value: Any
    by: OrderedBy
    received: datetime
    tied: bool = False


def join(a: Reg | None, b: Reg) -> Reg:
    """Return the later of two: associative, commutative, idempotent.

    Of an equal version with other content the greater digest stands, and it is tied.
    """
    if a is None:
        return b
    winner = max(a, b, key=lambda reg: reg.stamp)
    if a.stamp[:4] != b.stamp[:4]:
        return winner
    other = a.stamp.digest != b.stamp.digest and a.stamp.rank != Rank.MENTION
    return Reg(
        winner.stamp, winner.value, winner.by, winner.received, a.tied or b.tied or other
    )  # fmt: skip


class Statement(NamedTuple):
    """One facet of one entity as of a stamp; without a facet the entity is only named."""

    kind: str
    external_id: str
    facet: str | None = None
    version: Version | None = None
    value: Any = None
    said: Any = None  # what the digest stands for, where it is not the value


def statements(item: Stated) -> Iterator[Statement]:
    """Take a draft apart into statements, mentions of other entities included."""
    draft = item.draft
    assert not isinstance(draft, Edit)  # noqa: S101
    version = draft.version
    if isinstance(draft, SaleDraft):
        name, kind = draft.external_id, "sale"
        for facet in ("header", "lines", "money", "customer"):
            if (value := getattr(draft, facet)) is not None:
                yield Statement(kind, name, facet, version, value)
        yield from _mentions_of_sale(draft)
    elif isinstance(draft, ReferenceDraft):
        name, kind = draft.external_id, str(draft.kind)
        if draft.content is not None:
            yield Statement(kind, name, "content", version, draft.content)
            if (category := _category(draft.content)) is not None:
                yield from _mention("category", category, version)
    elif isinstance(draft, PaymentDraft):
        name, kind = draft.external_id, "payment"
        if draft.content is not None:
            value = (draft.sale_external_id, draft.content)
            yield Statement(kind, name, "content", version, value)
            if draft.sale_external_id is not None:
                yield Statement("sale", draft.sale_external_id)
            yield from _mentions_of_place(draft.content, version)
    else:
        name, kind = draft.external_id, "refund"
        if (refund := draft.content) is not None:
            yield Statement(kind, name, "content", version, refund)
            if refund.sale_external_id is not None:
                yield Statement("sale", refund.sale_external_id)
            if refund.payment_external_id is not None:
                yield Statement("payment", refund.payment_external_id)
            yield from _mentions_of_refund(refund, version)
    yield Statement(kind, name)
    if draft.gone:
        yield Statement(kind, name, "gone", version, True)


def _category(content: Mapping[str, Any]) -> Mention | None:
    found = content.get("category")
    return Mention(external_id=found) if isinstance(found, str) else found


def _mention(kind: str, mention: Mention | None, version: Version) -> Iterator[Statement]:
    if mention is not None:
        yield from _said(kind, mention.external_id, {"name": mention.name}, version)


def _said(kind: str, name: str, said: dict[str, Any], version: Version) -> Iterator[Statement]:
    """State the little that somebody else's statement says, as of its day."""
    yield Statement(kind, name)
    if any(said.values()):
        day = Version(Rank.MENTION, version.clock // DAY * DAY)
        yield Statement(kind, name, "content", day, said, tuple(said.values()))


def _mentions_of_place(value: Header | Payment | Refund, version: Version) -> Iterator[Statement]:
    for kind in ("location", "device", "employee", "customer"):
        yield from _mention(kind, getattr(value, kind, None), version)


def _mentions_of_refund(refund: Refund, version: Version) -> Iterator[Statement]:
    yield from _mentions_of_place(refund, version)
    for line in refund.lines:
        if line.product is not None:
            yield Statement("product", line.product.external_id)


def _mentions_of_sale(draft: SaleDraft) -> Iterator[Statement]:
    version = draft.version
    if draft.header is not None:
        yield from _mentions_of_place(draft.header, version)
    if draft.customer is not None:
        yield from _mention("customer", draft.customer.customer, version)
    for line in draft.lines or ():
        if line.category is not None:
            yield from _said("category", line.category, {"name": line.category}, version)
        if line.product is not None:
            said = {name: getattr(line, name) for name in "name sku barcode unit category".split()}
            said["name"] = line.product.name or line.name
            yield from _said("product", line.product.external_id, said, version)
    if draft.money is not None:
        for payment in draft.money.payments:
            yield from _mentions_of_place(payment, version)
        for refund in draft.money.refunds:
            yield from _mentions_of_refund(refund, version)


@dataclass(slots=True)
class Entity:
    """One row in the making."""

    id: UUID
    kind: str
    account_id: int
    source_id: int
    external_id: str
    received_at: datetime
    regs: dict[str, Reg]
    hand: dict[str, hand.Entry]


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


def F(stated: Iterable[Stated], edits: Iterable[Stated], settings: Settings) -> dict[str, Table]:
    """Return the pure columns of all tables: kind → id → column → value.

    Lines are keyed by (sale, position), fiscal receipts by (owner, position).
    """
    world = World()
    for item in stated:
        world.state(item)
    for item in edits:
        world.edit(item)
    return derive(world, settings)


def derive(world: World, settings: Settings) -> dict[str, Table]:
    """Turn registers and edits into rows."""
    tables: dict[str, Table] = {kind: {} for kind in (*FACETS, "line", "fiscal")}
    for entity in world.entities.values():
        tables[entity.kind][entity.id] = _row(entity)
        _add_parts(entity, tables)
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
    deriving.derive_mirrors(tables["sale"], tables["fiscal"].values(), settings)
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


#: Attribute of a draft → its column, where they differ.
_RENAMED = {
    "status": "stated_status",
    "business_date": "stated_date",
    "total": "stated_total",
    "is_test": "stated_test",
    "anomalies": "stated_anomalies",
}
_LINKS = ("location", "device", "employee", "customer", "product")


def _columns(value: Any, source_id: int, *, renamed: Mapping[str, str]) -> Row:
    row: Row = {}
    for name in (field.name for field in fields(value)):
        item = getattr(value, name)
        if name in _LINKS:
            found = None if item is None else entity_id(source_id, name, item.external_id)
            row[f"{name}_id"] = found
        elif name in ("discounts", "lines", "payments"):
            row[name] = rendering.parts(item)
        elif name != "fiscal":
            row[renamed.get(name, name)] = list(item) if isinstance(item, tuple) else item
    return row


def _provenance(reg: Reg | None) -> Row:
    if reg is None:
        return {"ordered_by": "provider", "mapper": 0}
    return {"ordered_by": str(reg.by), "mapper": reg.stamp.mapper}


def _of_sale(entity: Entity) -> Row:
    header, customer = entity.regs.get("header"), entity.regs.get("customer")
    blank: Any = None
    value = header.value if header else Header(status="", currency=blank)
    mention = customer.value.customer if customer else None
    link = mention and entity_id(entity.source_id, "customer", mention.external_id)
    return (
        _columns(value, entity.source_id, renamed=_RENAMED)
        | _provenance(header)
        | {"customer_id": link}
    )


def _of_payment(payment: Payment, source_id: int, sale_id: UUID | None) -> Row:
    row = _columns(payment, source_id, renamed={})
    del row["external_id"]
    return row | {"sale_id": sale_id, "owned": False, "pos": 0}


def _of_refund(refund: Refund, source_id: int, reg: Reg | None) -> Row:
    row = _columns(refund, source_id, renamed=_RENAMED | {"status": "status", "total": "total"})
    payment, sale = row.pop("payment_external_id"), row["sale_external_id"]
    del row["external_id"]
    links = {
        "link_sale_id": None if sale is None else entity_id(source_id, "sale", sale),
        "link_payment_id": None if payment is None else entity_id(source_id, "payment", payment),
    }
    return row | _provenance(reg) | links | {"owned": False, "pos": 0}


#: kind → the attributes that somebody states of it.
_ATTRIBUTES = {
    "category": ("name",),
    "customer": ("name", "phone", "email"),
    "device": ("name",),
    "employee": ("name",),
    "location": ("name", "address"),
    "product": ("name", "sku", "barcode", "unit"),
}


def _of_reference(entity: Entity) -> Row:
    reg = entity.regs.get("content")
    content: Mapping[str, Any] = reg.value if reg else {}
    row: Row = {name: content.get(name) for name in _ATTRIBUTES[entity.kind]}
    if entity.kind == "product":
        found = _category(content)
        row["category_id"] = found and entity_id(entity.source_id, "category", found.external_id)
    return row | {"same_as": None}


def _provided(entity: Entity) -> Row:
    """Return the columns of an entity's facets as the provider states them."""
    reg = entity.regs.get("content")
    blank: Any = None
    if entity.kind == "sale":
        return _of_sale(entity)
    if entity.kind == "payment":
        none = Payment(method="other", status="pending", amount=blank, currency=blank)
        sale, payment = reg.value if reg else (None, none)
        link = None if sale is None else entity_id(entity.source_id, "sale", sale)
        return _of_payment(payment, entity.source_id, link)
    if entity.kind == "refund":
        refund = reg.value if reg else Refund(status="pending", total=blank, currency=blank)
        return _of_refund(refund, entity.source_id, reg)
    return _of_reference(entity)


def _row(entity: Entity) -> Row:
    """Return the row as it is before anything is derived: the hand over the provider."""
    facets = FACETS[entity.kind]
    row = _provided(entity)
    base: Row = {}
    for field in sorted(entity.hand):
        entry = entity.hand[field]
        if field in hand.FIELDS.get(entity.kind, {}) and hand.is_set(entry):
            mine = hand.columns_of(entity.kind, field, entry["v"], source_id=entity.source_id)
            base[field] = hand.under(field, {name: row[name] for name in mine})
            row |= mine
    if entity.kind == "sale" and hand.is_set(entity.hand.get(hand.LINES)):
        base[hand.LINES] = [_kept(line) for line in _lines(entity, _stated_lines(entity), b"")]
    ties = sum(1 << i for i, f in enumerate(facets) if f in entity.regs and entity.regs[f].tied)
    return row | {
        "id": entity.id,
        "account_id": entity.account_id,
        "source_id": entity.source_id,
        "external_id": entity.external_id,
        "received_at": entity.received_at,
        "ties": ties,
        "tied": ties != 0,
        "hand": entity.hand,
        "base": base or None,
        **{f"{f}_stamp": entity.regs[f].stamp.pack() if f in entity.regs else b"" for f in facets},
    }


def _stated_lines(entity: Entity) -> tuple[Line, ...]:
    reg = entity.regs.get("lines")
    return reg.value if reg else ()


def _lines(entity: Entity, lines: Iterable[Line], stamp: bytes) -> list[Row]:
    found = []
    for position, line in enumerate(lines):
        row = _columns(line, entity.source_id, renamed={})
        row["product_external_id"] = line.product.external_id if line.product else None
        head = {"sale_id": entity.id, "pos": position, "account_id": entity.account_id}
        found.append(row | head | {"stamp": stamp})
    return found


def _kept(line: Row) -> Row:
    """Return a provider's line as ``base`` keeps it under a person's."""
    names = line.keys() - {"sale_id", "account_id", "stamp"}
    return {name: hand.canonical(line[name]) for name in names}


def _receipts(owner: Row, kind: str, receipts: Iterable[Fiscal], stamp: bytes) -> Iterator[Row]:
    for position, receipt in enumerate(receipts):
        yield {
            **{field.name: getattr(receipt, field.name) for field in fields(receipt)},
            "owner_id": owner["id"],
            "pos": position,
            "owner_kind": kind,
            "account_id": owner["account_id"],
            "stamp": stamp,
        }


def _add_parts(entity: Entity, tables: dict[str, Table]) -> None:
    """Add lines, owned payments and refunds, and fiscal receipts."""
    own = tables[entity.kind][entity.id]
    receipts: list[Row] = []
    if entity.kind == "sale":
        said = entity.hand.get(hand.LINES)
        if said is not None and hand.is_set(said):
            lines = _lines(entity, hand.lines(said["v"]), b"hand")
        else:
            lines = _lines(entity, _stated_lines(entity), own["lines_stamp"])
        tables["line"] |= {(line["sale_id"], line["pos"]): line for line in lines}
        if (header := entity.regs.get("header")) is not None:
            receipts += _receipts(own, "sale", header.value.fiscal, own["header_stamp"])
        if (money := entity.regs.get("money")) is not None:
            receipts += _add_owned(entity, money, tables)
    elif entity.kind == "refund" and (content := entity.regs.get("content")) is not None:
        receipts += _receipts(own, "refund", content.value.fiscal, own["content_stamp"])
    tables["fiscal"] |= {(row["owner_id"], row["pos"]): row for row in receipts}


def _add_owned(entity: Entity, money: Reg, tables: dict[str, Table]) -> list[Row]:
    """Add the payments and refunds that live and die with the facet; return their receipts."""
    receipts: list[Row] = []
    for kind, parts in (("payment", money.value.payments), ("refund", money.value.refunds)):
        for position, part in enumerate(parts):
            row = (
                _of_payment(part, entity.source_id, entity.id)
                if kind == "payment"
                else _of_refund(part, entity.source_id, money) | {"link_sale_id": entity.id}
            )
            row |= _owned_head(entity, money, kind, position, part.external_id)
            tables[kind][row["id"]] = row
            if kind == "refund":
                receipts += _receipts(row, "refund", part.fiscal, money.stamp.pack())
    return receipts


def _owned_head(entity: Entity, money: Reg, kind: str, pos: int, external_id: str | None) -> Row:
    return {
        "id": part_id(entity.id, kind, pos),
        "account_id": entity.account_id,
        "source_id": entity.source_id,
        "external_id": external_id or "",
        "received_at": money.received,
        "ties": 0,
        "tied": False,
        "hand": {},
        "base": None,
        "owned": True,
        "pos": pos,
        "content_stamp": money.stamp.pack(),
        "gone_stamp": b"",
    }
