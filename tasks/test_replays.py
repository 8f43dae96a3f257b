"""Replay and dead letters, by function and by command."""

import json
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from integrations.contract import Provider
from tasks import actors, clock, inbox, options, pipeline, replays, selection
from tasks.models import Replay
from tasks.pipeline import settle
from tasks.replays import replay, start, step
from tasks.selection import Filter, count, looks
from tests.settling import (
    TOY,
    TOYS,
    dead_letters,
    inbox_rows,
    ledger,
    make_due,
    make_source,
    outcomes_of,
    put,
    put_apart,
    sale_event,
    sales,
)

pytestmark = pytest.mark.django_db(transaction=True)

#: The mapper after its fix: it now reads what it did not.
FIXED: dict[str, Provider] = {
    "toy": replace(
        TOY,
        normalisers={**TOY.normalisers, "unrecognised": TOY.normalisers["sale"]},
        mapper=2,
    )
}


def pages(chosen: Filter) -> Iterator[list[UUID]]:
    """Return the matching ids as they are found, at most a batch at a time."""
    found = looks(chosen, limit=options.batch())
    yield from (one.ids for one in found if one.ids)


@pytest.fixture
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_all_providers", lambda: TOYS)


def command(*arguments: str) -> Any:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_a_replay_of_everything_changes_no_pure_column() -> None:
    source = make_source()
    bodies = [sale_event(f"e{n}", sale=f"s{n % 3}", total=str(n)) for n in range(9)]
    settle(put_apart(source, *bodies, *bodies[:4]), providers=TOYS)
    before, events = sales(source), len(ledger(source))

    for page in pages(Filter()):
        counted = replay(page, providers=TOYS)

    assert counted == {"duplicate": 13}
    assert sales(source) == before
    assert len(ledger(source)) == events
    assert inbox_rows() == []


def test_a_replay_with_a_fixed_mapper_settles_what_was_dead_and_closes_its_letter() -> None:
    source = make_source()
    ids = put(source, {"id": "e1", "type": "unrecognised", "at": 1})
    settle(ids, providers=TOYS)

    counted = replay(ids, providers=FIXED)

    assert counted == {"recorded": 1}
    assert dead_letters(source) == []


def test_a_filter_finds_by_latest_outcome_type_source_and_time() -> None:
    one, other = make_source("one"), make_source("other")
    ids = put(one, sale_event("e1"), {"id": "e2", "type": "later"}) + put(other, sale_event("e1"))
    settle(ids, providers=TOYS)
    supporting = {"toy": replace(TOY, normalisers={"later": TOY.normalisers["sale"]})}
    recent = Filter(source=one.id)

    assert count(Filter()) == 3
    assert count(recent) == 2
    assert count(Filter(account=other.account_id)) == 1
    assert [*pages(Filter(outcome="unsupported"))] == [[ids[1]]]
    assert count(Filter(type="sale")) == 2
    assert count(replace(recent, after=max(ids[:2]))) == 0
    replay([ids[1]], providers=supporting)
    assert count(Filter(outcome="unsupported")) == 0


def test_a_filter_finds_by_the_reason_of_an_open_dead_letter() -> None:
    source = make_source()
    dead, _ = put(source, {"id": "e1", "type": "unrecognised"}, sale_event("e2"))
    settle([dead], providers=TOYS)

    found = [*pages(Filter(reason="not an amount"))]

    assert found == [[dead]]
    replay([dead], providers=FIXED)
    assert count(Filter(reason="not an amount")) == 0


def test_a_replay_goes_in_bounded_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLE_BATCH", "3")
    put(make_source(), *(sale_event(f"e{n}") for n in range(7)))

    assert [len(page) for page in pages(Filter())] == [3, 3, 1]


def test_a_rare_match_is_found_though_each_look_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_source()
    ids = put(source, *(sale_event(f"e{n}") for n in range(9)), {"id": "x", "type": "later"})
    settle(ids, providers=TOYS)
    told: list[int] = []

    look = selection.look
    monkeypatch.setattr(selection, "look", lambda chosen, limit: look(chosen, limit=limit, most=2))
    total = count(Filter(type="later"), told.append)

    assert total == 1
    assert told == [0, 0, 0, 0, 1]
    assert [*pages(Filter(type="later"))] == [[max(ids)]]


def run_to_the_end(run: Replay) -> int:
    """Take every page at once; return how many there were."""
    taken = 0
    while step(run.pk, providers=TOYS):
        taken += 1
        Replay.objects.filter(pk=run.pk).update(due_at="2000-01-01T00:00Z")
    run.refresh_from_db()
    return taken


def test_a_run_goes_on_where_it_was_and_ends_at_what_was_staged_when_it_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REPLAY_BATCH", "2")
    source = make_source()
    settle(put_apart(source, *(sale_event(f"e{n}") for n in range(5))), providers=TOYS)
    run = start(Filter())

    assert step(run.pk, providers=TOYS)
    settle(put(source, sale_event("later")), providers=TOYS)
    run.refresh_from_db()
    assert (run.state, run.done) == ("running", 2)
    Replay.objects.update(due_at="2000-01-01T00:00Z")

    assert run_to_the_end(run) == 2
    assert (run.state, run.done, run.outcomes) == ("done", 5, {"duplicate": 5})
    assert outcomes_of(source).count("duplicate") == 5


def test_a_page_that_a_crash_left_leased_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    settle(ids, providers=TOYS)
    run = start(Filter())
    replays.enlist(ids)
    inbox.claim(ids)

    page = step(run.pk, providers=TOYS)
    run.refresh_from_db()

    assert page is not None
    assert (page.settled, run.done, run.state) == (0, 0, "running")
    make_due()
    Replay.objects.update(due_at="2000-01-01T00:00Z")
    run_to_the_end(run)
    assert (run.done, run.state, run.outcomes) == (1, "done", {"duplicate": 1})


def test_one_takes_a_page_at_a_time_and_a_rest_is_kept() -> None:
    put(make_source(), *(sale_event(f"e{n}") for n in range(2)))
    run = start(Filter())

    assert replays._take(run.pk) is not None
    assert step(run.pk, providers=TOYS) is None
    Replay.objects.update(due_at="2000-01-01T00:00Z")
    assert step(run.pk, providers=TOYS)


@pytest.mark.parametrize(
    ("waiting", "rests"),
    [
        ("attempts = 0, due_at = now()", True),
        ("attempts = 1, due_at = now() + interval '1 minute'", True),
        ("attempts = 1, due_at = now() + interval '1 minute', last_error = 'a bug'", False),
        ("attempts = 0, due_at = 'infinity'", False),
        ("attempts = -1, due_at = now()", False),
    ],
)
def test_a_run_rests_after_a_page_only_while_live_deliveries_come_in(
    waiting: str, rests: bool
) -> None:
    source = make_source()
    settle(put(source, sale_event("e1")), providers=TOYS)
    run = start(Filter())
    run.upto = selection.newest()
    run.save()
    put(source, sale_event("live"))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE ingest_inbox SET {waiting}")

    page = step(run.pk, providers=TOYS)

    assert page is not None
    assert page.settled == 1
    assert (page.rest > 0) is rests


@pytest.mark.usefixtures("_toys")
def test_a_message_takes_pages_for_a_turn_and_then_rings_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rung: list[int] = []
    monkeypatch.setenv("REPLAY_BATCH", "1")
    monkeypatch.setattr(actors, "ring_replay", rung.append)
    settle(put(make_source(), *(sale_event(f"e{n}") for n in range(4))), providers=TOYS)
    run = start(Filter())

    monkeypatch.setattr(actors, "_TURN", 0.0)
    actors.replay_page.fn(run.pk)
    run.refresh_from_db()
    short = run.done
    monkeypatch.setattr(actors, "_TURN", 60.0)
    actors.replay_page.fn(run.pk)
    run.refresh_from_db()

    assert (short, rung) == (1, [run.pk])
    assert (run.done, run.state) == (4, "done")


def test_a_cancelled_run_stops_and_a_resumed_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAY_BATCH", "1")
    settle(put(make_source(), sale_event("e1"), sale_event("e2", at=1)), providers=TOYS)
    monkeypatch.setattr(pipeline, "_all_providers", lambda: TOYS)
    run = start(Filter())
    step(run.pk)

    assert command("replay", "cancel", str(run.pk))["state"] == "cancelled"
    assert step(run.pk) is None
    assert command("replay", "resume", str(run.pk))["deliveries"] == 2
    assert [one["state"] for one in command("replay", "list")["replays"]] == ["done"]
    with pytest.raises(CommandError, match="ended"):
        call_command("replay", "resume", str(run.pk))
    with pytest.raises(CommandError, match="replay list"):
        call_command("replay", "cancel", "404")


def test_the_clock_goes_on_with_a_run_that_nobody_advances(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REPLAY_REST", "0")
    monkeypatch.setattr(clock, "_ABANDONED", 0.0)
    monkeypatch.setattr(pipeline, "_all_providers", lambda: TOYS)
    settle(put(make_source(), sale_event("e1")), providers=TOYS)
    run = start(Filter())

    assert clock.advance_replays()
    assert not clock.advance_replays()
    run.refresh_from_db()
    assert (run.state, run.done) == ("done", 1)


@pytest.mark.usefixtures("_toys")
def test_the_command_counts_and_then_replays() -> None:
    source = make_source()
    settle(put(source, sale_event("e1"), sale_event("e2", at=1)))

    assert command("replay", "--dry-run") == {"deliveries": 2}
    ended = command("replay", "--account", "shop", "--from", "2020-01-01")
    assert (ended["state"], ended["deliveries"], ended["total"]) == ("done", 2, 2)
    assert ended["outcomes"] == {"duplicate": 2}
    assert command("replay", "--to", "2020-01-01T00:00:00Z")["deliveries"] == 0


@pytest.mark.parametrize("arguments", [("--from", "yesterday"), ("--account", "nobody")])
def test_a_wrong_filter_is_one_sentence(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        call_command("replay", *arguments)


def test_what_is_pending_already_is_not_replayed_twice() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))

    replays.enlist(ids)

    assert len(inbox_rows()) == 1
