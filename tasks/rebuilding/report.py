"""What would change: in rows by table, and in money by account, source and business day."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sales.beside.differing import Change, Difference, Worth

_ZERO = Decimal(0)


class Place(NamedTuple):
    """Where money changes: a business day of a source, in one currency."""

    account: str
    source: int
    day: date | None
    currency: str | None


@dataclass(slots=True)
class Day:
    """What changes on one business day; amounts are what counts, refunds on their own day."""

    rows: Counter[str] = field(default_factory=Counter)
    sales: list[Decimal] = field(default_factory=lambda: [_ZERO, _ZERO])
    refunds: list[Decimal] = field(default_factory=lambda: [_ZERO, _ZERO])

    @property
    def difference(self) -> Decimal:
        """After minus before, refunds subtracted."""
        return self.sales[1] - self.refunds[1] - self.sales[0] + self.refunds[0]


@dataclass(slots=True)
class Report:
    """The differences of a rebuild so far."""

    days: dict[Place, Day] = field(default_factory=dict)
    rows: dict[tuple[str, int, str], Counter[str]] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)
    applied: int = 0

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return bool(self.rows)

    def add_changes(self, account: str, source: int, found: Iterable[Change]) -> None:
        """Count rows."""
        for change in found:
            what = "changed" if change.before and change.after else _sided(change.after)
            self.rows.setdefault((account, source, change.table), Counter())[what] += 1

    def add_worth(self, account: str, kind: str, found: Iterable[Difference]) -> None:
        """Count sales or refunds and their money on the days before and after."""
        for one in found:
            what = "changed" if one.before and one.after else _sided(bool(one.after))
            for side, worth in enumerate((one.before, one.after)):
                if worth is not None:
                    day = self._day(account, one.source_id, worth)
                    amounts = day.sales if kind == "sale" else day.refunds
                    amounts[side] += worth.amount
            shown = one.after or one.before
            if shown is not None:
                self._day(account, one.source_id, shown).rows[f"{kind}s {what}"] += 1

    def _day(self, account: str, source: int, worth: Worth) -> Day:
        place = Place(account, source, worth.day, worth.currency)
        return self.days.setdefault(place, Day())

    def as_json(self) -> dict[str, Any]:
        """Return everything as one value; amounts as text."""
        days = [
            {
                **place._asdict(),
                "rows": dict(day.rows),
                "sales": [_text(amount) for amount in day.sales],
                "refunds": [_text(amount) for amount in day.refunds],
                "difference": _text(day.difference),
            }
            for place, day in self.sorted_days()
        ]
        rows = [
            {"account": account, "source": source, "table": table, **counts}
            for (account, source, table), counts in sorted(self.rows.items())
        ]
        return {
            "differs": bool(self),
            "unread": dict(self.unread),
            "rows": rows,
            "days": days,
            "applied": self.applied,
        }

    def sorted_days(self) -> list[tuple[Place, Day]]:
        """Return the days by account, source, day and currency."""
        return sorted(self.days.items(), key=lambda item: tuple(map(str, item[0])))


def _sided(after: bool) -> str:
    return "added" if after else "removed"


def _text(amount: Decimal) -> str:
    return f"{amount:.2f}" if amount == round(amount, 2) else format(amount.normalize(), "f")
