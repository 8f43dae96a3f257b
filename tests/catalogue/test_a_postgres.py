"""PostgreSQL stops, crashes, refuses and fills up: nothing acknowledged is lost, nothing restarted.

One receiver lives through all of it, in front of a server of the tests' own.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from backend_gjango import env, gauges
from backend_gjango.roles import as_owner
from tasks.clock import Clock
from tests.hearing import Running, receiver

from .api import api_server, status
from .conftest import APPLICATION
from .own import Own, on, own_postgres, unused_slug
from .till import Till, sale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def own(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Own]:
    with django_db_blocker.unblock(), own_postgres() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def survivor(own: Own, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("survivor")
    with ExitStack() as stack:
        with on(own):
            server = stack.enter_context(receiver(folder, application=APPLICATION))
        yield server


@pytest.fixture
def shop(own: Own, transactional_db: None, survivor: Running) -> Iterator[Till]:
    """A till in front of the own cluster, which Django uses as well meanwhile."""
    pid = survivor.process.pid
    with on(own):
        yield Till(survivor, slug=unused_slug())
    assert survivor.process.poll() is None
    assert survivor.process.pid == pid


def send(shop: Till, body: bytes) -> tuple[int, float]:
    """Send once; return the status and the seconds it took. A 503 says when to come again."""
    begun = time.monotonic()
    answer = shop.post(body)
    if answer.status_code == 503:
        assert 2 <= int(answer.headers["retry-after"]) <= 10
    return answer.status_code, time.monotonic() - begun


def recovers(shop: Till, body: bytes, seconds: float = 20) -> bool:
    """Say whether a body is acknowledged in time."""
    deadline = time.monotonic() + seconds
    while send(shop, body)[0] != 200:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@dataclass(slots=True)
class Sender:
    """Sends body after body as a provider does, and remembers what was acknowledged."""

    shop: Till
    acknowledged: list[bytes] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            body = sale(f"{threading.get_ident()}-{number}")
            try:
                answered = self.shop.post(body).status_code
            except httpx.TransportError:
                answered = 0
            self.statuses.add(answered)
            if answered == 200:
                self.acknowledged.append(body)
            else:
                time.sleep(0.05)


@contextmanager
def sending(shop: Till, senders: int = 3) -> Iterator[list[Sender]]:
    """Let senders send for as long as the block lasts."""
    all_of_them = [Sender(shop) for _ in range(senders)]
    threads = [threading.Thread(target=one.run) for one in all_of_them]
    for thread in threads:
        thread.start()
    try:
        yield all_of_them
    finally:
        for one in all_of_them:
            one.ended.set()
        for thread in threads:
            thread.join(30)


def test_F11_a_stopped_postgresql_is_503_at_once_and_needs_no_restart_of_ours(
    own: Own, shop: Till
) -> None:
    assert send(shop, sale())[0] == 200

    with api_server() as api:
        own.stop()
        answers = [send(shop, sale("s2")) for _ in range(3)]
        probes = {path: status(api.get(path)) for path in ("/live", "/ready")}
        own.start()
        back = recovers(shop, sale("s2"))
        ready = status(api.get("/ready"))

    assert {answered for answered, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < 2
    assert probes == {"/live": 200, "/ready": 503}
    assert (back, ready) == (True, 200)


def test_F12_a_crash_of_all_of_postgresql_loses_nothing_acknowledged(own: Own, shop: Till) -> None:
    assert send(shop, sale("first"))[0] == 200

    with sending(shop) as senders:
        for _ in range(3):
            time.sleep(0.7)
            own.crash()
            # The socket, its lock and the pid file are still there.
            own.start()
        assert recovers(shop, sale("last"))

    connection.close()
    kept = set(shop.staged())
    for one in senders:
        assert one.acknowledged
        assert set(one.acknowledged) <= kept
        assert one.statuses <= {200, 503}


def test_F14_a_server_that_became_read_only_is_503_until_it_may_write(own: Own, shop: Till) -> None:
    assert send(shop, sale())[0] == 200

    with own.superuser() as admin:
        admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        admin.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)
        refused = send(shop, sale("s2"))[0]
        admin.execute("SET transaction_read_only = off")
        admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
        admin.execute("SELECT pg_reload_conf()")

    assert refused == 503
    assert recovers(shop, sale("s2"))


def test_F15_a_connection_limit_is_503_fast_and_the_receiver_takes_two_at_most(
    own: Own, shop: Till
) -> None:
    """Two a process (look-ups, writer) however many senders: the rest stays for the workers."""
    busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gjango-receiver'"
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gjango_app'"
    with own.superuser() as admin:
        with sending(shop, 12):
            time.sleep(1)
            row = admin.execute(busy).fetchone()
        admin.execute("ALTER ROLE gjango_app CONNECTION LIMIT 0")
        admin.execute(cut)
        answers = [send(shop, sale("s2")) for _ in range(3)]
        admin.execute("ALTER ROLE gjango_app CONNECTION LIMIT -1")

    connection.close()
    assert row == (2,)
    assert {answered for answered, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < 2
    assert recovers(shop, sale("s2"))


def _needs_disks(own: Own) -> None:
    if not own.disks:
        pytest.skip("no small disk can be mounted here: run as root with CAP_SYS_ADMIN")


def large(name: str) -> bytes:
    """Return a sale of 400 kB that does not compress."""
    import secrets

    return sale(name, note=secrets.token_hex(200_000))


def test_F16_a_full_disk_is_503_while_reads_go_on_and_space_is_all_it_needs(
    own: Own, shop: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    _needs_disks(own)
    bodies = [large(f"s{number}") for number in range(40)]
    assert send(shop, bodies[0])[0] == 200
    ballast = own.fill(0, left=4_000_000)

    statuses = [send(shop, body)[0] for body in bodies[1:]]
    readable = len(shop.staged())
    monkeypatch.setattr(env, "STATE", own.state)
    monkeypatch.setattr(env, "EMBEDDED_DATABASE", True)
    told = {one.name: one.samples for one in gauges.Now().collect()}
    ballast.unlink()

    assert set(statuses) == {200, 503}
    assert readable == 1 + statuses.count(200)
    assert told["gjango_disk_used_ratio"][0].value > 0.9
    assert own.process is not None
    assert own.process.poll() is None
    assert recovers(shop, bodies[-1])
    taken = {bodies[0], *(b for b, s in zip(bodies[1:], statuses, strict=True) if s == 200)}
    assert taken <= set(shop.staged())


def test_F17_a_full_log_disk_stops_postgresql_and_nothing_acknowledged_is_lost(
    own: Own, shop: Till
) -> None:
    """A slot that nobody reads keeps all of the log; PostgreSQL ends itself with a PANIC.

    The supervisor starts it again and again, in vain until there is space. On a disk that is larger
    than ``max_slot_wal_keep_size`` no slot can bring this about.
    """
    _needs_disks(own)
    with own.superuser() as admin:
        bound = admin.execute("SHOW max_slot_wal_keep_size").fetchone()
        admin.execute("SELECT pg_create_physical_replication_slot('stuck', true)")
    bodies = [large(f"s{number}") for number in range(120)]
    ballast = own.fill(1, left=0)

    taken = []
    for body in bodies:
        if send(shop, body)[0] != 200:
            break
        taken.append(body)
    down = send(shop, bodies[-1])[0]
    ended = own.died(30)
    ballast.unlink()
    own.stop()
    own.start()
    with own.superuser() as admin:
        admin.execute("SELECT pg_drop_replication_slot('stuck')")

    connection.close()
    assert bound != ("-1",)
    assert 0 < len(taken) < len(bodies)
    assert (down, ended) == (503, True)
    assert recovers(shop, bodies[-1])
    assert set(taken) <= set(shop.staged())


def test_F23_without_a_partition_for_now_a_delivery_is_taken_and_told_of(
    own: Own, shop: Till
) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT 'ingest_delivery_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')")
        part = cursor.fetchone()[0]
        cursor.execute(f"ALTER TABLE ingest_delivery DETACH PARTITION {part}")
        cursor.execute(f"ALTER TABLE {part} RENAME TO of_another_name")

    shop.take(sale())

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('ingest_delivery_default'::regclass)")
        assert cursor.fetchone()[0] > 0
    told = {one.name: one.samples for one in gauges.Now().collect()}
    assert told["gjango_default_partition_bytes"][0].value > 0
    assert (shop.outcomes(), shop.sold().total) == (["recorded"], 10)


def test_F23_a_partition_that_cannot_be_made_any_more_does_not_stop_the_sweep(
    own: Own, shop: Till, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of this month lie in DEFAULT by now, so PostgreSQL refuses the partition."""
    monkeypatch.setenv("SWEEP_GRACE", "0")
    assert send(shop, sale())[0] == 200
    clock = Clock()

    clock._tick()
    clock._leadership.step_down()

    said = "".join(capsys.readouterr())
    assert shop.outcomes() == ["recorded"]
    assert "default_partition_not_empty" in said
    assert "chore_failed" in said


def test_F31_this_code_works_on_the_schema_of_its_successor(own: Own, shop: Till) -> None:
    """What a migration may add first (columns, an index) disturbs nothing that runs now.

    There is no released predecessor yet whose tests could be run on this schema.
    """
    tables = (
        "accounts_source ingest_delivery ingest_inbox tasks_event tasks_attempt sales_sale"
        " sales_saleline sales_payment sales_refund"
    ).split()
    with as_owner(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN of_the_future text DEFAULT 'x'")
        cursor.execute("CREATE INDEX of_the_future ON sales_sale (account_id, of_the_future)")

    try:
        shop.take(sale())
        shop.take(sale(at=2, total="12.00"))
    finally:
        with as_owner(), connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DROP COLUMN of_the_future")

    assert shop.outcomes() == ["recorded", "recorded"]
    assert shop.sold().total == 12
