"""What ``recording`` and ``merging`` are given: one draft, and where and when it was heard.

No Django in here.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .drafts import Draft


@dataclass(frozen=True, slots=True)
class Stated:
    """One draft of one delivery. ``received`` is aware; ``mapper`` is the normaliser's revision."""

    draft: Draft
    account_id: int
    source_id: int
    delivery_id: UUID
    received: datetime
    mapper: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What ``record`` changed.

    ``changed`` are the indexes of statements that won at least one facet (or field, by hand);
    ``sales`` and ``refunds`` are the rows that are not as they were; ``tied`` are those of any kind
    that were stated differently as of one version.
    """

    changed: frozenset[int]
    sales: frozenset[UUID]
    refunds: frozenset[UUID]
    tied: frozenset[UUID] = frozenset()
