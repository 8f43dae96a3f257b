"""The worker as it runs: real Valkey, real Dramatiq processes, a real provider."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import dramatiq
import pytest
import redis

from accounts.models import Source
from integrations import samples
from tasks import pipeline, replays
from tasks.broker import make_broker
from tasks.selection import Filter
from tasks.wakeup import Doorbell
from tests.settling import (
    child_environment,
    eventually,
    inbox_rows,
    make_source,
    outcomes_of,
    put,
    sales,
)

pytestmark = pytest.mark.django_db(transaction=True)

_SAMPLE = "document_sell__cash"


@contextmanager
def working(redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker master with one process, in a session of its own."""
    command = [
        *(sys.executable, "-m", "dramatiq", "tasks.worker", "--processes", "1"),
        *("--threads", "2", "--queues", "live", "bulk", "fetch"),
    ]
    process = subprocess.Popen(
        command,
        env=child_environment(REDIS_URL=redis_url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def heard(source: Source, count: int = 1) -> list[UUID]:
    """Stage a recorded receipt of Evotor."""
    return put(source, *[samples.load("evotor")[_SAMPLE].body] * count)


def test_a_wake_up_becomes_a_sale_and_repeated_or_empty_ones_change_nothing(valkey: str) -> None:
    redis.Redis.from_url(valkey).flushall()
    source = make_source(provider="evotor")
    ids = heard(source)
    bell = Doorbell(valkey, limit_seconds=2.0)

    with working(valkey) as worker:
        for _ in range(3):
            bell.ring(ids)
        bell.ring([])
        settled = eventually(lambda: not inbox_rows())
        # Ends within its limit though messages keep coming.
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(30)
    bell.close()

    assert settled
    assert code == 0
    assert outcomes_of(source) == ["recorded"]
    assert len(sales(source)) == 1


def test_a_replay_by_message_goes_through_its_own_queue(valkey: str) -> None:
    redis.Redis.from_url(valkey).flushall()
    source = make_source(provider="evotor")
    ids = heard(source)
    pipeline.settle(ids)
    run = replays.start(Filter())
    broker = make_broker(valkey)

    with working(valkey):
        broker.enqueue(
            dramatiq.Message(
                queue_name="bulk", actor_name="replay_page", args=(run.pk,), kwargs={}, options={}
            )
        )
        replayed = eventually(lambda: len(outcomes_of(source)) == 2)
    broker.close()

    assert replayed
    assert outcomes_of(source) == ["recorded", "duplicate"]


def test_without_redis_the_worker_waits_instead_of_ending() -> None:
    with working("redis://127.0.0.1:1/0") as worker:
        time.sleep(4)
        assert worker.poll() is None
