"""PostgreSQL stops, crashes, refuses: nothing acknowledged is lost, nothing of ours is restarted.

One receiver lives through all of it, in front of a server of the tests' own.
"""

import time

import pytest
from django.db import connection

from .api import api_server, status
from .own import Own
from .senders import recovers, send, sending
from .till import Till, sale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


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
