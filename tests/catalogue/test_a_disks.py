"""The disks of PostgreSQL fill up: 503 until there is space, and nothing acknowledged is lost."""

import secrets

import pytest
from django.db import connection

from backend_gjango import env, gauges

from .own import Own
from .senders import recovers, send
from .till import Till, sale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


def _needs_disks(own: Own) -> None:
    if not own.disks:
        pytest.skip("no small disk can be mounted here: run as root with CAP_SYS_ADMIN")


def large(name: str) -> bytes:
    """Return a sale of 400 kB that does not compress."""
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
