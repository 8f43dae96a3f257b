"""The doorbell: heard when Redis is there, and never in the way when it is not."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import redis
from prometheus_client import REGISTRY

from tasks.wakeup import Doorbell


def messages(valkey: str) -> list[dict[str, Any]]:
    client = redis.Redis.from_url(valkey)
    return [json.loads(body) for body in client.hvals("dramatiq:live.msgs")]


def failures(cause: str) -> float:
    name, labels = "gjango_wakeup_failures_total", {"cause": cause}
    return REGISTRY.get_sample_value(name, labels) or 0.0


def wait(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def test_every_id_reaches_the_queue_of_the_settlers(valkey: str) -> None:
    redis.Redis.from_url(valkey).flushall()
    bell = Doorbell(valkey, limit_seconds=2)
    ids = [uuid4() for _ in range(600)]

    for start in range(0, 600, 20):
        bell.ring(ids[start : start + 20])
    bell.close()

    heard = messages(valkey)
    assert {one["actor_name"] for one in heard} == {"settle_deliveries"}
    assert {UUID(one) for message in heard for one in message["args"][0]} == set(ids)
    assert len(heard) < 30


def test_a_silent_redis_costs_the_caller_nothing_and_is_left_alone_for_a_while() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hole:
        bell = Doorbell(f"redis://127.0.0.1:{hole.getsockname()[1]}/0", waiting=8)
        errors, skipped, dropped = failures("error"), failures("open"), failures("full")

        begun = time.monotonic()
        for _ in range(200):
            bell.ring([uuid4()])
        spent = time.monotonic() - begun

        assert spent < 0.2
        assert wait(lambda: failures("error") == errors + 1)
        assert failures("full") > dropped
        bell.ring([uuid4()])
        assert wait(lambda: failures("open") > skipped)
        assert failures("error") == errors + 1
        bell.close()


def test_a_redis_that_comes_back_is_heard_again(valkey: str) -> None:
    redis.Redis.from_url(valkey).flushall()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]
    bell = Doorbell(f"redis://127.0.0.1:{nobody}/0", break_seconds=0.1)
    errors = failures("error")

    bell.ring([uuid4()])
    assert wait(lambda: failures("error") == errors + 1)
    time.sleep(0.15)
    bell.ring([uuid4()])

    assert wait(lambda: failures("error") == errors + 2)
    bell.close()
