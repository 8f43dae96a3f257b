"""Through both sets of tables, page by page: what differs is reported, or copied over."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from uuid import UUID

from sales.beside import copying, differing
from sales.beside.columns import WALKED
from sales.beside.differing import Change, Difference, Linked

from .meanwhile import Meanwhile, in_scope
from .report import Report

#: Entities compared by one statement, and sales replaced in one transaction.
_PAGE, _COPIED = 500, 100
#: Kinds whose rows belong together: they are copied as one.
_LINKED = ("payment", "refund", "sale")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Walk:
    """One account; with ``source``, only the rows of that source."""

    meanwhile: Meanwhile
    slug: str
    source: int | None = None

    def compare(self, report: Report) -> None:
        """Report what differs; what seems to is looked at again while nobody settles."""
        for source, kind, ids in self._pages():
            if suspects := self._owners(kind, ids):
                found, worths = self.meanwhile.still(partial(_looked_at, kind, suspects))
                report.add_changes(self.slug, source, found)
                for name, worth in worths.items():
                    report.add_worth(self.slug, name, worth)

    def apply(self) -> int:
        """Copy over what differs, in bounded transactions; return how many rows."""
        copied = 0
        for _, kind, ids in self._pages():
            suspects = sorted(self._owners(kind, ids))
            for start in range(0, len(suspects), _COPIED):
                some = suspects[start : start + _COPIED]
                copied += self.meanwhile.still(partial(self._copy, kind, some))
        return copied

    def _pages(self) -> Iterator[tuple[int, str, list[UUID]]]:
        account = self.meanwhile.reader.account
        sources = self._in_scope(self.meanwhile.sources)
        for source in sources if self.source is None else [self.source]:
            for kind in WALKED:
                after = ""
                while found := self._in_scope(
                    partial(differing.page, kind, source, after, account=account, limit=_PAGE)
                ):
                    yield source, kind, [key for key, _ in found]
                    after = found[-1][1]

    def _owners(self, kind: str, ids: list[UUID]) -> set[UUID]:
        """Return those of the entities that differ, by themselves or in their parts."""
        return self._in_scope(lambda: _roots(differing.of_kind(kind, ids), kind, ids))

    def _copy(self, kind: str, ids: list[UUID]) -> int:
        if kind not in _LINKED:
            return copying.copy_references(kind, ids)
        given = {name: {*ids} if name == kind else set() for name in _LINKED}
        found = differing.linked(Linked(given["sale"], given["payment"], given["refund"]))
        copied = copying.copy_linked(found)
        if self.source is not None:
            copying.decide_mirrors(found)
        return copied

    def _in_scope(self, work: Callable[[], Result]) -> Result:
        return in_scope(self.meanwhile.reader.account, work)


def _looked_at(kind: str, ids: set[UUID]) -> tuple[list[Change], dict[str, list[Difference]]]:
    """Return what differs of these entities, and what the sales and refunds among it count for."""
    found = differing.of_kind(kind, ids)
    owners = {change.owner for change in found}
    groups = {"sale": owners & ids, "refund": owners - ids} if kind == "sale" else {kind: owners}
    return found, {
        name: differing.worth(name, keys)
        for name, keys in groups.items()
        if name in ("sale", "refund") and keys
    }


def _roots(found: list[Change], kind: str, ids: list[UUID]) -> set[UUID]:
    """Return the entities behind changes; an owned refund stands for its sale."""
    owners = {change.owner for change in found}
    strangers = owners.difference(ids)
    return owners.intersection(ids) | (differing.sales_of(strangers) if kind == "sale" else set())
