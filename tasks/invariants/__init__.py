"""The invariants, each a function that looks at the live database and says what breaks it.

Run by ``manage.py verify``, by tests and by soaks. The letters and numbers are those of
``docs/invariants.md``.
"""

from collections.abc import Iterator

from . import deliveries, derived, hand, isolation, outcomes, recovery, sales, staging
from .base import Check, Cursor, Finding, Scope

__all__ = ["CHECKS", "Check", "Cursor", "Finding", "Scope", "examine"]

CHECKS: tuple[Check, ...] = (
    *deliveries.CHECKS,
    *outcomes.CHECKS,
    *derived.CHECKS,
    *sales.CHECKS,
    *staging.CHECKS,
    *isolation.CHECKS,
    *recovery.CHECKS,
    *hand.CHECKS,
)


def examine(cursor: Cursor, scope: Scope) -> Iterator[tuple[Check, Finding]]:
    """Run all checks one after the other."""
    for check in CHECKS:
        yield check, check.run(cursor, scope)
