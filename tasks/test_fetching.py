"""Thin webhooks: an event that names an object becomes a question, and its answer a sale."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.commandline import every_account
from accounts.models import Source
from accounts.rls import scoped
from tasks import replays
from tasks.models import Fetch
from tasks.pipeline import settle
from tests.played import Said, ask_all, playing, turn_until, working
from tests.settling import TOY, outcomes_of, put, put_apart, sale_event, sales
from tests.thin import (
    API,
    HOST,
    THIN,
    THINS,
    Crm,
    answers_of,
    at,
    envelope_of,
    make_thin,
    reads,
    settle_answers,
    the_read,
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)


def deal(total: str = "10.00", **more: Any) -> dict[str, Any]:
    return {"id": "7", "total": total, **more}


def hear(source: Source, *events: Any) -> None:
    settle(put(source, *events), providers=THINS)


def ask(crm: Crm) -> None:
    """Ask for what is due, and settle the answers."""
    with playing(crm) as played:
        ask_all(THINS, played.client(HOST))
    with every_account():
        sources = list(Source.objects.filter(provider="thin"))
    for source in sources:
        settle_answers(source, THINS)


def wait_over(source: Source) -> None:
    with scoped([source.account_id]):
        Fetch.objects.filter(source=source).update(due_at=Now())


def totals(source: Source) -> list[str]:
    return [str(sale["total"]) for sale in sales(source) if sale["visible"]]


def test_a_thin_event_becomes_a_sale_through_one_question() -> None:
    source = make_thin()
    (cause,) = put(source, told("e1", 7, at=5))
    settle([cause], providers=THINS)

    with playing(Crm({"7": deal(updated=5)})) as played:
        ask_all(THINS, played.client(HOST))
        settle_answers(source, THINS)

    (row,) = answers_of(source)
    assert played.paths == ["/deals/7"]
    assert (row.origin, row.cause, row.over) == ("fetched", cause, at(5))
    assert row.date is not None
    assert row.read_at is not None
    assert row.read_at < row.received_at
    assert outcomes_of(source) == ["fetching", "recorded"]
    assert totals(source) == ["10.0000"]
    assert reads(source) == []


def test_the_answers_stand_in_the_envelope_byte_for_byte() -> None:
    source = make_thin()
    hear(source, told("e1", 7))
    raw = b'{"id": "7",\n "total": 10.10,  "rows": true, "name": "\\u0410"}'

    ask(Crm({"7": raw}))

    (answer,) = answers_of(source)
    body = bytes(answer.body)
    assert raw in body
    assert envelope_of(answer)["answers"][1] == {"rows": [1, 2]}
    assert envelope_of(answer) | {"answers": 0} == {
        "kind": "deal", "id": "7", "outcome": "read", "answers": 0,
    }  # fmt: skip
    assert totals(source) == ["10.1000"]


def test_what_belongs_to_an_object_and_is_missing_is_a_null() -> None:
    source = make_thin()
    hear(source, told("e1", 7))
    crm = Crm({"7": deal(rows=True)})

    def answer(request: Any) -> Any:
        return Said(404, {"error": 1}) if request.path.endswith("/rows") else crm(request)

    with playing(answer) as played:
        ask_all(THINS, played.client(HOST))

    assert envelope_of(answers_of(source)[0])["answers"] == [deal(rows=True), None]


def test_many_events_of_one_object_are_one_question() -> None:
    source = make_thin()
    hear(source, *(told(f"e{n}", 7, at=n) for n in range(20)))

    with playing(Crm({"7": deal(updated=19)})) as played:
        ask_all(THINS, played.client(HOST))

    assert played.paths == ["/deals/7"]


def test_requests_merge_their_hints_whatever_settles_first() -> None:
    source = make_thin()
    first, last = put_apart(source, told("e1", 7, at=9), told("e2", 7, at=3, deleted=True))

    settle([last], providers=THINS)
    settle([first], providers=THINS)

    (row,) = reads(source)
    assert (row.over, row.deleted, row.cause) == (at(9), True, last)


def test_a_replay_asks_nothing_again() -> None:
    source = make_thin()
    ids = put(source, told("e1", 7))
    settle(ids, providers=THINS)
    ask(Crm({"7": deal()}))

    replays.replay(ids, providers=THINS)

    assert reads(source) == []


def test_an_event_that_comes_while_the_answer_is_on_its_way_is_asked_for_again() -> None:
    source = make_thin()
    hear(source, told("e1", 7))
    heard, told_again = threading.Event(), threading.Event()
    crm = Crm({"7": deal("1.00", updated=1)})

    def slow(request: Any) -> Any:
        said = crm(request)
        heard.set()
        told_again.wait(20)
        return said

    with playing(slow) as played, working(THINS, played.client(HOST)) as work:
        work.turn()
        heard.wait(20)
        hear(source, told("e2", 7, at=2))
        crm.deals["7"] = deal("2.00", updated=2)
        told_again.set()
        assert turn_until(work, lambda: len(answers_of(source)) == 2)
        settle_answers(source, THINS)

    assert totals(source) == ["2.0000"]
    assert [one.over for one in answers_of(source)] == [None, at(2)]
    assert reads(source) == []


def test_what_is_gone_after_a_delete_is_believed_at_once() -> None:
    source = make_thin()
    hear(source, told("e1", 7, at=1))
    ask(Crm({"7": deal(updated=1)}))
    hear(source, told("e2", 7, at=2, deleted=True))

    ask(Crm())

    assert envelope_of(answers_of(source)[-1])["outcome"] == "missing"
    assert totals(source) == []
    assert reads(source) == []


def test_what_is_not_found_without_a_delete_is_asked_for_thrice_again() -> None:
    source = make_thin()
    hear(source, told("e1", 7, at=1))

    waits = []
    for _ in range(3):
        ask(Crm())
        waits.append(_wait(source))
        assert answers_of(source) == []
        wait_over(source)
    ask(Crm())

    assert waits == [pytest.approx(5, abs=3), pytest.approx(60, abs=3), pytest.approx(600, abs=3)]
    assert len(answers_of(source)) == 1
    assert reads(source) == []


def _wait(source: Source) -> float:
    with scoped([source.account_id]):
        (seconds,) = Fetch.objects.filter(source=source).values_list("due_at", flat=True)
        (now,) = Source.objects.filter(pk=source.pk).annotate(now=Now()).values_list("now")
    return float((seconds - now[0]) / timedelta(seconds=1))


def test_an_answer_older_than_what_the_event_spoke_of_waits_for_a_newer_one() -> None:
    source = make_thin()
    hear(source, told("e1", 7, at=9))

    ask(Crm({"7": deal("1.00", updated=8)}))
    lagging = (answers_of(source), [row.lagged for row in reads(source)])
    wait_over(source)
    ask(Crm({"7": deal("2.00", updated=9)}))

    assert lagging == ([], [1])
    assert totals(source) == ["2.0000"]


def test_an_answer_older_than_the_recorded_one_waits_and_the_last_one_counts() -> None:
    source = make_thin()
    hear(source, told("e1", 7))
    ask(Crm({"7": deal("9.00", updated=9)}))
    hear(source, told("e2", 7))

    # The provider's clock went back: no newer answer will ever come.
    for _ in range(4):
        ask(Crm({"7": deal("4.00", updated=4)}))
        wait_over(source)

    assert totals(source) == ["4.0000"]
    assert len(answers_of(source)) == 2
    assert answers_of(source)[-1].over == at(9)


def test_an_answer_is_ordered_behind_one_that_is_not_settled_yet() -> None:
    source = make_thin()
    crm = Crm()
    hear(source, told("e1", 7, at=1, deleted=True))

    with playing(crm) as played, working(THINS, played.client(HOST)) as work:
        assert turn_until(work, lambda: len(answers_of(source)) == 1)
        gone = answers_of(source)[0]
        crm.deals["7"] = deal(updated=1)
        hear(source, told("e2", 7))
        for _ in range(4):
            assert turn_until(work, lambda: not work.running and not _due(source))
            wait_over(source)
    settle_answers(source, THINS)

    assert gone.date is not None
    assert totals(source) == ["10.0000"]


def _due(source: Source) -> bool:
    with scoped([source.account_id]):
        return Fetch.objects.filter(source=source, due_at__lte=Now()).exists()


def test_an_object_still_there_after_its_undated_delete_is_asked_for_again() -> None:
    source = make_thin()
    hear(source, told("e1", 7, deleted=True))

    ask(Crm({"7": deal()}))

    assert answers_of(source) == []
    assert [row.lagged for row in reads(source)] == [1]


def test_a_new_event_ends_the_waiting_for_a_lagging_answer() -> None:
    source = make_thin()
    hear(source, told("e1", 7, at=9))
    ask(Crm({"7": deal(updated=8)}))

    hear(source, told("e2", 7, at=10))

    assert _due(source)
    assert [row.lagged for row in reads(source)] == [0]


def test_what_has_no_clock_is_read_once_more_after_a_quiet_while() -> None:
    source = make_thin()
    hear(source, told("e1", 7, settle=30))

    ask(Crm({"7": deal("1.00")}))
    waiting = _wait(source)
    wait_over(source)
    ask(Crm({"7": deal("2.00")}))

    assert waiting == pytest.approx(30, abs=15)
    assert totals(source) == ["2.0000"]
    assert len(answers_of(source)) == 2
    assert reads(source) == []


def test_an_answer_after_its_lease_is_dropped() -> None:
    source = make_thin()
    hear(source, told("e1", 7))
    release = threading.Event()

    def slow(request: Any) -> Any:
        release.wait(20)
        return Crm({"7": deal()})(request)

    with playing(slow) as played, working(THINS, played.client(HOST)) as late:
        late.turn()
        with the_read(source) as row:
            row.token = row.cause  # somebody else has taken it over
        release.set()
        assert turn_until(late, lambda: not late.running)

    assert answers_of(source) == []
    assert len(reads(source)) == 1


def test_an_answer_that_no_normaliser_can_read_is_staged_and_shown() -> None:
    source = make_thin()
    hear(source, told("e1", 7))

    with playing(Crm({"7": {"id": "7"}})) as played:
        ask_all(THINS, played.client(HOST))

    assert len(answers_of(source)) == 1
    assert reads(source) == []


def test_a_clock_of_another_century_is_no_hint() -> None:
    source = make_thin()

    hear(source, told("e1", 7, at=5), told("e2", 7, at=4e9))

    assert [row.over for row in reads(source)] == [at(5)]


def test_two_contents_of_one_clock_are_asked_for() -> None:
    pushed = {"thin": replace(THIN, api=replace(API, ties={"sale": "deal"}), normalisers={
        **THIN.normalisers, "sale": TOY.normalisers["sale"],
    })}  # fmt: skip
    source = make_thin()

    settle(put(source, sale_event("e1", sale="7", at=9, total="1")), providers=pushed)
    settle(put(source, sale_event("e2", sale="8", at=9, total="1")), providers=pushed)
    quiet = reads(source)
    settle(put(source, sale_event("e3", sale="7", at=9, total="2")), providers=pushed)

    assert quiet == []
    assert [(row.kind, row.external_id) for row in reads(source)] == [("deal", "7")]


def test_a_repetition_asks_again_where_the_same_words_may_tell_of_another_state() -> None:
    source = make_thin()
    said = {"type": "told", "id": "7", "deal": 7}
    wordless = {"thin": replace(THIN, asks_again=True)}

    def answered(total: str, providers: Any) -> list[str]:
        with playing(Crm({"7": deal(total, updated=None)})) as played:
            ask_all(providers, played.client(HOST))
        settle_answers(source, providers)
        return played.paths

    settle(put(source, said), providers=wordless)
    assert answered("10.00", wordless) == ["/deals/7"]
    settle(put(source, said), providers=wordless)
    assert [read.external_id for read in reads(source)] == ["7"]
    assert answered("20.00", wordless) == ["/deals/7"]
    assert totals(source) == ["20.0000"]

    ids = put(source, said)
    settle(ids, providers=THINS)  # of others it is a duplicate, and no news
    replays.replay(ids, providers=wordless)
    assert reads(source) == []
    assert totals(source) == ["20.0000"]
