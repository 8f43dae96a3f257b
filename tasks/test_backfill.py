"""Loading the past: page by page from a provider's list, resumable, within its budget."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from accounts.models import Source, SourceState
from accounts.rls import scoped
from ingest import endpoints
from integrations.asking import Budget
from integrations.contract import Context, Event, Provider, Read, Statement
from integrations.registry import PROVIDERS
from tasks.fetching import state, walks
from tasks.models import Backfill
from tests.played import Request, Said, due_reads, playing, turn_until, working
from tests.settling import sales
from tests.thin import (
    HOST,
    SECRET,
    THIN,
    THINS,
    answers_of,
    at,
    envelope_of,
    make_thin,
    settle_answers,
    with_api,
)

pytestmark = pytest.mark.django_db(transaction=True)

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC)


def listing(count: int, size: int = 2) -> Callable[[Request], Said]:
    """Play a list of so many deals, some a page."""

    def answer(request: Request) -> Said:
        offset = int(request.query["offset"])
        deals = [
            {"id": str(n), "total": f"{n}.00", "updated": n}
            for n in range(offset, min(offset + size, count))
        ]
        following = offset + size
        return Said(200, {"deals": deals, "next": following if following < count else None})

    return answer


def start(source: Source) -> Backfill:
    with scoped([source.account_id]):
        return walks.start(source, "deal", SINCE, UNTIL)


def seen(walk: Backfill) -> Backfill:
    with scoped([walk.account_id]):
        return Backfill.objects.get(pk=walk.pk)


def has(walk: Backfill, state: str) -> Callable[[], bool]:
    return lambda: seen(walk).state == state


def walk_all(answer: Callable[[Request], Said], walk: Backfill) -> list[str]:
    """Let a walk come to its end; return the offsets that were asked for."""
    with playing(answer) as played, working(THINS, played.client(HOST)) as work:
        assert turn_until(work, has(walk, "done"))
    return [one.query["offset"] for one in played.requests]


def test_a_list_is_paged_through_and_becomes_sales() -> None:
    source = make_thin()
    walk = start(source)

    asked = walk_all(listing(5), walk)
    settle_answers(source, THINS)

    done = seen(walk)
    assert asked == ["0", "2", "4"]
    assert (done.pages, done.staged, done.cursor) == (3, 3, None)
    assert done.left is not None
    assert [one.origin for one in answers_of(source)] == ["backfill"] * 3
    assert envelope_of(answers_of(source)[0])["outcome"] == "listed"
    assert [str(sale["total"]) for sale in sales(source)] == [f"{n}.0000" for n in range(5)]


def test_the_stretch_that_was_asked_for_is_what_the_provider_is_asked_for() -> None:
    walk = start(make_thin())

    with playing(listing(1)) as played, working(THINS, played.client(HOST)) as work:
        turn_until(work, has(walk, "done"))

    query = played.requests[0].query
    assert (query["from"], query["to"]) == (SINCE.isoformat(), UNTIL.isoformat())


def test_an_interrupted_walk_goes_on_where_it_was() -> None:
    source = make_thin()
    walk = start(source)
    pages = listing(6)

    def dies(request: Request) -> Said:
        return Said(500, {}) if request.query["offset"] == "4" else pages(request)

    with playing(dies) as played, working(THINS, played.client(HOST)) as work:
        turn_until(work, lambda: seen(walk).attempts > 0)
    stopped = seen(walk)
    with scoped([source.account_id]):
        Backfill.objects.update(due_at=Now())
    asked = walk_all(pages, walk)

    assert (stopped.cursor, stopped.pages, stopped.last_error) == ("4", 2, "ответ / answer 500")
    assert asked == ["4"]
    assert len(answers_of(source)) == 3


def test_a_page_whose_lease_is_over_is_asked_for_again_and_staged_once() -> None:
    source = make_thin()
    walk = start(source)
    release = threading.Event()

    def slow(request: Request) -> Said:
        release.wait(20)
        return listing(1)(request)

    with playing(slow) as played, working(THINS, played.client(HOST)) as late:
        late.turn()
        with scoped([source.account_id]):
            Backfill.objects.update(token=None, due_at=Now())
        release.set()
        assert turn_until(late, has(walk, "done"))

    assert len(played.requests) == 2
    assert len(answers_of(source)) == 1


def test_the_same_stretch_again_goes_on_and_another_is_another() -> None:
    source = make_thin()
    walk = start(source)
    with scoped([source.account_id]):
        assert walks.cancel(walk.pk)

        again = walks.start(source, "deal", SINCE, UNTIL)
        other = walks.start(source, "deal", SINCE, UNTIL + timedelta(days=1))

    assert (again.pk, again.state) == (walk.pk, "running")
    assert other.pk != walk.pk


def test_a_cancelled_walk_asks_nothing_more() -> None:
    source = make_thin()
    walk = start(source)
    with scoped([source.account_id]):
        walks.cancel(walk.pk)

    with playing(listing(5)) as played, working(THINS, played.client(HOST)) as work:
        work.turn(rest=0.02)

    assert played.requests == []
    assert seen(walk).state == "cancelled"


def test_what_was_loaded_before_is_not_staged_again() -> None:
    source = make_thin()
    walk_all(listing(4), start(source))

    second = start(source)
    walk_all(listing(5), second)

    assert seen(second).staged == 2  # the second page has another end, and the third is new
    assert len(answers_of(source)) == 4


def test_undated_content_is_staged_each_time_it_is_read() -> None:
    source = make_thin()
    undated = Said(200, {"deals": [{"id": "1", "total": "1.00"}], "next": None})

    for _ in range(2):
        walk_all(lambda _: undated, start(source))

    assert len(answers_of(source)) == 2


def test_a_list_that_does_not_move_on_is_no_endless_loop() -> None:
    source = make_thin()
    walk = start(source)

    def stuck(request: Request) -> Said:
        return Said(200, {"deals": [], "next": 2})

    with playing(stuck) as played, working(THINS, played.client(HOST)) as work:
        turn_until(work, lambda: seen(walk).attempts > 0)

    assert "does not come to an end" in str(seen(walk).last_error)


def test_a_walk_keeps_to_the_budget_of_the_account() -> None:
    source = make_thin()
    walk = start(source)
    providers = with_api(budget=Budget(units=2, seconds=0.4, at_once=1))

    with playing(listing(12)) as played, working(providers, played.client(HOST)) as work:
        assert turn_until(work, has(walk, "done"))

    times = [one.at for one in played.requests]
    assert len(times) == 6
    assert all(later - earlier >= 0.4 for earlier, later in zip(times, times[2:], strict=False))


def windowed(seconds: float) -> Mapping[str, Provider]:
    return with_api(window=seconds)


def window_of(source: Source) -> Backfill:
    with scoped([source.account_id]):
        return Backfill.objects.get(source=source, window=True)


def test_a_window_slides_on_and_overlaps() -> None:
    source = make_thin()
    passes: list[tuple[datetime, datetime]] = []

    def answer(request: Request) -> Said:
        passes.append(
            (
                datetime.fromisoformat(request.query["from"]),
                datetime.fromisoformat(request.query["to"]),
            )
        )
        return listing(1)(request)

    with playing(answer) as played, working(windowed(3600), played.client(HOST)) as work:
        assert turn_until(work, lambda: len(passes) == 1 and not work.running)
        waiting = window_of(source)
        with scoped([source.account_id]):
            Backfill.objects.update(due_at=Now())
        assert turn_until(work, lambda: len(passes) == 2 and not work.running)

    (since, until), (again, later) = passes
    assert until - since >= timedelta(hours=1)
    assert (waiting.state, waiting.until) == ("running", None)
    assert until - again == timedelta(hours=1)
    assert later > until
    assert len(answers_of(source)) == 1  # the same page says nothing new


def test_a_window_that_could_not_be_walked_begins_where_the_last_one_ended() -> None:
    source = make_thin()
    with playing(listing(1)) as played, working(windowed(600), played.client(HOST)) as work:
        assert turn_until(work, lambda: bool(answers_of(source)))
    long_ago = datetime.now(UTC) - timedelta(days=3)
    with scoped([source.account_id]):
        Backfill.objects.update(since=long_ago, due_at=Now())

    with playing(listing(1)) as played, working(windowed(600), played.client(HOST)) as work:
        assert turn_until(work, lambda: bool(played.requests) and not work.running)

    assert datetime.fromisoformat(played.requests[0].query["from"]) == long_ago


def test_a_window_without_a_secret_waits_and_is_no_failure_and_begins_with_the_secret() -> None:
    source = make_thin(secret=None)
    with playing(listing(1)) as played, working(windowed(600), played.client(HOST)) as work:
        for _ in range(3):
            work.turn(rest=0.02)
        waiting = window_of(source)
        with scoped([source.account_id]):
            told = state.describe(source)
            endpoints.give_api_secret(source, SECRET)
            walks.due_now(source.pk)
        assert turn_until(work, lambda: window_of(source).pages > 0)

    assert "--kind api" in str(waiting.last_error)
    assert (told["failing"], told["last_error"]) == (0, waiting.last_error)
    assert window_of(source).last_error is None


def test_a_source_that_does_not_work_has_no_window() -> None:
    source = make_thin()
    with scoped([source.account_id]):
        Source.objects.update(state=SourceState.DISABLED)

    with playing(listing(1)) as played, working(windowed(600), played.client(HOST)) as work:
        work.turn(rest=0.02)

    with scoped([source.account_id]):
        assert not Backfill.objects.exists()
    assert played.requests == []


def listing_reads(event: Event, context: Context) -> list[Statement]:
    """A list that only names what changed, and when."""
    return [
        Read("deal", deal["id"], clock=at(deal["updated"]))
        for deal in event.payload["answers"][0]["deals"]
    ]


NAMING = {
    "thin": replace(THIN, normalisers={**THIN.normalisers, "deal.listed": listing_reads}),
}


def test_what_a_list_names_is_asked_for_unless_it_is_known_as_of_then() -> None:
    source = make_thin()
    updated = {"1": 1, "2": 2}

    def answer(request: Request) -> Said:
        if request.path == "/deals":
            deals = [{"id": name, "updated": clock} for name, clock in updated.items()]
            return Said(200, {"deals": deals, "next": None})
        name = request.path.removeprefix("/deals/")
        return Said(200, {"id": name, "total": "1.00", "updated": updated[name]})

    with playing(answer) as played, working(NAMING, played.client(HOST)) as work:
        for _ in range(2):
            walk = start(source)
            assert turn_until(work, has(walk, "done"))
            settle_answers(source, NAMING)
            assert turn_until(work, lambda: not work.running and not due_reads())
            updated["2"] = 9

    asked = sorted(one.path for one in played.requests if one.path != "/deals")
    assert asked == ["/deals/1", "/deals/2", "/deals/2"]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVIDERS, "thin", THIN)


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("backfill", "--json", *arguments, stdout=out, stderr=StringIO())
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.mark.usefixtures("registered")
def test_the_command_begins_shows_cancels_and_resumes() -> None:
    source = make_thin()
    stretch = ("--from", "2026-11-01", "--to", "2026-11-08")

    (begun,) = run(str(source.pk), *stretch, "--detach")["backfills"]
    number = str(begun["backfill"])
    (cancelled,) = run("cancel", number)["backfills"]
    (resumed,) = run("resume", number, "--detach")["backfills"]
    again = run(str(source.pk), *stretch, "--detach")["backfills"][0]["backfill"]
    listed = run("list")["backfills"]

    assert (begun["state"], cancelled["state"], resumed["state"]) == (
        "running", "cancelled", "running",
    )  # fmt: skip
    assert str(again) == number
    assert [one["backfill"] for one in listed] == [again]


@pytest.mark.usefixtures("registered")
def test_the_command_waits_for_the_end() -> None:
    source = make_thin()
    told: list[dict[str, Any]] = []

    def command() -> None:
        from django.db import connection

        told.append(run(str(source.pk), "--from", "2026-11-01", "--to", "2026-11-08"))
        connection.close()

    thread = threading.Thread(target=command)
    thread.start()
    with playing(listing(5)) as played, working(THINS, played.client(HOST)) as work:
        assert turn_until(work, lambda: not thread.is_alive())

    assert [one["state"] for one in told[0]["backfills"]] == ["done"]
    assert told[0]["backfills"][0]["pages"] == 3


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("999", "--from", "2026-11-01", "--to", "2026-11-08"), "No source '999'"),
        (("{id}", "--from", "2026-11-01"), "From when to when?"),
        (("{id}", "--from", "x", "--to", "2026-11-08"), "--from: 'x' is no time"),
        (("{id}", "--from", "2026-11-08", "--to", "2026-11-01"), "--from must be before --to"),
        (("{id}", "--from", "2026-11-01", "--to", "2026-11-08", "--kind", "y"), "no list 'y'"),
        (("cancel", "77"), "There is no back-fill 77"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    source = make_thin()

    with pytest.raises(CommandError, match=said):
        run(*(one.format(id=source.pk) for one in arguments))
