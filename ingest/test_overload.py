"""More than can be taken: the excess is refused at once, and whoever repeats gets through."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.chaos import Chaos, Mode, chaos
from tests.hearing import Address, Running, database_url, make_source, postgres, receiver, staged

pytestmark = pytest.mark.django_db(transaction=True)

SENDERS = 60
#: Half of the excess is refused within this (seconds), however slow the machine that tests it.
AT_ONCE = 1.5


@pytest.fixture
def network() -> Iterator[Chaos]:
    with chaos(postgres()) as proxy:
        yield proxy


@pytest.fixture
def server(tmp_path: Path, network: Chaos) -> Iterator[Running]:
    with receiver(
        tmp_path,
        DATABASE_URL=database_url("127.0.0.1", network.port),
        GJANGO_SOURCE_CACHE_SECONDS="60",
        # With 0.1 s each way, at the most 8 deliveries in 0.2 s.
        GJANGO_BATCH_ROWS="8",
        GJANGO_WAIT_SECONDS="0.3",
    ) as running:
        yield running


class Sender:
    """Repeats its delivery until it is taken, as providers do, but without their pauses."""

    def __init__(self, server: Running, shop: Address, body: bytes) -> None:
        self._server = server
        self._shop = shop
        self.body = body
        self.refused: list[float] = []
        self.strange: list[int] = []
        self.taken: str | None = None

    def run(self) -> None:
        deadline = time.monotonic() + 90
        with httpx.Client(base_url=self._server.url, timeout=15) as http:
            while self.taken is None and time.monotonic() < deadline:
                begun = time.monotonic()
                headers = self._shop.signed(self.body)
                answer = http.post(self._shop.path, content=self.body, headers=headers)
                if answer.status_code == 200:
                    self.taken = answer.json()["delivery"]
                elif answer.status_code == 503 and 2 <= int(answer.headers["retry-after"]) <= 10:
                    self.refused.append(time.monotonic() - begun)
                    time.sleep(0.3)
                else:
                    self.strange.append(answer.status_code)


def all_at_once(senders: list[Sender]) -> None:
    threads = [threading.Thread(target=one.run) for one in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def resident(server: Running) -> int:
    """Return the bytes that the receiver's processes hold."""
    main = psutil.Process(server.process.pid)
    return sum(one.memory_info().rss for one in (main, *main.children(recursive=True)))


def test_F30_a_herd_is_refused_at_once_and_all_of_it_gets_through_in_the_end(
    server: Running, network: Chaos
) -> None:
    shop = make_source()
    Sender(server, shop, b"first").run()
    senders = [Sender(server, shop, b"%d" % number) for number in range(SENDERS)]

    network.set(Mode.LATENCY, 0.2)
    all_at_once(senders)
    network.set(Mode.PASS)

    refused = sorted(seconds for one in senders for seconds in one.refused)
    assert len(refused) > SENDERS / 12
    assert refused[len(refused) // 2] < AT_ONCE
    assert [one.strange for one in senders if one.strange] == []
    kept = {str(one.id): bytes(one.body) for one in staged(shop)}
    assert {one.taken: one.body for one in senders}.items() <= kept.items()
    assert "unlogged" in server.log.read_text()
    assert server.log.read_text().count("delivery_rejected") < len(refused)


def test_behind_a_database_that_hangs_one_waits_and_the_others_are_refused_at_once(
    server: Running, network: Chaos
) -> None:
    shop = make_source()
    Sender(server, shop, b"first").run()
    network.set(Mode.BLACKHOLE)
    took: list[tuple[int, float]] = []

    def send(number: int) -> None:
        begun = time.monotonic()
        body = b"%d" % number
        answer = httpx.post(
            server.url + shop.path, content=body, headers=shop.signed(body), timeout=15
        )
        took.append((answer.status_code, time.monotonic() - begun))

    probe = threading.Thread(target=send, args=(0,))
    probe.start()
    time.sleep(2.0)
    for number in range(1, 5):
        send(number)
    quick = list(took)
    probe.join()
    network.set(Mode.PASS)

    assert [status for status, _ in quick] == [503] * 4
    assert min(seconds for _, seconds in quick) < 0.5
    assert took[-1][0] == 503
    late = Sender(server, shop, b"late")
    late.run()
    assert late.taken


def test_I14_large_bodies_at_once_stay_within_time_and_memory(tmp_path: Path) -> None:
    shop = make_source()
    body = b"[" + b"1," * (2_600_000 - 8) + b"1]"
    with receiver(tmp_path) as server:
        Sender(server, shop, b"first").run()
        before, spent = resident(server), cpu(server)
        one = Sender(server, shop, body)
        one.run()
        one_more, one_spent = resident(server) - before, cpu(server) - spent

        senders = [Sender(server, shop, body + b" " * number) for number in range(1, 17)]
        begun = time.monotonic()
        all_at_once(senders)
        seconds = time.monotonic() - begun
        all_more = resident(server) - before

    assert one.taken
    assert one_more < 50 * 2**20
    assert one_spent < 0.5
    assert all(one.taken for one in senders)
    assert seconds < 60
    assert all_more < 400 * 2**20
    assert Counter(len(one.body) for one in staged(shop)) >= Counter(
        len(one.body) for one in senders
    )


def cpu(server: Running) -> float:
    """Return the seconds of processor time that the receiver's processes took."""
    main = psutil.Process(server.process.pid)
    return sum(sum(one.cpu_times()[:2]) for one in (main, *main.children(recursive=True)))
