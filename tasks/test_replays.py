"""Replay and dead letters, by function and by command."""

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.contract import Provider
from tasks import pipeline, replays
from tasks.pipeline import settle
from tasks.replays import Filter, count, pages, replay
from tests.settling import (
    TOY,
    TOYS,
    dead_letters,
    inbox_rows,
    ledger,
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


def test_a_replay_goes_in_bounded_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLE_BATCH", "3")
    put(make_source(), *(sale_event(f"e{n}") for n in range(7)))

    assert [len(page) for page in pages(Filter())] == [3, 3, 1]


@pytest.mark.usefixtures("_toys")
def test_the_command_counts_and_then_replays() -> None:
    source = make_source()
    settle(put(source, sale_event("e1"), sale_event("e2", at=1)))

    assert command("replay", "--dry-run") == {"deliveries": 2}
    assert command("replay", "--account", "shop", "--from", "2020-01-01") == {
        "deliveries": 2,
        "outcomes": {"duplicate": 2},
    }
    assert command("replay", "--to", "2020-01-01T00:00:00Z")["deliveries"] == 0


@pytest.mark.parametrize("arguments", [("--from", "yesterday"), ("--account", "nobody")])
def test_a_wrong_filter_is_one_sentence(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        call_command("replay", *arguments)


def test_requeued_letters_settle_once_the_mapper_can(monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_source()
    settle(put(source, {"id": "e1", "type": "unrecognised", "at": 1}), providers=TOYS)
    monkeypatch.setattr(pipeline, "_all_providers", lambda: FIXED)

    listed = command("deadletters", "list")
    counted = command("deadletters", "requeue", "--path", "sale.total")

    assert (listed["open"], listed["results"][0]["path"]) == (1, "sale.total")
    assert counted == {"deliveries": 1, "outcomes": {"recorded": 1}}
    assert outcomes_of(source) == ["dead", "recorded"]
    assert command("deadletters", "list")["open"] == 0


def test_letters_are_dropped_with_a_reason_and_never_by_accident() -> None:
    source = make_source()
    settle(put(source, {"id": "e1", "type": "unrecognised"}), providers=TOYS)
    letter = dead_letters(source)[0]

    with pytest.raises(CommandError, match="--source"):
        call_command("deadletters", "drop", "--reason", "test")
    assert command("deadletters", "drop", str(letter.id), "--reason", "test") == {"dropped": 1}
    assert dead_letters(source) == []


def test_what_is_pending_already_is_not_replayed_twice() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))

    replays.enlist(ids)

    assert len(inbox_rows()) == 1
