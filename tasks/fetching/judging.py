"""Is an answer of a lagging replica? One pure rule (``docs/merge-rule.md``, reads)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from integrations.contract import Read, Statement
from sales.drafts import Edit, OrderedBy, PaymentDraft, Rank, ReferenceDraft, RefundDraft, SaleDraft

#: Seconds until a lagging answer is asked for again; the one after the last of them counts.
AGAIN = (5.0, 60.0, 600.0)


@dataclass(frozen=True, slots=True)
class Subject:
    """The entity that an answer is about: kind and id as in its row."""

    kind: str
    external_id: str


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer states of the object it was asked for.

    ``clock`` is the object's own by the provider, in microseconds; None where it has none.
    ``latest`` is as of when its content (or its end) is stated, whatever ordered it. Facets beside
    it may have another clock: the rows of a deal, that of the reading.
    """

    subjects: frozenset[Subject]
    clock: int | None
    latest: int | None


def said(statements: Iterable[Statement], external_id: str) -> Said:
    """Return what statements say of the object asked for: those that bear its id, or the first
    where none does. What an answer tells of others has clocks of its own."""
    drafts = [one for one in statements if not isinstance(one, Read | Edit)]
    own = [one for one in drafts if one.external_id == external_id] or drafts[:1]
    full = [one.version for one in own if _is_whole(one) and one.version.rank == Rank.FULL]
    dated = [one.clock for one in full if one.by == OrderedBy.PROVIDER]
    return Said(
        frozenset(Subject(kind_of(one), one.external_id) for one in own),
        max(dated, default=None),
        max((one.clock for one in full), default=None),
    )


def is_dated(statements: Iterable[Statement]) -> bool:
    """Say whether the provider dates all of this itself: the same words say nothing new later."""
    return all(
        one.clock is not None
        if isinstance(one, Read)
        else not isinstance(one, Edit) and one.version.by == OrderedBy.PROVIDER
        for one in statements
    )


def _is_whole(draft: SaleDraft | PaymentDraft | RefundDraft | ReferenceDraft) -> bool:
    content = draft.header if isinstance(draft, SaleDraft) else draft.content
    return draft.gone or content is not None


def kind_of(draft: Statement) -> str:
    """Return the kind of entity that a draft states, as in the id of its row."""
    if isinstance(draft, ReferenceDraft):
        return str(draft.kind)
    if isinstance(draft, SaleDraft):
        return "sale"
    return "refund" if isinstance(draft, RefundDraft) else "payment"


def is_lagging(outcome: str, clock: int | None, *, over: int | None, deleted: bool) -> bool:
    """Say whether an answer contradicts what is known: older than it, not found though nobody told
    of a deletion, or still there though the last thing heard was one."""
    if outcome == "missing":
        return not deleted
    if deleted:
        return clock is None or over is None or clock <= over
    return clock is not None and over is not None and clock < over


def greatest(clocks: Sequence[int | None]) -> int | None:
    """Return the greatest of the clocks that are known."""
    return max((one for one in clocks if one is not None), default=None)
