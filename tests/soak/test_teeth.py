"""Take a part of the product away, and the soak turns red: by that part, not by chance.

No run waits for everything to become quiet: with the part missing, some of it never would.
"""

from typing import Any

import pytest

from .started import soak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_POSTGRES = ("--fault", "kill -9 PostgreSQL", "--minutes", "0.45", "--rate", "120")
_SHORT = ("--minutes", "0.3", "--fault", "sender's clock 10 min wrong")
_IMPATIENT = ("--patience", "8")


def _red(defect: str, *arguments: str) -> dict[str, Any]:
    report = soak("--seed", "3", "--defect", defect, *arguments)

    assert not report["ok"]
    return report


def test_commits_that_are_not_on_the_disk_lose_what_was_acknowledged() -> None:
    # Every batch that is settled flushes the log; without Redis that is rare, so more is lost.
    report = _red("asynchronous_commit", *_POSTGRES, *_IMPATIENT, "--no-redis")

    assert report["lost"] > 0


def test_answering_before_the_commit_loses_what_was_acknowledged() -> None:
    report = _red("answer_before_commit", *_POSTGRES, *_IMPATIENT)

    assert report["lost"] > 0


def test_waking_up_through_redis_only_leaves_deliveries_unsettled() -> None:
    faults = ("--fault", "Valkey FLUSHALL", "--fault", "kill -9 Valkey")
    report = _red("redis_only", "--minutes", "0.5", "--patience", "25", *faults)

    assert report["lost"] == 0
    assert report["staging"]["pending"] > 0


def test_without_the_sweep_a_dead_redis_is_the_end() -> None:
    report = _red("no_sweep", "--no-redis", *_SHORT, *_IMPATIENT)

    assert report["lost"] == 0
    assert report["staging"]["pending"] == report["staging"]["staged"] > 0


def test_without_the_ledger_repetitions_are_counted_as_events_and_money_is_still_right() -> None:
    """The ledger never decides what a sale is: its absence costs counting, not money."""
    report = _red("no_ledger", *_SHORT)

    assert report["doubled"] > 0
    assert report["sales"]["events_missing"] > 0
    assert set(report["money"].values()) == {"0.00"}


def test_without_a_tie_break_two_sources_told_the_same_differ() -> None:
    report = _red("no_tie_break", *_SHORT)

    assert report["sales"]["twins_differ"] > 0


def test_without_row_security_a_forgotten_filter_shows_the_sales_of_others() -> None:
    report = _red("no_row_security", *_SHORT)

    assert any("is shown" in example for example in report["sales"]["examples"])
