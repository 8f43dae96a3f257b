"""Settling is killed, starved, deadlocked and held back: one effect, and no attempt is lost."""

import os
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import redis
from django.db import connection

from accounts.models import Source
from backend_gjango import gauges
from backend_gjango.embedded import State
from backend_gjango.roles import as_owner
from tasks import batch
from tasks.batch import How
from tasks.leadership import direct_parameters
from tasks.loading import Loaded
from tasks.pipeline import settle
from tasks.sweep import Sweeper
from tasks.wakeup import Doorbell
from tests import faults
from tests import settling as toy
from tests.stack import running

from .inprocess import counted
from .till import make_source as make_standard
from .till import proof, sale

pytestmark = pytest.mark.django_db(transaction=True)


def test_F5_a_worker_that_is_asked_to_end_in_mid_task_loses_no_attempt(valkey: str) -> None:
    """It finishes within its shutdown time-out, or the transaction is rolled back and retried."""
    redis.Redis.from_url(valkey).flushall()
    source, _ = make_standard()
    ids = toy.put(source, *(sale(f"s{number}") for number in range(5)))
    slow = faults.Point(at="tasks.batch:settle", do="sleep", seconds=2)
    worker = subprocess.Popen(
        [*(sys.executable, "-m", "dramatiq", "tasks.worker"), "--processes", "1"],
        env={**toy.child_environment(REDIS_URL=valkey), **faults.environment(slow)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    bell = Doorbell(valkey, limit_seconds=2.0)
    bell.ring(ids)
    assert toy.eventually(lambda: [row[1] for row in toy.inbox_rows()] == [1] * 5)

    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    code = worker.wait(60)
    took = time.monotonic() - begun
    bell.close()
    toy.make_due()
    settle(ids)

    assert (code, took < 30) == (0, True)
    assert toy.outcomes_of(source) == ["recorded"] * 5
    assert toy.inbox_rows() == []


def test_F27_a_delivery_that_wants_all_memory_is_counted_and_harms_no_neighbour() -> None:
    source = toy.make_source()
    ids = toy.put(
        source, toy.sale_event("e1"), {"id": "x", "type": "hungry"}, toy.sale_event("e2", sale="s2")
    )

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

    done = subprocess.run(
        [sys.executable, "-m", "tests.settler", *map(str, ids)],
        env=toy.child_environment(),
        preexec_fn=limited,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0
    assert b"MemoryError" in done.stderr
    assert toy.outcomes_of(source) == ["recorded", "recorded"]
    assert [row[:2] for row in toy.inbox_rows()] == [(ids[1], 1)]


def rival_locks(account: int, order: list[UUID], holds: threading.Event) -> None:
    """Lock one sale and, when somebody waits for it, a second one; then give both up."""
    lock = "SELECT FROM sales_sale WHERE id = %s FOR UPDATE"
    with psycopg.connect(**direct_parameters()) as rival:
        rival.execute("SELECT set_config('app.accounts', %s, true)", [f"{{{account}}}"])
        rival.execute(lock, order[:1])
        holds.set()
        time.sleep(0.4)  # the other waits by then, and is the first to look for a deadlock
        rival.execute(lock, order[1:])
        rival.rollback()


def test_F20_the_victim_of_a_real_deadlock_tries_again() -> None:
    """Settlers lock in one order and never meet like this; a person in psql may."""
    source = toy.make_source()
    settle(
        toy.put(source, *(toy.sale_event(f"e{name}", sale=name, at=1) for name in "ab")),
        providers=toy.TOYS,
    )
    later = [toy.sale_event(f"f{name}", sale=name, at=2, total="12.00") for name in "ab"]
    holds = threading.Event()
    order = sorted((row["id"] for row in toy.sales(source)), reverse=True)
    rival = threading.Thread(target=rival_locks, args=(source.account_id, order, holds))
    before = counted("gjango_settle_retries_total", cause="repeat")

    rival.start()
    holds.wait()
    result = settle(toy.put(source, *later), providers=toy.TOYS)
    rival.join()

    assert result == {"recorded": 2}
    assert counted("gjango_settle_retries_total", cause="repeat") == before + 1
    assert {row["total"] for row in toy.sales(source)} == {12}
    assert [row for row in toy.inbox_rows() if row[1]] == []


def test_F21_a_serialization_failure_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = toy.make_source()
    settle(toy.put(source, toy.sale_event("e1", at=1)), providers=toy.TOYS)
    ids = toy.put(source, toy.sale_event("e2", at=2), toy.sale_event("e3", at=3, total="12.00"))
    connection.cursor().execute("SET default_transaction_isolation TO 'repeatable read'")
    real, once = batch.settle, iter([True])
    before = counted("gjango_settle_retries_total", cause="repeat")

    def overtaken(loaded: list[Loaded], how: How) -> Counter[str]:
        for _ in once:
            rival = threading.Thread(target=_settle_elsewhere, args=(ids[1],))
            rival.start()
            rival.join()
        return real(loaded, how)

    monkeypatch.setattr(batch, "settle", overtaken)
    result = settle(ids[:1], providers=toy.TOYS)
    connection.close()

    assert result == {"superseded": 1}
    assert counted("gjango_settle_retries_total", cause="repeat") == before + 1
    assert [row["total"] for row in toy.sales(source)] == [12]


def _settle_elsewhere(identifier: UUID) -> None:
    try:
        settle([identifier], providers=toy.TOYS)
    finally:
        connection.close()


def cycles(source: Source, count: int) -> list[float]:
    """Stage, find and settle batches of 200; return the seconds of finding and settling each."""
    took, sweeper = [], Sweeper()
    for _ in range(count):
        toy.put(source, *({"id": str(uuid4()), "type": "shift"} for _ in range(200)))
        toy.make_due()
        begun = time.monotonic()
        assert sweeper.sweep(providers=toy.TOYS) == 200
        took.append(time.monotonic() - begun)
    return took


def gauge(name: str) -> float:
    """Return one of the gauges that are asked of the database."""
    return next(one.samples[0].value for one in gauges.Now().collect() if one.name == name)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_F24_a_long_transaction_leaves_the_queue_quick_and_is_told_of() -> None:
    source = toy.make_source()
    usual = statistics.median(cycles(source, 40))

    with psycopg.connect(**direct_parameters()) as pinning:
        pinning.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        pinning.execute("SELECT count(*) FROM ingest_inbox")
        pinned = cycles(source, 120)
        age = gauge("gjango_snapshot_age_transactions")
        seconds = gauge("gjango_transaction_age_seconds")

    assert statistics.median(pinned[-40:]) < 2 * usual + 0.05
    assert age > 200
    assert seconds > 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_F25_an_inbox_that_is_never_vacuumed_stays_quick_and_is_told_of() -> None:
    """The watermark passes over what was deleted; no schedule of VACUUM is needed for that."""
    source = toy.make_source()
    usual = statistics.median(cycles(source, 40))

    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ingest_inbox SET (autovacuum_enabled = off)")
    try:
        starved = cycles(source, 120)
        told = toy.eventually(lambda: gauge("gjango_inbox_dead_rows") > 10_000)
    finally:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ingest_inbox RESET (autovacuum_enabled)")

    assert statistics.median(starved[-40:]) < 2 * usual + 0.05
    assert told


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_F4_a_killed_worker_child_costs_a_lease_at_most_and_no_luck_of_redis() -> None:
    """Dramatiq's master ends with its child, and the supervisor starts both again.

    What nobody had claimed is swept within 15 s; the batch that died with the child waits for the
    end of its lease (60 s by default), which is what keeps two settlers off one batch.
    """
    with running({"SETTLE_LEASE": "15"}) as stack:
        made = stack.manage_json("source", "add", "standard", "--account", "shop")
        masters = stack.processes("dramatiq")
        bodies = [sale(f"s{number}") for number in range(300)]
        with httpx.Client() as client:
            for number, body in enumerate(bodies):
                headers = proof(body, secret=made["secret"])
                assert client.post(made["url"], content=body, headers=headers).status_code == 200
                if number == 100:
                    os.kill(masters[-1], signal.SIGKILL)
                    redis.Redis.from_url(State(stack.state).redis_url).flushall()

        begun = time.monotonic()
        with psycopg.connect(State(stack.state).database_url()) as own:
            count = "SELECT count(*) FROM ingest_inbox"
            while own.execute(count).fetchone() != (0,):
                own.rollback()
                assert time.monotonic() - begun < 60
                time.sleep(0.5)

        assert not set(masters) & set(stack.processes("dramatiq"))
        assert "FAILED" not in stack.manage("verify")
