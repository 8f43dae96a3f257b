"""The database and Redis misbehave; every request is answered, and nothing needs a restart."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.chaos import Chaos, Mode, chaos
from tests.hearing import (
    Address,
    Running,
    database_url,
    make_source,
    owner,
    postgres,
    receiver,
    staged,
)

pytestmark = pytest.mark.django_db(transaction=True)

BODY = b'{"type": "sale.created"}'


@pytest.fixture(scope="module")
def network(django_db_setup: None) -> Iterator[Chaos]:
    with chaos(postgres()) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, network: Chaos) -> Iterator[Running]:
    with receiver(
        tmp_path_factory.mktemp("receiver"),
        DATABASE_URL=database_url("127.0.0.1", network.port),
        GJANGO_SOURCE_CACHE_SECONDS="60",
    ) as running:
        yield running


@pytest.fixture
def shop(network: Chaos) -> Iterator[Address]:
    network.set(Mode.PASS)
    yield make_source()
    network.set(Mode.PASS)


def send(server: Running, shop: Address, body: bytes = BODY) -> tuple[int, float]:
    """Send once; return the status and the seconds it took."""
    begun = time.monotonic()
    answer = server.http.post(shop.path, content=body, headers=shop.signed(body))
    if answer.status_code == 503:
        assert 2 <= int(answer.headers["retry-after"]) <= 10
        assert answer.json()["code"] == "unavailable"
    return answer.status_code, time.monotonic() - begun


def wait_until_taken(server: Running, shop: Address) -> None:
    deadline = time.monotonic() + 10
    while send(server, shop)[0] != 200:
        assert time.monotonic() < deadline, "did not recover"
        time.sleep(0.1)


def test_F19_a_silent_database_frees_the_request_within_four_seconds_and_recovers(
    server: Running, shop: Address, network: Chaos
) -> None:
    assert send(server, shop)[0] == 200

    network.set(Mode.BLACKHOLE)
    first, seconds = send(server, shop)
    again, seconds_again = send(server, shop)

    assert (first, again) == (503, 503)
    assert max(seconds, seconds_again) < 4.5
    network.set(Mode.PASS)
    wait_until_taken(server, shop)


def test_F11_a_stopped_database_is_503_at_once_never_404(
    server: Running, shop: Address, network: Chaos
) -> None:
    assert send(server, shop)[0] == 200
    unknown = Address(0, 0, "x" * 43)

    network.set(Mode.REFUSE)

    for address in (shop, unknown):
        status, seconds = send(server, address)
        assert (status, seconds < 2) == (503, True)
    network.set(Mode.PASS)
    wait_until_taken(server, shop)
    assert send(server, unknown)[0] == 404


def test_F13_lost_connections_are_opened_again_before_the_answer(
    server: Running, shop: Address, network: Chaos
) -> None:
    for _ in range(5):
        assert send(server, shop)[0] == 200
        network.set(Mode.RESET)
        time.sleep(0.05)
        network.set(Mode.PASS)

    assert send(server, shop)[0] == 200
    assert len(staged(shop)) >= 6


def test_F13_terminated_sessions_lose_nothing_that_was_acknowledged(
    server: Running, shop: Address
) -> None:
    bodies = [b'{"n": %d}' % n for n in range(30)]
    taken = set()

    with psycopg.connect(database_url(), autocommit=True) as own:
        for body in bodies:
            own.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'gjango-receiver' AND usename = current_user"
            )
            if send(server, shop, body)[0] == 200:
                taken.add(body)

    assert taken
    assert taken <= {bytes(one.body) for one in staged(shop)}


def test_a_slow_network_only_slows(server: Running, shop: Address, network: Chaos) -> None:
    wait_until_taken(server, shop)

    network.set(Mode.LATENCY, 0.2)

    assert send(server, shop)[0] == 200


def test_F18_a_locked_table_is_503_and_the_next_is_taken(server: Running, shop: Address) -> None:
    with owner() as own:
        own.execute("BEGIN")
        own.execute("LOCK TABLE ingest_inbox IN ACCESS EXCLUSIVE MODE")
        status, seconds = send(server, shop)
        own.execute("ROLLBACK")

    assert (status, seconds < 4) == (503, True)
    wait_until_taken(server, shop)
    assert len(staged(shop)) == 1


def test_F14_a_read_only_database_is_503_and_taken_again_when_it_may_write(
    server: Running, shop: Address
) -> None:
    name = connection.settings_dict["NAME"]
    assert send(server, shop)[0] == 200

    with owner() as own:
        own.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        try:
            own.execute("SET transaction_read_only = off")
            with psycopg.connect(database_url(), autocommit=True) as app:
                app.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'gjango-receiver'"
                )
            assert send(server, shop)[0] == 503
        finally:
            own.execute("SET default_transaction_read_only = off")
            own.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    wait_until_taken(server, shop)


def test_F7_a_silent_redis_slows_no_answer(tmp_path: Path, shop: Address) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hole:
        url = f"redis://127.0.0.1:{hole.getsockname()[1]}/0"
        with receiver(tmp_path, REDIS_URL=url) as server:
            send(server, shop)
            answers = [send(server, shop) for _ in range(20)]

    assert {status for status, _ in answers} == {200}
    assert max(seconds for _, seconds in answers) < 1


def test_a_receiver_that_is_asked_to_end_answers_what_it_has_taken(
    tmp_path: Path, shop: Address, network: Chaos
) -> None:
    url = database_url("127.0.0.1", network.port)
    with receiver(tmp_path, DATABASE_URL=url) as server:
        wait_until_taken(server, shop)
        network.set(Mode.LATENCY, 0.3)
        with ThreadPoolExecutor(8) as pool:
            sent = [pool.submit(send, server, shop, b"%d" % n) for n in range(8)]
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            statuses = [one.result()[0] for one in sent]
        assert server.process.wait(15) == 0

    assert statuses == [200] * 8
    assert len(staged(shop)) == 9


def test_a_killed_receiver_has_lost_nothing_that_it_acknowledged(
    tmp_path: Path, shop: Address
) -> None:
    with receiver(tmp_path) as server:
        bodies = [b'{"n": %d}' % n for n in range(20)]
        taken = [body for body in bodies if send(server, shop, body)[0] == 200]
        os.killpg(server.process.pid, signal.SIGKILL)

    assert taken == bodies
    assert [bytes(one.body) for one in staged(shop)] == bodies


def test_refusals_are_rationed_per_address_and_deliveries_never(
    tmp_path: Path, shop: Address
) -> None:
    with receiver(tmp_path, GJANGO_REFUSALS_PER_MINUTE="3") as server:
        refused = [
            server.http.post(path, content=BODY) for path in (shop.path, "/hooks/x") for _ in "abc"
        ]
        other = {"x-forwarded-for": "203.0.113.9"}

        assert [one.status_code for one in refused] == [401, 401, 401, 429, 429, 429]
        assert int(refused[-1].headers["retry-after"]) >= 1
        assert refused[-1].json()["code"] == "rate_limited"
        assert server.http.post(shop.path, content=BODY, headers=other).status_code == 401
        assert {send(server, shop)[0] for _ in range(10)} == {200}


def test_F30_memory_that_is_used_up_is_503_and_small_deliveries_pass(
    tmp_path: Path, shop: Address
) -> None:
    with receiver(tmp_path, GJANGO_READING_BYTES="100000") as server:
        assert send(server, shop, b"x" * 400_000)[0] == 503
        assert send(server, shop, b"x" * 60_000)[0] == 200
        assert send(server, shop, b"x" * 150_000)[0] == 200
