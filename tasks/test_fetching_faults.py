"""Asking under fire: the process that asks is killed, and the database goes away meanwhile."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from tasks.fetching.fetcher import Fetcher
from tasks.leadership import direct_parameters
from tasks.pipeline import settle
from tests.played import Request, Said, playing, working
from tests.settling import child_environment, eventually, put, sales
from tests.thin import HOST, THINS, Crm, answers_of, make_thin, reads, settle_answers, told

pytestmark = pytest.mark.django_db(transaction=True)

DEALS = {"7": {"id": "7", "total": "10.00", "updated": 1}}
#: Seconds that a read is its taker's.
LEASE = 2.0


@contextmanager
def clock(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a clock that asks there, in a process of its own; it is killed at the end."""
    from django.conf import settings

    environment = child_environment(
        REDIS_URL="redis://127.0.0.1:1/0",
        SWEEP_INTERVAL="0.2",
        FETCH_LEASE=str(LEASE),
        GJANGO_KEYS=",".join(settings.GJANGO_KEYS),
    )
    process = subprocess.Popen([sys.executable, "-m", "tests.asker", url], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_clock_killed_in_the_middle_of_a_read_loses_and_doubles_nothing() -> None:
    source = make_thin()
    settle(put(source, told("e1", 7)), providers=THINS)
    crm, release = Crm(DEALS), threading.Event()

    def slow_at_first(request: Request) -> Said:
        if len(played.requests) == 1:
            release.wait(60)
        return crm(request)

    with playing(slow_at_first) as played:
        with clock(played.url) as first:
            assert eventually(lambda: bool(played.requests), 60)
            first.kill()
            first.wait()
        (held,) = reads(source)
        staged = answers_of(source)
        release.set()
        with clock(played.url):
            assert eventually(lambda: bool(answers_of(source)), 60)

    assert (held.token is not None, staged) == (True, [])
    asked = [one.at for one in played.requests]
    assert len(asked) == 2
    assert asked[1] - asked[0] > LEASE - 0.5  # not before the lease of the dead was over
    assert (len(answers_of(source)), reads(source)) == (1, [])
    settle_answers(source, THINS)
    assert [(one["external_id"], str(one["total"])) for one in sales(source)] == [("7", "10.0000")]


#: Our session has committed since then, and says nothing: it waits for an answer.
_RESTS = """
SELECT FROM pg_stat_activity
WHERE pid = %s AND state = 'idle' AND query = 'COMMIT' AND query_start > %s
"""


def test_an_answer_is_kept_through_an_outage_of_the_database_and_asked_for_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = make_thin()
    settle(put(source, told("e1", 7)), providers=THINS)
    crm, ready = Crm(DEALS), threading.Event()

    def while_the_database_goes_away(request: Request) -> Said:
        ready.wait(60)
        with psycopg.connect(**direct_parameters(), autocommit=True) as other:
            assert eventually(lambda: bool(other.execute(_RESTS, since).rowcount))
            other.execute("SELECT pg_terminate_backend(%s, 5000)", since[:1])
        return crm(request)

    fetcher = Fetcher()
    with (
        playing(while_the_database_goes_away) as played,
        working(THINS, played.client(HOST)) as work,
    ):
        assert work.turn() == 1  # taken and asked
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), clock_timestamp()")
            since = cursor.fetchone()
        ready.set()
        capsys.readouterr()
        fetcher._turn(work)
        between = (work.running, answers_of(source), len(reads(source)))
        said = "".join(capsys.readouterr())
        fetcher._turn(work)
        after = work.running

    assert (between, said.count("fetch_interrupted")) == ((1, [], 1), 1)
    assert after == 0
    assert len(played.requests) == 1
    assert (len(answers_of(source)), reads(source)) == (1, [])
    settle_answers(source, THINS)
    assert [str(one["total"]) for one in sales(source)] == ["10.0000"]
