"""Settling under fire: killed processes, rivals, deadlocks, a database that goes away."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from tasks import batch, inbox, options
from tasks.batch import How
from tasks.loading import Loaded
from tasks.pipeline import _settle, settle
from tasks.sweep import Sweeper
from tests.settling import (
    TOYS,
    child_environment,
    dead_letters,
    eventually,
    inbox_rows,
    ledger,
    make_due,
    make_source,
    outcomes_of,
    put,
    sale_event,
    sales,
)

pytestmark = pytest.mark.django_db(transaction=True)


def in_a_process(*ids: UUID) -> int:
    """Settle in a process of its own and return its exit code."""
    command = [sys.executable, "-m", "tests.settler", *map(str, ids)]
    return subprocess.run(
        command, env=child_environment(), capture_output=True, check=False
    ).returncode


def at_once(*works: Callable[[], Any]) -> None:
    """Run functions in threads, each with a connection of its own."""

    def run(work: Callable[[], Any]) -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_F29_what_kills_its_process_is_dead_after_five_attempts_and_alone() -> None:
    source = make_source()
    good = [sale_event(f"e{n}", sale=f"s{n}") for n in range(4)]
    ids = put(source, *good[:2], {"id": "x", "type": "sigkill"}, *good[2:])

    codes = [in_a_process(*ids)]
    for _ in range(5):
        make_due()
        codes.append(in_a_process(*ids))

    assert codes == [-9, -9, -9, -9, -9, 0]
    assert sorted(outcomes_of(source)) == ["dead", *["recorded"] * 4]
    assert [(one.delivery_id, one.reason) for one in dead_letters(source)] == [
        (ids[2], "process died")
    ]
    assert inbox_rows() == []


def test_F3_a_killed_batch_leaves_nothing_and_takes_effect_once_when_run_again() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"), [sale_event("e2"), {"id": "x", "type": "sigkill"}])

    killed = in_a_process(*ids)
    between = (outcomes_of(source), sales(source), [row[1] for row in inbox_rows()])
    make_due()
    settle(ids[:1], providers=TOYS)

    assert killed == -9
    assert between == ([], [], [1, 1])
    assert outcomes_of(source) == ["recorded"]


def test_what_could_not_even_be_given_back_is_as_soon_as_the_database_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = make_source()
    first, second = put(source, sale_event("e1")), put(source, sale_event("e2", sale="s2"))

    def away(*_: Any) -> Any:
        raise OperationalError from psycopg.OperationalError("the connection is lost")

    with monkeypatch.context() as outage:
        outage.setattr(batch, "settle", away)
        outage.setattr(inbox, "give_back", away)
        settle(first, providers=TOYS)
        leased = inbox_rows()
    settle(second, providers=TOYS)

    assert [row[1:] for row in leased] == [(1, False), (0, True)]
    ((delivery, attempts, _),) = inbox_rows()
    assert ([delivery], attempts) == (first, 0)
    assert eventually(lambda: inbox_rows()[0][2], options.backoff())


def test_F10_rivals_over_the_same_deliveries_have_one_effect() -> None:
    source = make_source()
    ids = put(source, *(sale_event(f"e{n}", sale=f"s{n % 7}", at=n + 1) for n in range(60)))

    at_once(*[lambda: settle(ids[::-1], providers=TOYS), lambda: settle(ids, providers=TOYS)] * 2)

    assert len(outcomes_of(source)) == 60
    assert len(ledger(source)) == 60
    assert inbox_rows() == []


def test_F10_a_claim_that_comes_too_late_delays_nobody() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    claims = inbox.claim(ids)
    results: list[Counter[str]] = []

    with transaction.atomic(), connection.cursor() as cursor:
        # What a claim does whose snapshot is older than the commit of the other one.
        cursor.execute("SELECT 1 FROM ingest_inbox FOR UPDATE")
        winner = threading.Thread(
            target=at_once, args=[lambda: results.append(_settle(claims, How(TOYS)))]
        )
        winner.start()
        wait_for_a_waiting_lock(cursor)
    winner.join(30)

    assert results == [{"recorded": 1}]
    assert inbox_rows() == []


def wait_for_a_waiting_lock(cursor: Any) -> None:
    """Return when a transaction waits for another one, or after 5 s without."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
        if cursor.fetchone():
            return
        time.sleep(0.01)


def test_F34_rivals_with_copies_of_one_event_enter_it_once() -> None:
    source = make_source()
    ids = put(source, *[sale_event("e1", at=1)] * 20)

    at_once(*(lambda one=one: settle([one], providers=TOYS) for one in ids[:6]))
    settle(ids, providers=TOYS)

    assert Counter(outcomes_of(source)) == {"recorded": 1, "duplicate": 19}
    assert len(ledger(source)) == 1


@pytest.mark.parametrize(
    "error", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
)
def test_F20_F21_the_loser_of_a_deadlock_tries_again(
    error: type[psycopg.Error], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    real, raised = batch.settle, iter([error("first"), error("second")])

    def losing(loaded: list[Loaded], how: How) -> Counter[str]:
        result = real(loaded, how)
        for one in raised:
            raise OperationalError from one
        return result

    monkeypatch.setattr(batch, "settle", losing)

    assert settle(ids, providers=TOYS) == {"recorded": 1}
    assert outcomes_of(source) == ["recorded"]


def test_F13_a_terminated_session_is_replaced_and_the_batch_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    real, once = batch.settle, iter([True])

    def cut_off(loaded: list[Loaded], how: How) -> Counter[str]:
        for _ in once:
            connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return real(loaded, how)

    monkeypatch.setattr(batch, "settle", cut_off)

    assert settle(ids, providers=TOYS) == {"recorded": 1}


def test_a_database_that_cannot_take_the_batch_costs_no_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))

    def full(loaded: list[Loaded], how: How) -> Counter[str]:
        raise OperationalError from psycopg.errors.DiskFull()

    with monkeypatch.context() as patched:
        patched.setattr(batch, "settle", full)
        assert settle(ids, providers=TOYS) == {}

    assert [row[1:] for row in inbox_rows()] == [(0, False)]
    make_due()
    assert settle(ids, providers=TOYS) == {"recorded": 1}


def test_the_sweep_settles_what_nobody_woke_and_leaves_the_newest_to_its_wake_up() -> None:
    source = make_source()
    put(source, sale_event("e1"))
    make_due()
    put(source, sale_event("e2", at=9))

    swept = Sweeper().sweep(providers=TOYS)

    assert swept == 1
    assert outcomes_of(source) == ["recorded"]


def test_the_sweep_takes_over_an_ended_lease_at_once() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    inbox.claim(ids)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ingest_inbox SET due_at = now()")

    assert Sweeper().sweep(providers=TOYS) == 1
    assert outcomes_of(source) == ["recorded"]


def test_what_a_killed_settler_held_is_settled_within_the_promised_minute() -> None:
    """The lease, a sweep that has just passed, and half of the minute left for the work."""
    assert options.lease() + options.interval() <= 60 * 0.6
    # Nobody else may take a batch over that is still at work.
    assert options.lease() >= 2 * options.grace()


def test_with_redis_dead_a_sale_is_visible_within_twenty_seconds() -> None:
    """The grace, a sweep that has just passed, and a quarter of the time left for the work."""
    assert options.grace() + options.interval() <= 20 * 0.75


def test_a_paused_source_waits_and_does_not_hide_the_others() -> None:
    paused, other = make_source("paused"), make_source("other")
    put(paused, sale_event("e1"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ingest_inbox SET due_at = 'infinity'")
    put(other, sale_event("e1"))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ingest_inbox SET due_at = now() - interval '1 hour' WHERE due_at < 'infinity'"
        )

    assert Sweeper().sweep(providers=TOYS) == 1
    assert (outcomes_of(paused), outcomes_of(other)) == ([], ["recorded"])


def test_accounts_take_turns_so_that_a_backlog_holds_nobody_up() -> None:
    big, small = make_source("big"), make_source("small")
    backlog = put(big, *(sale_event(f"e{n}", at=n + 1) for n in range(40)))
    newest = put(small, sale_event("e1"), sale_event("e2", at=2))
    make_due()

    picked = Sweeper().pick(6)

    # After three of its oldest an account has one of its newest.
    assert picked == [backlog[0], newest[0], backlog[1], newest[1], backlog[2], backlog[-1]]


def test_the_watermark_follows_the_inbox_and_returns_for_what_was_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = make_source()
    sweeper = Sweeper()
    old = put(source, sale_event("e1"))
    make_due()
    sweeper.sweep(providers=TOYS)
    new = put(source, sale_event("e2", at=5))
    make_due()
    sweeper.pick(1)

    assert sweeper.watermark == new[0]
    assert old[0] < new[0]
    monkeypatch.setattr(sweeper, "_full_scan_at", 0.0)
    sweeper.pick(1)
    assert sweeper.watermark == new[0]
