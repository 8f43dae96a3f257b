"""What all rules share: one business, its tills, and the database seen from outside."""

import itertools
from collections import Counter
from typing import Any, ClassVar

from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from accounts.rls import scoped

from .product import Business, Product, Till, open_business

which = st.integers(0, 30)
numbers = itertools.count(1)


class Base(RuleBasedStateMachine):
    """One run over a business of its own; ``product`` outlives the runs."""

    product: ClassVar[Product]

    def __init__(self) -> None:
        super().__init__()
        self.business: Business = open_business(next(numbers))
        self.crashes: Counter[str] = Counter()
        #: Sources that hold what they deliver.
        self.paused: set[int] = set()
        #: By source: requests that the provider has still to bring through.
        self.waiting: dict[int, list[int]] = {till.site.source_id: [] for till in self.tills}

    @property
    def tills(self) -> list[Till]:
        return self.business.tills

    @property
    def account(self) -> int:
        return self.business.account.pk

    def till(self, number: int) -> Till:
        """Return one of the tills."""
        return self.tills[number % len(self.tills)]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in the scope of the business."""
        with scoped([self.account]), connection.cursor() as cursor:
            cursor.execute(statement)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def make_due(self) -> None:
        """Let leases, pauses and the grace of wake-ups be over; what is held stays held."""
        self.rows(
            "UPDATE ingest_inbox SET due_at = now() - interval '1 minute'"
            " WHERE due_at < 'infinity' RETURNING 1"
        )
