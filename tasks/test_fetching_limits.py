"""Asking within bounds: budgets, pauses, failures, and what a person has to set first."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from accounts.models import Source, SourceState
from accounts.rls import scoped
from ingest import endpoints
from integrations.asking import Budget
from tasks import metrics
from tasks.fetching import rows, state
from tasks.fetching.gate import Gate
from tasks.fetching.work import backoff
from tasks.models import Fetch
from tasks.pipeline import settle
from tests.hearing import owner
from tests.played import Played, Said, ask_all, playing, turn_until, working
from tests.settling import put
from tests.thin import (
    API,
    HOST,
    THIN,
    THINS,
    Crm,
    answers_of,
    make_thin,
    reads,
    the_read,
    told,
    with_api,
)

pytestmark = pytest.mark.django_db(transaction=True)


def hear(source: Source, count: int) -> None:
    settle(put(source, *(told(f"e{n}", n) for n in range(count))), providers=THINS)


def many(count: int) -> Crm:
    return Crm({str(n): {"id": str(n), "total": "1.00", "updated": n} for n in range(count)})


def most_within(played: Played, seconds: float) -> int:
    times = sorted(one.at for one in played.requests)
    return max(sum(1 for one in times if begin <= one < begin + seconds) for begin in times)


def test_a_provider_never_sees_more_than_its_budget() -> None:
    source = make_thin()
    hear(source, 12)
    crm = many(12)
    providers = with_api(budget=Budget(units=4, seconds=0.5, at_once=2))

    def slow(request: Any) -> Said:
        time.sleep(0.05)
        return crm(request)

    with playing(slow) as played:
        ask_all(providers, played.client(HOST))

    assert len(answers_of(source)) == 12
    assert played.most <= 2
    assert most_within(played, 0.5) <= 4


def test_units_count_until_a_window_after_the_answer() -> None:
    gate = Gate(Budget(units=3, seconds=0.3, at_once=5))

    with gate.entered(2, until=time.monotonic() + 5):
        time.sleep(0.4)
        during = gate.remaining()
    after = gate.remaining()
    with gate.entered(3, until=time.monotonic() + 5):
        pass

    assert (during, after) == (1, 1)


def test_two_sources_with_one_secret_share_a_budget_and_two_with_two_do_not() -> None:
    one, twin, other = make_thin("a"), make_thin("b"), make_thin("c", secret="another-key")
    for source in (one, twin, other):
        hear(source, 6)
    asked: dict[str, int] = {}

    def counting(request: Any) -> Said:
        key = request.headers["authorization"]
        asked[key] = asked.get(key, 0) + 1
        return Said(200, {"id": "1", "total": "1.00"})

    providers = with_api(budget=Budget(units=4, seconds=60, at_once=4))
    with playing(counting) as played, working(providers, played.client(HOST)) as work:
        turn_until(work, lambda: sum(asked.values()) == 8 and not work.running)
        for _ in range(3):
            work.turn(rest=0.02)

    assert sorted(asked.values()) == [4, 4]


def test_a_provider_that_asks_to_wait_is_left_alone_and_the_others_are_not() -> None:
    busy, free = make_thin("a"), make_thin("b", secret="another-key")
    hear(busy, 5)
    hear(free, 5)

    def answer(request: Any) -> Said:
        if "another-key" in request.headers["authorization"]:
            return Said(200, {"id": "1", "total": "1.00"})
        return Said(429, {}, {"Retry-After": "1800"})

    providers = with_api(budget=Budget(units=100, seconds=1, at_once=1))
    with playing(answer) as played, working(providers, played.client(HOST)) as work:
        assert turn_until(work, lambda: len(answers_of(free)) == 5)
        for _ in range(3):
            work.turn(rest=0.02)

    refused = [one for one in played.requests if "another-key" not in one.headers["authorization"]]
    assert len(refused) == 1
    assert len(reads(busy)) == 5
    assert [(row.attempts, row.last_error) for row in reads(busy) if row.last_error] == [
        (0, "429: просят подождать / asked to wait")
    ]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_of_the_provider_is_tried_again_ever_later_and_never_given_up(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ATTEMPTS", "3")
    source = make_thin()
    hear(source, 1)

    for _ in range(3):
        with playing(lambda _: Said(status, {})) as played:
            ask_all(THINS, played.client(HOST))
        with the_read(source) as row:
            row.due_at = row.requested_at
    (row,) = reads(source)
    (failing,) = metrics.reads()
    with playing(many(1)) as played:
        ask_all(THINS, played.client(HOST))

    assert (row.attempts, row.last_error) == (3, f"ответ / answer {status}")
    assert (failing.provider, failing.pending, failing.failing) == ("thin", 1, 1)
    assert len(answers_of(source)) == 1
    assert reads(source) == []
    assert metrics.reads() == []


def test_pauses_grow_to_about_an_hour_and_differ() -> None:
    pauses = [backoff(attempt) for attempt in range(1, 12)]

    assert 3.7 <= pauses[0] <= 6.3
    assert 40 * 60 <= pauses[-1] <= 76 * 60
    assert len({backoff(1) for _ in range(5)}) > 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_secret_says_what_to_give(status: int) -> None:
    source = make_thin()
    hear(source, 1)

    with playing(lambda _: Said(status, {})) as played:
        ask_all(THINS, played.client(HOST))

    (row,) = reads(source)
    assert row.attempts == 1
    assert f"manage.py source secret {source.pk} --kind api" in (row.last_error or "")


def test_without_a_secret_reads_wait_and_say_which_and_its_coming_lets_them_go() -> None:
    source = make_thin(secret=None)
    hear(source, 2)

    with playing(many(2)) as played:
        ask_all(THINS, played.client(HOST))
        waiting = reads(source)
        with scoped([source.account_id]):
            endpoints.give_api_secret(source, "the-key-of-the-api")
            rows.due_now(source.pk)
        ask_all(THINS, played.client(HOST))

    assert all(f"source secret {source.pk} --kind api" in str(row.last_error) for row in waiting)
    assert len(waiting) == 2
    assert len(answers_of(source)) == 2


def test_without_a_setting_reads_wait_and_say_which() -> None:
    source = make_thin()
    hear(source, 1)
    providers = with_api(
        requires={"domain": "адрес портала / the portal's address"},
        host=lambda settings: settings["domain"],
    )

    with playing(many(1)) as played:
        ask_all(providers, played.client(HOST))
        (row,) = reads(source)

    assert played.requests == []
    assert f"manage.py source set {source.pk} --setting domain=" in str(row.last_error)


@pytest.mark.parametrize("state", [SourceState.PAUSED, SourceState.DISABLED])
def test_a_source_that_does_not_work_is_not_asked(state: SourceState) -> None:
    source = make_thin()
    hear(source, 1)
    with scoped([source.account_id]):
        Source.objects.filter(pk=source.pk).update(state=state)

    with playing(many(1)) as played, working(THINS, played.client(HOST)) as work:
        work.turn(rest=0.02)

    assert played.requests == []
    assert len(reads(source)) == 1


def test_a_source_with_a_long_queue_does_not_keep_another_waiting() -> None:
    busy, other = make_thin("a"), make_thin("b", secret="another-key")
    hear(busy, 40)
    hear(other, 1)
    release = threading.Event()

    def answer(request: Any) -> Said:
        if "another-key" not in request.headers["authorization"]:
            release.wait(20)
        return Said(200, {"id": "1", "total": "1.00"})

    with playing(answer) as played, working(THINS, played.client(HOST), threads=8) as work:
        assert turn_until(work, lambda: len(answers_of(other)) == 1)
        assert played.most <= API.budget.at_once + 1
        release.set()
        assert turn_until(work, lambda: len(answers_of(busy)) == 40)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "no JSON"),
        (b'{"id": 1, "id": 2}', "no JSON"),
        (b"\xff", "no JSON"),
    ],
)
def test_what_is_no_strict_json_is_asked_for_again(body: bytes, said: str) -> None:
    source = make_thin()
    hear(source, 1)

    with playing(lambda _: Said(200, body)) as played:
        ask_all(THINS, played.client(HOST))

    (row,) = reads(source)
    assert said in str(row.last_error)
    assert row.attempts == 1


def test_a_bug_of_a_provider_puts_its_read_off_without_a_word_of_the_data() -> None:
    source = make_thin()
    hear(source, 1)

    def buggy(asked: Any, replies: Sequence[Any]) -> None:
        raise ValueError(asked.secret)

    providers = {"thin": replace(THIN, api=replace(API, reads={"deal": buggy}))}
    with playing(many(1)) as played:
        ask_all(providers, played.client(HOST))

    (row,) = reads(source)
    assert str(row.last_error).startswith("ValueError at test_fetching_limits.py:")
    assert row.attempts == 1


def test_one_account_sees_nothing_of_anothers_reads() -> None:
    mine, yours = make_thin("a"), make_thin("b")
    hear(mine, 1)
    hear(yours, 2)

    with scoped([mine.account_id]):
        assert Fetch.objects.count() == 1


def test_source_list_tells_what_waits_and_why() -> None:
    source = make_thin()
    hear(source, 2)
    with playing(lambda _: Said(500, {})) as played:
        ask_all(THINS, played.client(HOST))

    with scoped([source.account_id]):
        said = state.describe(source)

    assert said == {"pending": 2, "failing": 0, "last_error": "ответ / answer 500"}


def test_no_more_of_an_account_is_taken_than_may_be_asked_at_once() -> None:
    source = make_thin()
    hear(source, 20)
    release = threading.Event()

    def answer(request: Any) -> Said:
        release.wait(20)
        return Said(200, {"id": "1", "total": "1.00"})

    with playing(answer) as played, working(THINS, played.client(HOST), threads=8) as work:
        for _ in range(5):
            work.turn(rest=0.02)
        taken = work.running
        release.set()

    assert taken == API.budget.at_once


def test_no_more_is_taken_when_the_planner_takes_the_table_for_empty() -> None:
    # It goes over the rows then, and what takes a few of them is run for each of them.
    before, source = make_thin("a"), make_thin("b")
    hear(before, 20)
    with scoped([before.account_id]):
        Fetch.objects.filter(source=before).delete()
    with owner() as own:
        own.execute("ANALYZE tasks_fetch")
    hear(source, 20)

    with scoped([source.account_id]):
        taken = rows.take({source.pk: 3}, lease=60)

    assert len(taken) == 3
