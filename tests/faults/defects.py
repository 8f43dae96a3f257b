"""Deliberate defects: what the product would be without one of its parts.

A harness that cannot turn red proves nothing; each of these must turn one red
(``tests/soak/test_teeth.py``).
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

Change = Callable[[Any], None]


def _commit_later(link: Any) -> None:
    """Let the receiver's commits be answered before they are on the disk."""
    from psycopg import sql

    own = link.Link._session
    late = sql.SQL("; SET synchronous_commit = off")
    link.Link._session = lambda self: own(self) + late


def _answer_first(writer: Any) -> None:
    """Answer every delivery of a batch, then write it."""
    own = writer.Writer._stage

    def stage(self: Any, link: Any, batch: Any) -> None:
        self._loop.call_soon_threadsafe(self._answer, batch, [uuid4() for _ in batch])
        own(self, link, batch)

    writer.Writer._stage = stage


def _without_sweep(clock: Any) -> None:
    """Let the clock do everything but sweep."""
    own = clock.Clock.__init__

    def init(self: Any, leadership: Any = None) -> None:
        own(self, leadership)
        self.chores = [chore for chore in self.chores if chore.name != "sweep"]

    clock.Clock.__init__ = init


def _alone(draining: Any) -> None:
    """Settle what a wake-up names and nothing beside it."""
    draining.drain = lambda named: bool(draining.pipeline.settle(named)) and False


def _sweep_nothing(sweep: Any) -> None:
    """Let every sweep find nothing."""
    sweep.Sweeper.pick = lambda self, limit: []


def _know_nothing(ledger: Any) -> None:
    """Take every event for new, and write none down."""
    ledger.known = lambda heard: ledger.Known({}, {})
    ledger.enter = lambda events: dict.fromkeys(events, False)


def _break_no_tie(drafts: Any) -> None:
    """Leave the digest of the content out of the stamp: of equal versions the first stays."""
    drafts.digest = lambda value: bytes(8)


def _as_owner(settings: Any) -> None:
    """Work as the owner of the tables, whom row-level security does not bind."""
    settings.DATABASES["default"].update(
        {key: settings.DATABASE_OWNER[key] for key in ("USER", "PASSWORD")}
    )


def _unscoped(selectors: Any) -> None:
    """Forget the filter by account."""
    selectors.owned = lambda found, accounts: found


#: Defect → module → what is done to it right after its import.
DEFECTS: Mapping[str, Mapping[str, Change]] = {
    "asynchronous_commit": {"ingest.link": _commit_later},
    "answer_before_commit": {"ingest.writer": _answer_first},
    "redis_only": {"tasks.clock": _without_sweep, "tasks.draining": _alone},
    "no_sweep": {"tasks.sweep": _sweep_nothing},
    "no_ledger": {"tasks.ledger": _know_nothing},
    "no_tie_break": {"sales.drafts": _break_no_tie},
    "no_row_security": {"backend_gjango.settings": _as_owner, "sales.selectors": _unscoped},
}
