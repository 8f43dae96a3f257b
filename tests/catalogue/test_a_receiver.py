"""The receiver is killed, shouted at, and lives beside a Redis that is away, full or forgetful."""

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from django.db import connection, transaction

from accounts.rls import set_scope
from backend_gjango import embedded, gauges
from backend_gjango.roles import as_owner
from tasks.sweep import Sweeper
from tests import faults
from tests.chaos import Mode, chaos
from tests.hearing import Running, database_url, postgres, receiver
from tests.settling import child_environment, eventually, inbox_rows, make_due

from .api import status
from .conftest import APPLICATION
from .counted import Counted
from .till import Till, sale

pytestmark = pytest.mark.django_db(transaction=True)

BODY = sale()
RETRY_AFTER = re.compile(rb"retry-after: (\d+)\r\n")


@contextlib.contextmanager
def product(folder: Path, **more: str) -> Iterator[Running]:
    """Run the product's receiver with these variables."""
    given = {"GJANGO_SOURCE_CACHE_SECONDS": "0.01", **more}
    with receiver(folder, application=APPLICATION, workers=1, **given) as one:
        yield one


def attempt(till: Till, **how: Any) -> int:
    """Send once; return the status, 0 where the connection broke."""
    try:
        return till.post(BODY, **how).status_code
    except httpx.TransportError:
        return 0


def killed_then_retried(folder: Path, point: faults.Point) -> tuple[Till, int, int, int]:
    """Let a receiver be killed at a point, and the sender repeat to the next one.

    Returns the till, the first status, what was staged in between, and the second status.
    """
    with product(folder, **faults.environment(point)) as doomed:
        till = Till(doomed)
        first = attempt(till, name="msg_a")
        doomed.process.wait(20)
    between = len(till.staged())
    with product(folder, **faults.environment(point)) as till.server:
        second = attempt(till, name="msg_a")
    till.settle()
    return till, first, between, second


def test_F1_a_receiver_killed_before_the_commit_leaves_nothing_and_the_retry_is_the_first(
    tmp_path: Path,
) -> None:
    """Granian ends with its killed worker, and the supervisor starts it again."""
    point = faults.Point(at="ingest.writer:Writer._stage", once=str(tmp_path / "struck"))

    till, first, between, second = killed_then_retried(tmp_path, point)

    assert (first, between, second) == (0, 0, 200)
    assert (till.outcomes(), till.events(), till.sold().total) == (["recorded"], 1, 10)


@pytest.mark.parametrize("at", ["ingest.writer:Writer._answer", "tasks.wakeup:Doorbell.ring"])
def test_F2_a_receiver_killed_after_the_commit_has_stored_it_and_the_retry_adds_no_effect(
    tmp_path: Path, at: str
) -> None:
    point = faults.Point(at=at, once=str(tmp_path / "struck"))

    till, first, between, second = killed_then_retried(tmp_path, point)

    assert (first, between, second) == (0, 1, 200)
    assert till.staged() == [BODY, BODY]
    assert sorted(till.outcomes()) == ["duplicate", "recorded"]
    assert (till.events(), till.sold().total) == (1, 10)


def swept(till: Till) -> list[str]:
    """Settle as the clock does what nobody was woken for; return the outcomes."""
    make_due()
    Sweeper().sweep()
    return till.outcomes()


def unheard(counted: Counted) -> float:
    """Return how many wake-ups reached nobody: failed, or not tried for a while after that."""
    name = "gjango_wakeup_failures_total"
    return counted.value(name, cause="error") + counted.value(name, cause="open")


def test_F6_without_redis_a_delivery_is_200_counted_and_swept(till: Till, counted: Counted) -> None:
    before = unheard(counted)

    assert till.post(BODY).status_code == 200

    assert eventually(lambda: unheard(counted) > before)
    assert [row[1] for row in inbox_rows()] == [0]
    assert swept(till) == ["recorded"]


def test_F8_flushall_in_the_middle_loses_no_event_and_costs_one_sweep(
    tmp_path: Path, valkey: str
) -> None:
    broker = redis.Redis.from_url(valkey)
    broker.flushall()
    with product(tmp_path, REDIS_URL=valkey) as server:
        till = Till(server)
        for number in range(20):
            assert till.post(sale(f"s{number}")).status_code == 200
        heard = eventually(lambda: bool(broker.keys("dramatiq:live*")))
        broker.flushall()

    with clock(REDIS_URL=valkey):
        settled = eventually(lambda: not inbox_rows(), 30)

    assert heard
    assert settled
    assert till.outcomes() == ["recorded"] * 20


def test_F9_a_full_redis_evicts_nothing_and_slows_no_answer(tmp_path: Path) -> None:
    with (
        own_valkey() as url,
        product(tmp_path, REDIS_URL=url, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as server,
    ):
        till, broker, counted = Till(server), redis.Redis.from_url(url), Counted(tmp_path)
        policy = broker.config_get("maxmemory-policy")
        broker.set("kept", "x" * 1_000_000)
        broker.config_set("maxmemory", "1mb")

        statuses = [till.post(sale(f"s{number}")).status_code for number in range(5)]

        assert policy == {"maxmemory-policy": "noeviction"}
        assert statuses == [200] * 5
        assert eventually(lambda: unheard(counted) > 0)
        assert broker.exists("kept") == 1
    assert swept(till) == ["recorded"] * 5


@contextlib.contextmanager
def own_valkey() -> Iterator[str]:
    """Run a Valkey that a test may fill up."""
    with tempfile.TemporaryDirectory(prefix="gjv-") as folder:
        state = embedded.State(Path(folder))
        process = embedded.spawn_valkey(state)
        embedded.wait_for(embedded.valkey_answers, state, process, "valkey.log")
        try:
            yield state.redis_url
        finally:
            embedded.stop(process, signal.SIGTERM)


@contextlib.contextmanager
def clock(**more: str) -> Iterator[None]:
    """Run the clock's process, which leaves little time to wake-ups."""
    process = subprocess.Popen(
        [sys.executable, "-m", "django", "clock"],
        env=child_environment(SWEEP_GRACE="0.5", SWEEP_INTERVAL="0.2", **more),
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.mark.parametrize("skew", [-600, 600])
def test_F26_a_clock_that_is_ten_minutes_off_refuses_and_tells(tmp_path: Path, skew: int) -> None:
    """A signed time is judged by our clock; nothing else is: a receipt has the database's time."""
    with receiver(
        tmp_path,
        application="tests.catalogue.skewed_app:application",
        GJANGO_TEST_SKEW=str(skew),
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path),
    ) as server:
        till, counted = Till(server), Counted(tmp_path)

        refused = till.post(BODY)
        taken = till.post(BODY, age=-skew)

        assert (refused.status_code, refused.json()["code"]) == (401, "signature_stale")
        assert taken.status_code == 200
        assert abs(counted.value("gjango_clock_skew_seconds") - skew) < 30
        assert "clock_skewed" in server.log.read_text()
    with connection.cursor() as cursor, transaction.atomic():
        set_scope([till.source.account_id])
        cursor.execute(
            "SELECT abs(extract(epoch FROM now() - received_at)) < 60 FROM ingest_delivery"
        )
        assert cursor.fetchall() == [(True,)]


def test_F30_a_herd_gets_503_with_spread_out_delays_and_the_rest_is_taken_in_time(
    tmp_path: Path,
) -> None:
    """The database is slow and the queue short; 600 come at full speed, 150 at a time."""
    total = 600
    with (
        chaos(postgres()) as network,
        product(
            tmp_path,
            DATABASE_URL=database_url("127.0.0.1", network.port),
            GJANGO_QUEUE_ROWS="40",
            GJANGO_BATCH_ROWS="20",
        ) as server,
    ):
        till = Till(server)
        assert attempt(till) == 200
        network.set(Mode.LATENCY, 0.1)

        answers = asyncio.run(herd(till, total, at_once=150))

    waits = [int(found[1]) for one, _ in answers if (found := RETRY_AFTER.search(one))]
    statuses = [status(one) for one, _ in answers]
    assert set(statuses) == {200, 503}
    assert len(waits) == statuses.count(503)
    assert len(set(waits)) >= 5
    assert all(2 <= wait <= 10 for wait in waits)
    assert max(seconds for _, seconds in answers) < 5
    assert len(till.staged()) == 1 + statuses.count(200)


async def herd(till: Till, total: int, *, at_once: int) -> list[tuple[bytes, float]]:
    """Send so many different deliveries; return the raw answers and their seconds."""
    turn = asyncio.Semaphore(at_once)

    async def one(request: bytes) -> tuple[bytes, float]:
        async with turn:
            begun = time.monotonic()
            reader, writer = await asyncio.open_connection("127.0.0.1", till.server.port)
            writer.write(request)
            answer = await reader.read()
            writer.close()
            return answer, time.monotonic() - begun

    return await asyncio.gather(*(one(till.request(sale(f"s{n}"))) for n in range(total)))


def test_F32_a_source_that_fell_silent_shows_by_its_own_measure(till: Till) -> None:
    """Twenty deliveries an hour apart, the last of them a day ago: rows of their owner's making."""
    other = Till(till.server, slug="never")
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingest_delivery (id, received_at, account_id, source_id, origin, method,"
            " path, query, content_type, headers, body, sha256, redacted)"
            " SELECT uuid_floor(past), past, %s, %s, 'push', 'POST', '', '', '', '', '', '', ''"
            " FROM generate_series(1, 20) n, LATERAL (SELECT now() - interval '1 day'"
            " - make_interval(hours => n) + interval '1 hour' AS past) t",
            [till.source.account_id, till.source.pk],
        )

    told = {one.name: one.samples for one in gauges.Now().collect()}

    (silent,) = told["gjango_source_silent_seconds"]
    (usual,) = told["gjango_source_usual_gap_seconds"]
    assert silent.labels == {"source": str(till.source.pk), "provider": "standard"}
    assert other.source.pk != till.source.pk
    assert abs(silent.value - 86_400) < 60
    assert abs(usual.value - 3600) < 1
