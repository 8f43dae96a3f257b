"""A second set of the tables, beside the live ones: what a rebuild derives, until it is compared.

They are temporary tables of the same names, which PostgreSQL finds first: the very same recording
writes into them, they need no rights of their own, and they end with the session. The live ones
are spelled ``public.…`` here.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from ..recording import locks
from ..recording.arrays import Cursor
from .columns import TABLES

__all__ = ["TABLES", "analyse", "hold", "make", "settings", "settle_seeds"]

_MAKE = "CREATE TEMPORARY TABLE IF NOT EXISTS {name} (LIKE public.{name} INCLUDING ALL)"
#: Later than any receipt: a seed says when nothing was received.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_SEED = """
INSERT INTO pg_temp.sales_location
  (id, account_id, source_id, external_id, received_at, timezone, day_cutoff, currency)
SELECT id, account_id, source_id, external_id, %b, timezone, day_cutoff, currency
FROM public.sales_location
WHERE account_id = %b AND (timezone <> '' OR day_cutoff <> 0 OR currency <> '')
"""
#: A place that nobody names any more keeps its settings: they are a person's.
_SETTLE = """
UPDATE pg_temp.sales_location s SET received_at = l.received_at
FROM public.sales_location l WHERE l.id = s.id AND s.received_at = %b
"""
_SETTINGS = """
SELECT id, timezone, day_cutoff, currency FROM public.sales_location
WHERE account_id = %b AND (timezone <> '' OR day_cutoff <> 0 OR currency <> '') ORDER BY id
"""


def make(account: int) -> None:
    """Make the tables, empty but for the settings of an account's locations.

    Raises ProgrammingError where the role may make no temporary tables.
    """
    cursor = Cursor()
    for table in TABLES.values():
        cursor.rows(_MAKE.format(name=table.name))
    # A plan made before them would go on writing into the live tables.
    cursor.rows("DISCARD PLANS")
    cursor.rows("TRUNCATE " + ", ".join(f"pg_temp.{table.name}" for table in TABLES.values()))
    cursor.rows(_SEED, _NEVER, account)


def settle_seeds() -> None:
    """Give places that only a person's setting knows the receipt that they have."""
    Cursor().rows(_SETTLE, _NEVER)


def settings(account: int) -> Mapping[object, tuple[object, ...]]:
    """Return the settings of an account's locations, which decide business days."""
    return {key: tuple(rest) for key, *rest in Cursor().rows(_SETTINGS, account)}


def hold(sources: Iterable[int]) -> None:
    """Wait for all who settle these sources, and let nobody begin before the commit."""
    locks.own_days(Cursor(), sources)


def analyse() -> None:
    """Tell the planner how much there is: nobody else looks after temporary tables."""
    cursor = Cursor()
    for table in TABLES.values():
        cursor.rows(f"ANALYZE pg_temp.{table.name}")
