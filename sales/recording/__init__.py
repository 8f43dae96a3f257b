"""The one write of the core: ``record(statements)``, bulk, idempotent, free of order.

The rule is in ``docs/merge-rule.md``; ``sales/merging`` says the same in plain Python, and the
tests hold the two together. One READ COMMITTED transaction (the caller's), the same few
statements for any batch, rows always in the order payment, refund, sale, reference, each by id.
"""

from collections.abc import Sequence, Set
from uuid import UUID

from ..statements import Recorded, Stated
from . import dating, derive, locks, parts
from .arrays import BY_ID, Cursor, literal, ordered, texts, uuids
from .fold import CONTENT, HEADER, LINES, MONEY, Batch
from .overlay import overlay
from .tables import PAYMENT, REFERENCES, REFUND, SALE, Table
from .write import ForeignRow, Written, write

__all__ = ["ForeignRow", "Recorded", "Stated", "record"]

_REFUNDS_OF = "SELECT id FROM sales_refund WHERE link_payment_id = ANY(%b)"
_SALES_OF = "SELECT DISTINCT sale_id FROM sales_refund WHERE id = ANY(%b) AND sale_id IS NOT NULL"


def record(stated: Sequence[Stated]) -> Recorded:
    """Merge statements into the tables; must run in an open transaction with the scope set.

    Raises ForeignRow, and Django's database errors: a deadlock or a serialisation failure is
    worth another try with the same statements.
    """
    recorder = _Recorder(Batch(stated))
    recorder.run()
    return Recorded(
        frozenset(recorder.changed),
        frozenset(recorder.sales),
        frozenset(recorder.refunds),
        frozenset(recorder.tied),
    )


class _Recorder:
    """The steps of one batch, and what they changed."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.cursor = Cursor()
        self.changed: set[int] = set()
        self.sales: set[UUID] = set()
        self.refunds: set[UUID] = set()
        self.tied: set[UUID] = set()
        #: Sales that the parts left or joined: they are locked and summed again.
        self.parents: set[UUID] = set()
        #: Sale → deliveries that changed it through a payment.
        self.named: dict[UUID, list[str]] = {}

    def run(self) -> None:
        """Take the kinds in their order."""
        rows = self.batch.rows
        locks.share_days(
            self.cursor, {row.source_id for kind in rows.values() for row in kind.values()}
        )
        parents = locks.sales_of_parts(
            self.cursor, payments=rows["payment"].keys(), refunds=rows["refund"].keys()
        )
        sales, refunds = rows["sale"], rows["refund"]
        receipts = locks.receipts_stated(sales.values(), refunds.values())
        receipts |= locks.receipts_of(
            self.cursor, sales.keys() | refunds.keys() | parents, whole=sales.keys()
        )
        locks.take(self.cursor, receipts)
        touched = self._refunds(self._payments(), receipts)
        self._sales(receipts, touched)
        for table in REFERENCES.values():
            self._references(table)

    def _payments(self) -> set[UUID]:
        """Write payments; return the refunds that follow one of them to its sale."""
        rows = self.batch.rows["payment"]
        named = {
            reg.values[1]
            for row in self.batch.rows["refund"].values()
            if (reg := row.regs.get(CONTENT)) is not None
        } - {None}
        written = write(self.cursor, PAYMENT, rows, hold=named)
        self._note(written)
        self._name_payers(written)
        self._leave(written, written.changed)
        self.parents |= {won.reg.values[0] for won in written.winners(CONTENT)} - {None}
        if not written.changed:
            return set()
        return {row[0] for row in self.cursor.rows(_REFUNDS_OF, ordered(written.changed))}

    def _name_payers(self, written: Written) -> None:
        """Remember which deliveries changed the sales that payments joined or left."""
        for key in written.changed:
            row, state = self.batch.rows["payment"][key], written.locked.get(key)
            reg = row.regs.get(CONTENT)
            for sale in (reg.values[0] if reg else None, state.parent if state else None):
                if sale is not None:
                    self.named.setdefault(sale, []).extend(row.deliveries)

    def _refunds(self, following: set[UUID], receipts: set[locks.Receipt]) -> set[UUID]:
        """Write refunds; return those that are locked now. ``receipts`` grows by theirs."""
        rows, edits = self.batch.rows["refund"], self.batch.edits["refund"]
        written = write(self.cursor, REFUND, rows, hold=following | edits.keys())
        self._note(written)
        self._late(receipts, written.locked.keys() & rows.keys())
        parts.replace_fiscal(self.cursor, "refund", written.winners(CONTENT))
        self._overlay(REFUND, written)
        changed = written.changed | derive.refunds(self.cursor, written.touched)
        self.refunds |= changed
        self._leave(written, written.touched)
        if written.touched:
            touched = ordered(written.touched)
            self.parents |= {row[0] for row in self.cursor.rows(_SALES_OF, touched)}
        return written.touched

    def _sales(self, receipts: set[locks.Receipt], refunds: set[UUID]) -> None:
        edits = self.batch.edits["sale"]
        partners = locks.holders(self.cursor, receipts).sales
        hold = self.parents | partners | edits.keys()
        written = write(self.cursor, SALE, self.batch.rows["sale"], hold=hold)
        self._note(written)
        held = written.locked.keys()
        late = self._late(receipts, held, whole=held & self.batch.rows["sale"].keys())
        partners |= self._late_partners(late)
        parts.replace_lines(self.cursor, written.winners(LINES))
        parts.replace_fiscal(self.cursor, "sale", written.winners(HEADER))
        owned = {
            *parts.replace_money(self.cursor, written.winners(MONEY)),
            *dating.date_earlier(self.cursor, written.repeated),
        }
        self.refunds |= owned | derive.refunds(self.cursor, owned)
        # Twins of one batch have the receipt only now; both rows are ours already.
        holders = locks.holders(self.cursor, receipts)
        partners |= holders.sales
        self.sales |= written.changed | self._overlay(SALE, written)
        self.sales |= derive.sales(self.cursor, written.touched)
        if partners:
            self.sales |= derive.mirrors(self.cursor, partners | written.touched)
        if receipts:
            refunds |= owned | holders.refunds
            self.refunds |= derive.refund_mirrors(self.cursor, refunds)
        self.sales |= self._name(SALE, self.named)

    def _late(
        self, receipts: set[locks.Receipt], ids: Set[UUID], *, whole: Set[UUID] = frozenset()
    ) -> set[locks.Receipt]:
        """Take, and add, the receipts that rows got between our look and our lock."""
        late = locks.receipts_of(self.cursor, ids, whole=whole) - receipts
        locks.take(self.cursor, late)
        receipts |= late
        return late

    def _late_partners(self, late: set[locks.Receipt]) -> set[UUID]:
        """Lock the sales that share a late receipt."""
        partners = locks.holders(self.cursor, late).sales
        write(self.cursor, SALE, {}, hold=partners)
        return partners

    def _references(self, table: Table) -> None:
        rows, edits = self.batch.rows[table.kind], self.batch.edits[table.kind]
        if rows:
            written = write(self.cursor, table, rows, hold=edits.keys())
            self._note(written)
            self._overlay(table, written)

    def _overlay(self, table: Table, written: Written) -> set[UUID]:
        """Lay the hand over rows that were written or edited."""
        edits = self.batch.edits[table.kind]
        handled = {
            key for key in written.changed & written.locked.keys() if written.locked[key].handled
        }
        changed, won = overlay(self.cursor, table, handled, edits)
        self.changed |= won
        if table.provenance:
            by = {
                key: [edit.delivery for edit in group if edit.index in won]
                for key, group in edits.items()
            }
            changed |= self._name(table, {key: said for key, said in by.items() if said})
        written.changed |= changed
        return changed

    def _name(self, table: Table, named: dict[UUID, list[str]]) -> set[UUID]:
        """Name the deliveries of rows that changed without a facet of their own."""
        if not named:
            return set()
        keys = sorted(named, key=BY_ID)
        lists = [literal(dict.fromkeys(named[key])) for key in keys]
        found = self.cursor.rows(table.name_deliveries, uuids(keys), texts(lists))
        return {row[0] for row in found}

    def _note(self, written: Written) -> None:
        self.changed |= written.indexes() - {-1}
        self.tied |= written.tied

    def _leave(self, written: Written, ids: set[UUID]) -> None:
        """Remember the sales that parts belonged to."""
        states = (written.locked[key] for key in ids & written.locked.keys())
        self.parents |= {state.parent for state in states if state.parent is not None}
