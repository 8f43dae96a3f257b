"""Which columns are compared and which are copied, read from the models.

Not pure, so never a difference: ``updated_at`` and the order of ``deliveries``. The settings of a
location are a person's and belong to no rebuild.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..models import REFERENCES, Fiscal, Payment, Refund, Sale, SaleLine

_IMPURE = {"updated_at", "deliveries"}
_SETTINGS = {"timezone", "day_cutoff", "currency"}


@dataclass(frozen=True)
class Beside:
    """One table: its kind, the column that names its owner, and its columns."""

    kind: str
    model: Any
    key: tuple[str, ...] = ("id",)
    #: The sale (or, of receipts, sale or refund) that a part belongs to.
    owner: str | None = None

    @property
    def name(self) -> str:
        return str(self.model._meta.db_table)

    @cached_property
    def copied(self) -> list[str]:
        """All columns that a row is made of."""
        skipped = _SETTINGS if self.kind == "location" else set()
        return [
            field.column
            for field in self.model._meta.concrete_fields
            if field.column and not field.generated and field.column not in skipped
        ]

    def compared(self, alias: str) -> str:
        """Return the pure columns of a row as one value."""
        names = [f"{alias}.{name}" for name in self.copied if name not in _IMPURE]
        return f"ROW({', '.join(names)})"

    def list(self, alias: str) -> str:
        """Return the columns to copy, ``updated_at`` as of now."""
        return ", ".join(
            "clock_timestamp()" if name == "updated_at" else f"{alias}.{name}"
            for name in self.copied
        )


SALE = Beside("sale", Sale)
LINE = Beside("line", SaleLine, ("sale_id", "pos"), owner="sale_id")
PAYMENT = Beside("payment", Payment, owner="sale_id")
REFUND = Beside("refund", Refund, owner="sale_id")
FISCAL = Beside("fiscal", Fiscal, ("owner_id", "pos"), owner="owner_id")
#: In the order in which rows are locked.
TABLES = {
    table.kind: table
    for table in (
        PAYMENT,
        REFUND,
        SALE,
        *(Beside(kind, REFERENCES[kind]) for kind in sorted(REFERENCES)),
        LINE,
        FISCAL,
    )
}
#: What is walked by its own name; lines, owned parts and receipts go with their owner.
WALKED = [kind for kind in TABLES if kind not in ("line", "fiscal")]
