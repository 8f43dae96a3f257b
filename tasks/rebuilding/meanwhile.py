"""What is settled while a rebuild works, and moments in which nothing is."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.db import OperationalError, transaction

from sales import beside

from .. import loading, outcomes, sql
from ..outcomes import Consequence
from .reading import PAGE, Reader

_SOURCES = "SELECT id FROM accounts_source WHERE account_id = %b::int8 ORDER BY id"
_NEWEST = "SELECT id FROM tasks_attempt ORDER BY id DESC LIMIT 1"
_SINCE = """
SELECT delivery_id, max(id) FROM tasks_attempt
WHERE id > %b::int8 AND account_id = %b::int8 GROUP BY 1
"""
#: A batch that states nothing holds no source: its attempts may come to light late.
_OVERLAP = 1000
#: Shorter than the server's patience with a deadlock: we yield, not whoever edits a sale.
_YIELD = "SELECT set_config('lock_timeout', '500ms', true)"
_TRIES = 40
#: So many deliveries are read while everybody waits.
_LITTLE = 20

Result = TypeVar("Result")


class SettingsChanged(RuntimeError):
    """A setting that sales are derived from changed while the rebuild read."""


@dataclass(slots=True)
class Meanwhile:
    """Follows the attempts of one account; ``mark`` is the last that was read."""

    reader: Reader
    mark: int = 0
    _settings: dict[str, Any] = field(default_factory=dict)

    def begin(self) -> None:
        """Note the last attempt before which everything can be seen, and the settings."""

        def look() -> int:
            with transaction.atomic():
                sql.scope_everything()
                beside.hold(self.sources())
                self._settings = self._present()
                found = sql.rows(_NEWEST)
                return found[0][0] - _OVERLAP if found else 0

        self.mark = patiently(look)

    def sources(self) -> list[int]:
        """Return the sources of the account, one made a moment ago included."""
        return [row[0] for row in sql.rows(_SOURCES, self.reader.account)]

    def catch_up(self) -> None:
        """Read what was settled since, without keeping anybody waiting, until little is left."""
        while len(found := in_scope(self.reader.account, self._settled_since)) > _LITTLE:
            for start in range(0, len(found), PAGE):
                some = [row[0] for row in found[start : start + PAGE]]
                in_scope(self.reader.account, partial(self.reader.catch_up, some))
            self.mark = max(row[1] for row in found)

    def _settled_since(self) -> list[tuple[Any, ...]]:
        beside.hold(self.sources())
        return sql.rows(_SINCE, self.mark, self.reader.account)

    def still(self, work: Callable[[], Result]) -> Result:
        """Do some work in a transaction while nobody settles the account, all caught up with.

        Raises SettingsChanged.
        """

        def attempt() -> Result:
            self.catch_up()
            with self._held() as mark:
                result = work()
            self.mark = mark
            return result

        return patiently(attempt)

    @contextmanager
    def _held(self) -> Iterator[int]:
        with transaction.atomic():
            sql.scope([self.reader.account])
            found = self._settled_since()
            sql.rows(_YIELD)
            if self._present() != self._settings:
                raise SettingsChanged
            self.reader.catch_up([row[0] for row in found])
            yield max((row[1] for row in found), default=self.mark)

    def _present(self) -> dict[str, Any]:
        """Return what sales are derived from besides deliveries."""
        known = self._settings.get("sources", {})
        sources = loading.settings(known or self.sources())
        return {"sources": sources, "locations": beside.settings(self.reader.account)}


def in_scope(account: int, work: Callable[[], Result]) -> Result:
    """Do some work in a transaction that sees an account."""
    with transaction.atomic():
        sql.scope([account])
        return work()


def patiently(work: Callable[[], Result]) -> Result:
    """Do work whose locks others may hold: again after a moment, a bounded number of times.

    Raises OperationalError.
    """
    for _ in range(_TRIES):
        try:
            return work()
        except OperationalError as error:
            if outcomes.consequence(error) is Consequence.BISECT or not _is_lock(error):
                raise
            time.sleep(random.uniform(0.05, 0.5))  # noqa: S311
    return work()


def _is_lock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") in {"55P03", "40P01", "40001"}
