"""One batch of statements, folded to one register per facet: the join of ``docs/merge-rule.md``."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from .. import hand
from ..drafts import (
    Edit,
    PaymentDraft,
    Rank,
    ReferenceDraft,
    RefundDraft,
    SaleDraft,
    Version,
    digest,
    entity_id,
    pack_stamp,
)
from ..statements import Stated
from . import mentions, rows
from .arrays import literal
from .tables import PAYMENT, REFERENCES, REFUND, SALE, Table

TABLES = {"sale": SALE, "payment": PAYMENT, "refund": REFUND, **REFERENCES}
#: Positions of facets in ``Table.facets``.
HEADER, LINES, MONEY, CUSTOMER, GONE = range(5)
CONTENT, CONTENT_GONE = 0, 1
#: Of a stamp: all but the digest.
VERSION_SIZE = 19


@dataclass(slots=True)
class Reg:
    """The winning statement of a facet: its columns, its parts, and which statement it was."""

    stamp: bytes
    values: rows.Values
    parts: Any
    index: int
    tied: bool = False


def _is_earlier(reg: Reg, old: Reg) -> bool:
    """Say whether it is the same statement of owned parts, received before."""
    return reg.stamp == old.stamp and reg.parts.received < old.parts.received


@dataclass(slots=True)
class Row:
    """What a batch says of one entity; without ``regs`` it is only named."""

    id: UUID
    account_id: int
    source_id: int
    external_id: str
    received: datetime
    deliveries: list[str]
    regs: dict[int, Reg] = field(default_factory=dict)

    def state(self, facet: int, reg: Reg) -> None:
        """Join a statement: the greater stamp wins, an equal version with other content ties."""
        old = self.regs.get(facet)
        if old is None:
            self.regs[facet] = reg
            return
        winner = reg if reg.stamp > old.stamp or (facet == MONEY and _is_earlier(reg, old)) else old
        if reg.stamp[:VERSION_SIZE] == old.stamp[:VERSION_SIZE]:
            other = reg.stamp != old.stamp and reg.stamp[0] != Rank.MENTION
            winner.tied = reg.tied or old.tied or other
        self.regs[facet] = winner

    def wire(self, table: Table) -> rows.Values:
        """Return the row in the order of the table's columns."""
        ties = 0
        stamps: list[bytes] = []
        columns: list[Any] = []
        for position, facet in enumerate(table.facets):
            reg = self.regs.get(position)
            if reg is None:
                stamps.append(b"")
                columns += facet.blank
            else:
                stamps.append(reg.stamp)
                columns += reg.values
                ties |= reg.tied << position
        deliveries = (literal(self.deliveries),) if table.provenance else ()
        return (
            self.id,
            self.account_id,
            self.source_id,
            self.external_id,
            self.received,
            ties,
            *deliveries,
            *stamps,
            *columns,
        )

    def sums(self, table: Table) -> tuple[Decimal | None, ...]:
        """Return the sums that a new row of the table begins with."""
        money = self.regs.get(MONEY) if table.sums else None
        if money is None:
            return (None,) * len(table.sums)
        payments = money.parts.money.payments
        completed = (payment.amount for payment in payments if payment.status == "completed")
        return (sum(completed, Decimal(0)),)


@dataclass(slots=True)
class HandEdit:
    """A person's edit of one row: field → entry."""

    index: int
    delivery: str
    entries: dict[str, hand.Entry]


class Batch:
    """All statements of a batch, by kind and row id."""

    def __init__(self, stated: Sequence[Stated]) -> None:
        self.rows: dict[str, dict[UUID, Row]] = {kind: {} for kind in TABLES}
        #: By identity: a till names the same products in every receipt of a batch.
        self._mentioned: dict[int, tuple[mentions.Named, Row]] = {}
        self.edits: dict[str, dict[UUID, list[HandEdit]]] = {kind: {} for kind in TABLES}
        for index, item in enumerate(stated):
            _TAKE[type(item.draft)](self, index, item)

    def name(self, item: Stated, kind: str, external_id: str, source_id: int | None = None) -> Row:
        """Return the row of an entity, which exists from its first mention on."""
        source = item.source_id if source_id is None else source_id
        key = (rows.known_id if kind in REFERENCES else entity_id)(source, kind, external_id)
        row = self.rows[kind].get(key)
        if row is None:
            row = Row(key, item.account_id, source, external_id, item.received, [])
            self.rows[kind][key] = row
        elif item.received < row.received:
            row.received = item.received
        return row

    def own(self, item: Stated, kind: str, external_id: str) -> Row:
        """Return the row that a statement is about."""
        row = self.name(item, kind, external_id)
        _add(row.deliveries, str(item.delivery_id))
        return row

    def mention(self, item: Stated, found: Iterable[mentions.Named]) -> None:
        """State what is said of other entities inside a statement."""
        for named in found:
            seen = self._mentioned.get(id(named))
            if seen is not None:
                seen[1].received = min(seen[1].received, item.received)
                continue
            row = self.name(item, named.kind, named.external_id)
            self._mentioned[id(named)] = named, row
            if named.stamp:
                row.state(CONTENT, Reg(named.stamp, named.values, None, -1))


def _add(deliveries: list[str], delivery: str) -> None:
    if delivery not in deliveries:
        deliveries.append(delivery)


def _stamp(version: Version, mapper: int, value: Any) -> bytes:
    return pack_stamp(version, mapper, digest(value))


def _sale(batch: Batch, index: int, item: Stated) -> None:
    draft: Any = item.draft
    source, version, mapper = item.source_id, draft.version, item.mapper
    row = batch.own(item, "sale", draft.external_id)
    if draft.header is not None:
        values = rows.header(source, draft.header, version, mapper=mapper)
        stamp = _stamp(version, mapper, draft.header)
        row.state(HEADER, Reg(stamp, values, draft.header.fiscal, index))
    if draft.lines is not None:
        row.state(LINES, Reg(_stamp(version, mapper, draft.lines), (), draft.lines, index))
    if draft.money is not None:
        stamp = _stamp(version, mapper, draft.money)
        said = rows.Owned(draft.money, version, mapper, item.received, str(item.delivery_id))
        row.state(MONEY, Reg(stamp, (), said, index))
    if draft.customer is not None:
        values = (rows.link(source, "customer", draft.customer.customer),)
        row.state(CUSTOMER, Reg(_stamp(version, mapper, draft.customer), values, None, index))
    if draft.gone:
        row.state(GONE, Reg(_stamp(version, mapper, True), (), None, index))
    batch.mention(item, mentions.of_sale(item, draft))


def _payment(batch: Batch, index: int, item: Stated) -> None:
    draft: Any = item.draft
    row = batch.own(item, "payment", draft.external_id)
    if draft.content is not None:
        parent = draft.sale_external_id
        sale = None if parent is None else batch.name(item, "sale", parent).id
        values = rows.payment(item.source_id, sale, draft.content)
        stamp = _stamp(draft.version, item.mapper, (parent, draft.content))
        row.state(CONTENT, Reg(stamp, values, None, index))
        batch.mention(item, mentions.of_place(item, draft.version, draft.content))
    if draft.gone:
        row.state(CONTENT_GONE, Reg(_stamp(draft.version, item.mapper, True), (), None, index))


def _refund(batch: Batch, index: int, item: Stated) -> None:
    draft: Any = item.draft
    content, version = draft.content, draft.version
    row = batch.own(item, "refund", draft.external_id)
    if content is not None:
        parent = content.sale_external_id
        sale = None if parent is None else batch.name(item, "sale", parent).id
        if content.payment_external_id is not None:
            batch.name(item, "payment", content.payment_external_id)
        values = rows.refund(item.source_id, sale, content, version=version, mapper=item.mapper)
        stamp = _stamp(version, item.mapper, content)
        row.state(CONTENT, Reg(stamp, values, content.fiscal, index))
        batch.mention(item, mentions.of_refund(item, version, content))
    if draft.gone:
        row.state(CONTENT_GONE, Reg(_stamp(version, item.mapper, True), (), None, index))


def _reference(batch: Batch, index: int, item: Stated) -> None:
    draft: Any = item.draft
    kind = str(draft.kind)
    row = batch.own(item, kind, draft.external_id)
    if draft.content is not None:
        values, also = mentions.attributes(item, kind, draft)
        stamp = _stamp(draft.version, item.mapper, draft.content)
        row.state(CONTENT, Reg(stamp, values, None, index))
        batch.mention(item, also)
    if draft.gone:
        row.state(CONTENT_GONE, Reg(_stamp(draft.version, item.mapper, True), (), None, index))


def _edit(batch: Batch, index: int, item: Stated) -> None:
    draft: Any = item.draft
    row = batch.name(item, draft.kind, draft.external_id, draft.source_id)
    _add(row.deliveries, str(item.delivery_id))
    entries: dict[str, hand.Entry] = {
        name: {"t": draft.at, "d": str(item.delivery_id), "v": value}
        for name, value in draft.fields.items()
    }
    batch.edits[draft.kind].setdefault(row.id, []).append(
        HandEdit(index, str(item.delivery_id), entries)
    )
    for kind, name in hand.links(draft.kind, draft.fields):
        batch.name(item, kind, name, draft.source_id)


_TAKE: dict[type, Callable[[Batch, int, Stated], None]] = {
    SaleDraft: _sale,
    PaymentDraft: _payment,
    RefundDraft: _refund,
    ReferenceDraft: _reference,
    Edit: _edit,
}
