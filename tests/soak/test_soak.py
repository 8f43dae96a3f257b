"""The soak as a test: a minute at every change, ten minutes with and without Redis at leisure."""

import pytest

from .started import soak


@pytest.mark.timeout(480)
def test_a_minute_under_faults_loses_doubles_and_changes_nothing() -> None:
    report = soak("--seed", "20260914", "--minutes", "1")

    assert report["broken"] == []
    assert report["staging"]["lost"] == report["doubled"] == report["unexpected"] == 0
    assert set(report["money"].values()) == {"0.00"}
    assert len(report["faults"]) >= 7
    assert report["sales"]["right"] == report["sales"]["wanted"] > 1000
    assert report["load"]["shares_percent"]["duplicates_or_disorder"] >= 30


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_minutes_under_every_fault_lose_double_and_change_nothing() -> None:
    report = soak("--seed", "1", "--minutes", "10")

    assert report["broken"] == []
    assert len(report["faults"]) >= 25
    assert report["load"]["per_second"] >= 60
    assert report["answers"].get("timeout", 0) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_with_redis_dead_all_the_time_the_sweep_settles_everything() -> None:
    report = soak("--seed", "2", "--minutes", "2", "--no-redis")

    assert report["broken"] == []
    # 20 s on a quiet machine: a grace of 10 s, the sweep's interval of 5 s, and its work.
    assert report["visible_s"]["all"]["p50"] < 30
