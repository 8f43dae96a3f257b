"""The clock: one leader, the sweep without Redis, partitions, a prompt end."""

import signal
import subprocess
import sys
import time

import psycopg
import pytest
from django.db import connection

from tasks import clock as clocks
from tasks import inbox
from tasks.clock import Clock, ensure_partitions
from tasks.leadership import Leadership, direct_parameters
from tasks.metrics import dead_letters_open, inbox_state
from tasks.pipeline import settle
from tasks.replays import enlist
from tests.settling import (
    TOYS,
    child_environment,
    inbox_rows,
    make_due,
    make_source,
    put,
    sale_event,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_of_two_clocks_leads_and_the_other_takes_over() -> None:
    one, other = Leadership(), Leadership()

    assert [one.leads(), other.leads(), one.leads()] == [True, False, True]
    one.step_down()
    assert other.leads()
    other.step_down()


def test_a_leader_whose_session_is_lost_steps_down_and_competes_again() -> None:
    leadership = Leadership()
    assert leadership.leads()
    with psycopg.connect(**direct_parameters(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )

    with pytest.raises(psycopg.OperationalError):
        leadership.leads()

    assert leadership.leads()
    leadership.step_down()


def test_F23_partitions_are_made_ahead_and_rows_without_one_are_told_of() -> None:
    assert ensure_partitions() is False

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ingest_delivery'::regclass"
        )
        assert cursor.fetchone()[0] >= 4


def test_the_clock_works_down_its_table_while_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def make() -> bool:
        made.append("partitions")
        return False

    monkeypatch.setattr(clocks, "ensure_partitions", make)
    clock = Clock()
    rival = Leadership()
    assert rival.leads()

    idle = clock._tick()
    rival.step_down()
    busy = clock._tick()

    assert made == ["partitions"]
    assert idle == 5.0
    assert 0 < busy <= 5.0
    clock._leadership.step_down()


def test_a_database_that_is_away_is_waited_for_with_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock(Leadership({"conninfo": "host=/nowhere dbname=none", "connect_timeout": 1}))

    rests = [clock._tick() for _ in range(3)]

    assert rests == [1.0, 1.0, 1.0]
    assert "".join(capsys.readouterr()).count("database_away") == 1


def test_an_outage_costs_the_clock_one_turn(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    clock._tick()
    with psycopg.connect(**direct_parameters(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )
    capsys.readouterr()

    # Not the last two, which have threads and sessions of their own.
    for chore in clock.chores[:-2]:
        chore.due = 0.0
    clock._tick()
    clock._tick()

    said = "".join(capsys.readouterr())
    assert (said.count("database_away"), said.count("database_back")) == (1, 1)
    assert said.index("database_away") < said.index("database_back")
    clock._leadership.step_down()


def test_the_clock_process_settles_without_redis_and_ends_promptly() -> None:
    source = make_source()
    put(source, b"no provider can read this")
    make_due()
    command = [sys.executable, "-m", "django", "clock"]
    environment = child_environment(REDIS_URL="redis://127.0.0.1:1/0", SWEEP_INTERVAL="0.2")
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)

    try:
        deadline = time.monotonic() + 20
        while inbox_rows()[0][1] == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert inbox_rows()[0][1] == 1
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_the_gauges_tell_the_inbox_and_the_dead_letters() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"), {"id": "e2", "type": "unrecognised"})
    before = inbox_state()

    settle(ids, providers=TOYS)

    assert (before.size, before.held) == (2, 0)
    assert 0 <= before.oldest < 60
    assert inbox_state().size == 0
    assert dead_letters_open() == 1


def test_the_oldest_is_told_by_how_long_it_has_been_due_and_not_by_its_age() -> None:
    source = make_source()
    ids = put(source, *(sale_event(f"e{number}") for number in range(4)))
    due = (
        "now() - interval '90 s'",
        "now() - interval '5 s'",
        "now() + interval '1 h'",
        "'infinity'",
    )
    with connection.cursor() as cursor:
        for one, moved in zip(ids, due, strict=True):
            cursor.execute(
                f"UPDATE ingest_inbox SET due_at = {moved} WHERE delivery_id = %s", [one]
            )

    waiting = inbox_state()
    settle(ids[:2], providers=TOYS)
    time.sleep(1.2)
    begun = time.monotonic()
    enlist(ids[:1])
    again = inbox_state().oldest

    assert (waiting.size, waiting.held) == (4, 1)
    assert 90 <= waiting.oldest < 150
    # Staged a second before and more, due only since it was put back.
    assert 0 <= again <= time.monotonic() - begun


def test_telling_the_state_of_a_backlog_passes_over_it_once() -> None:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT TEXT) " + inbox._STATE)
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert plan.count("ingest_inbox") == 1, plan
    assert "Sort" not in plan, plan
