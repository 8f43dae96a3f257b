"""Registers and edits → rows, before anything is derived: the hand over the provider."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from .. import hand, rendering
from ..drafts import (
    Fiscal,
    Header,
    Line,
    OrderedBy,
    Payment,
    Refund,
    Version,
    entity_id,
    pack_stamp,
    part_id,
)
from .apart import category_of
from .deriving import Row, Table

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
        found = category_of(content)
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


def row_of(entity: Entity) -> Row:
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


def add_parts(entity: Entity, tables: dict[str, Table]) -> None:
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
