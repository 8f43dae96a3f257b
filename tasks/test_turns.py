"""Accounts in turns: a backlog of one holds nobody up, woken or not, with poison in it or without.

The backlogs are staged by SQL and mostly not settled: how many batches pass is what is counted.
"""

import re
import subprocess
import sys
from collections import Counter
from itertools import islice
from uuid import UUID

import pytest
from django.db import connection

from accounts.models import Source
from accounts.rls import scoped
from tasks import deadletters, draining, inbox, pipeline, turns
from tasks.broker import ending
from tasks.draining import drain
from tasks.replays import enlist
from tasks.sweep import Sweeper
from tests.hearing import owner
from tests.settling import (
    TOYS,
    child_environment,
    inbox_rows,
    make_due,
    make_source,
    outcomes_of,
    put,
    sale_event,
)

pytestmark = pytest.mark.django_db(transaction=True)

BACKLOG = 6000


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLE_BATCH", "40")


def pile_up(source: Source, count: int = BACKLOG) -> list[UUID]:
    """Stage a backlog of events that are nothing but ignored."""
    ids: list[UUID] = []
    for start in range(0, count, 2000):
        size = min(2000, count - start)
        ids += put(source, *({"id": f"a{start + n}", "type": "shift"} for n in range(size)))
    return ids


def left(source: Source) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ingest_inbox WHERE source_id = %s", [source.id])
        return int(cursor.fetchone()[0])


def test_what_arrives_behind_a_backlog_of_another_is_in_the_next_batch() -> None:
    big, small = make_source("big"), make_source("small")
    backlog = pile_up(big)
    (newest,) = put(small, sale_event("e1"))

    # The bell of the oldest, as it comes out of Redis first.
    first = next(turns.batches(backlog[:10]))

    assert newest in {one.delivery_id for one in first}
    assert len(first) == 40
    assert {one.attempt for one in first} == {1}


def test_an_accounts_own_newest_takes_a_quarter_of_each_batch_and_its_oldest_the_rest() -> None:
    ids = pile_up(make_source(), 400)

    first, second = islice(turns.batches(), 2)

    assert [one.delivery_id for one in first] == ids[:30] + ids[-10:]
    assert [one.delivery_id for one in second] == ids[30:60] + ids[-20:-10]


def test_batches_are_full_however_the_backlog_is_spread_and_end_with_it() -> None:
    big, *others = (make_source(f"account-{number}") for number in range(6))
    pile_up(big, 200)
    for source in others:
        pile_up(source, 3)

    sizes = [len(claims) for claims in turns.batches()]

    assert sum(sizes) == 215
    assert min(sizes[:-1]) >= 40
    assert max(sizes) < 80


def test_none_of_fifty_accounts_starves_though_a_batch_has_room_for_forty() -> None:
    sources = [make_source(f"account-{number}") for number in range(50)]
    for source in sources:
        pile_up(source, 5)

    batches = list(islice(turns.batches(), 3))

    served = Counter(one.account_id for claims in batches for one in claims)
    assert set(served) == {source.account_id for source in sources}
    assert max(served.values()) <= 3


def test_leftovers_of_a_burst_are_settled_without_another_bell() -> None:
    big, small = make_source("big"), make_source("small")
    backlog = pile_up(big, 300)
    put(small, sale_event("e1"))

    more = drain(backlog[:3], providers=TOYS)

    assert more is False
    assert inbox_rows() == []
    assert outcomes_of(small) == ["recorded"]


def test_a_drain_gives_way_to_other_messages_and_ends_when_the_worker_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = make_source()
    pile_up(source, 200)
    monkeypatch.setattr(draining, "LONGEST", 0.0)

    late = drain([], providers=TOYS)
    rest = left(source)
    monkeypatch.setattr(draining, "LONGEST", 60.0)
    ending.set()
    ended = drain([], providers=TOYS)
    ending.clear()

    assert (late, ended) == (True, True)
    assert (rest, left(source)) == (160, 120)


def test_I9_poison_of_one_account_holds_no_healthy_event_of_another() -> None:
    bad, good = make_source("bad"), make_source("good")
    poison = put(bad, *({"id": f"x{n}", "type": "bug"} for n in range(60)))
    healthy = put(good, *(sale_event(f"e{n}", sale=f"s{n}") for n in range(3)))

    drain(poison[:5], providers=TOYS)
    again = put(good, sale_event("late", sale="late"))
    drain([], providers=TOYS)

    assert outcomes_of(good, *healthy, *again) == ["recorded"] * 4
    assert {attempts for _, attempts, _ in inbox_rows()} == {1}
    assert left(bad) == 60


def test_without_a_bell_the_sweep_takes_the_accounts_in_turns_as_well() -> None:
    big, small = make_source("big"), make_source("small")
    pile_up(big)
    newest = put(small, *(sale_event(f"e{n}", sale=f"s{n}") for n in range(3)))
    make_due()

    picked = Sweeper().pick(200)

    assert len(picked) == 200
    assert set(newest) <= set(picked[:6])


def test_in_a_sweep_too_an_accounts_newest_takes_a_quarter_of_each_batch() -> None:
    ids = pile_up(make_source(), 400)
    make_due()

    picked = Sweeper().pick(80)

    assert sorted(picked[:40]) == ids[:30] + ids[-10:]
    assert sorted(picked[40:]) == ids[30:60] + ids[-20:-10]


def test_a_new_sale_is_in_the_sweeps_first_batch_though_older_letters_were_requeued() -> None:
    source = make_source()
    letters = put(source, *({"id": f"x{n}", "type": "unrecognised"} for n in range(300)))
    pipeline.settle(letters, providers=TOYS)
    with scoped([source.account_id]):
        deadletters.requeue(deadletters.Filter(), limit=300)
    (sale,) = put(source, sale_event("e1"))
    make_due()

    picked = Sweeper().pick(2000)

    assert len(picked) == 301
    assert sale in picked[:4]


def test_settlers_at_the_same_time_claim_nothing_twice() -> None:
    source = make_source()
    ids = pile_up(source, 1200)
    command = [sys.executable, "-m", "tests.settler", "--drain"]
    environment = child_environment(SETTLE_BATCH="40")

    settlers = [subprocess.Popen(command, env=environment) for _ in range(4)]
    codes = [settler.wait(120) for settler in settlers]

    assert codes == [0] * 4
    assert len(outcomes_of(source)) == len(ids)
    assert inbox_rows() == []


def test_what_a_replay_enlists_is_left_to_it() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    pipeline.settle(ids, providers=TOYS)

    enlist(ids)
    taken = list(turns.batches())
    replayed = pipeline.settle(ids, replay=True, providers=TOYS)

    assert taken == []
    assert sum(replayed.values()) == 1
    assert inbox_rows() == []


@pytest.mark.parametrize("analysed", [False, True])
def test_finding_the_next_batch_reads_what_it_takes_and_not_the_backlog(analysed: bool) -> None:
    big, small = make_source("big"), make_source("small")
    pile_up(big)
    put(small, sale_event("e1"))
    accounts = turns.circle(0, 40)

    if analysed:
        with owner() as own:
            own.execute("ANALYZE ingest_inbox")
    with inbox.by_index(), connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT TEXT) " + inbox._CLAIM_IN_TURNS.replace("%b", "%s"),
            [accounts, 15, accounts, 5, 30.0],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())

    read = [int(float(rows)) for rows in re.findall(r"actual .*?rows=([0-9.]+)", plan)]
    passed = [int(rows) for rows in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
    assert "ingest_inbox_turns" in plan, plan
    assert max([*read, *passed]) < 200, plan
