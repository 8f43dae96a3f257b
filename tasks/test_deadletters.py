"""Dead letters: grouped, shown, requeued after a fix, dropped for a reason."""

import contextlib
import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from accounts.models import Source
from accounts.rls import scoped
from integrations.contract import Context, Event, PayloadUnrecognised, Provider, Statement
from tasks import deadletters, pipeline
from tasks.deadletters import Filter
from tasks.models import DeadLetter
from tasks.pipeline import settle
from tasks.replays import enlist
from tasks.sweep import Sweeper
from tests.settling import (
    TOY,
    TOYS,
    dead_letters,
    inbox_rows,
    make_due,
    make_source,
    outcomes_of,
    put,
    sale_event,
    sales,
)

pytestmark = pytest.mark.django_db(transaction=True)


def _picky(event: Event, context: Context) -> list[Statement]:
    raise PayloadUnrecognised(event.payload["path"], "not a number")


#: A mapper that cannot read a sale, and the same after its fix.
BROKEN: dict[str, Provider] = {
    "toy": replace(TOY, normalisers={"sale": TOY.normalisers["unrecognised"], "picky": _picky})
}


@pytest.fixture(autouse=True)
def _broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_all_providers", lambda: BROKEN)


@pytest.fixture
def mend(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda: monkeypatch.setattr(pipeline, "_all_providers", lambda: TOYS)


def command(*arguments: str) -> Any:
    out = StringIO()
    call_command("deadletters", *arguments, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def text(*arguments: str) -> str:
    out = StringIO()
    call_command("deadletters", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def die(source: Source, *bodies: Any) -> list[DeadLetter]:
    """Settle bodies that the broken mapper cannot read."""
    settle(put(source, *bodies))
    return dead_letters(source)


def drop(source: Source, letter: DeadLetter) -> None:
    with scoped([source.account_id]):
        assert deadletters.drop(Filter(ids=[letter.id]), "test").letters == 1


def test_letters_requeued_after_a_fix_settle_in_the_background(mend: Any) -> None:
    source = make_source()
    die(source, *(sale_event(f"e{n}", sale=f"s{n}", at=n + 1) for n in range(3)))
    assert sales(source) == []

    mend()
    counted = command("requeue", "--path", "sale.total")
    waiting = len(inbox_rows())
    make_due()
    Sweeper().sweep()

    assert counted == {"letters": 3, "deliveries": 3}
    assert waiting == 3
    assert dead_letters(source) == []
    assert inbox_rows() == []
    assert [row["external_id"] for row in sales(source)] == ["s0", "s1", "s2"]
    assert outcomes_of(source) == ["dead"] * 3 + ["recorded"] * 3


def test_letters_requeued_and_waited_for_tell_their_outcomes(mend: Any) -> None:
    source = make_source()
    die(source, sale_event("e1", at=1), b"not JSON")

    mend()
    counted = command("requeue", "--all", "--wait")

    assert counted == {
        "letters": 2,
        "deliveries": 2,
        "outcomes": {"recorded": 1, "dead": 1},
        "pending": 0,
    }
    assert [(letter.path, letter.reason) for letter in dead_letters(source)] == [("$", "not JSON")]


def test_a_requeue_goes_page_by_page_and_can_be_taken_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deadletters, "requeue", _in_pages_of_two(deadletters.requeue))
    source = make_source()
    letters = die(source, *(sale_event(f"e{n}") for n in range(5)))
    told = StringIO()

    call_command("deadletters", "requeue", "--source", str(source.pk), stderr=told)

    assert told.getvalue().splitlines() == [
        f"2/5  --before {letters[3].id}",
        f"4/5  --before {letters[1].id}",
    ]
    assert command("requeue", "--all", "--before", str(letters[2].id))["letters"] == 2


def _in_pages_of_two(work: Any) -> Any:
    return lambda chosen, **more: work(chosen, **more, limit=2)


def test_groups_put_the_same_fault_of_any_line_together() -> None:
    source, other = make_source(), make_source("other")
    picky = [
        {"id": f"p{n}", "type": "picky", "path": path}
        for n, path in enumerate(("lines[0].tax", "lines[12].tax", "lines[0].sum"))
    ]
    die(source, *picky, sale_event("e1"))
    die(other, picky[0])

    found = command("groups")
    shown = [
        (group["letters"], group["provider"], group["type"], group["path"], group["reason"])
        for group in found["groups"]
    ]

    assert found["complete"] is True
    assert shown == [
        (3, "toy", "picky", "lines[*].tax", "not a number"),
        (1, "toy", "picky", "lines[*].sum", "not a number"),
        (1, "toy", "sale", "sale.total", "not an amount"),
    ]
    assert found["groups"][0]["sources"] == [source.pk, other.pk]
    assert [g["letters"] for g in command("groups", "--account", "other")["groups"]] == [1]
    assert [g["letters"] for g in command("groups", "--path", "lines[*].tax")["groups"]] == [3]
    assert len(command("list", "--path", "lines[*].tax")["results"]) == 3
    assert len(command("list", "--path", "lines[0].tax")["results"]) == 2
    assert command("list", "--path", "lines[*].t")["results"] == []
    assert len(command("list", "--because", "not an amount")["results"]) == 1
    assert command("list", "--provider", "square")["results"] == []


def test_groups_of_more_than_is_counted_say_so() -> None:
    source = make_source()
    die(source, *(sale_event(f"e{n}") for n in range(3)))

    with scoped([source.account_id]):
        found, complete = deadletters.groups(Filter(), most=2)

    assert ([group.letters for group in found], complete) == ([2], False)


def test_a_letter_is_shown_with_its_attempts_and_the_place_in_the_body() -> None:
    source = make_source()
    body = b'[{"id": "e1", "type": "shift"}, {"id": "e2", "type": "sale", "sale": {"total": "x"}}]'
    (letter,) = die(source, body)

    shown = text("show", str(letter.id))
    value = command("show", str(letter.id))

    assert '→       "total": "x"' in shown
    assert "dead         sale.total: not an amount" in shown
    assert value["state"] == "open"
    assert value["body"]["excerpt"]["value"] == '"x"'
    assert [run["outcome"] for run in value["attempts"]] == ["dead"]
    with pytest.raises(CommandError, match="deadletters list"):
        call_command("deadletters", "show", "0")


def test_no_header_and_nothing_that_was_cut_is_shown() -> None:
    source = make_source()
    settle(put(source, {"id": "e1", "type": "sale"}, headers=b"x-key: of-the-canary\r\n"))
    (letter,) = dead_letters(source)

    assert "canary" not in text("show", str(letter.id)).replace(letter.key, "")
    assert "of-the-canary" not in json.dumps(command("show", str(letter.id))["body"])


def test_a_dropped_letter_stays_closed_until_its_delivery_dies_again() -> None:
    source = make_source()
    (letter,) = die(source, sale_event("e1"))

    assert command("drop", str(letter.id), "--reason", "пробный чек") == {"dropped": 1}
    assert command("drop", str(letter.id), "--reason", "ещё раз") == {"dropped": 0}
    assert dead_letters(source) == []
    assert command("show", str(letter.id))["closed_by"] == "dropped: пробный чек"
    enlist([letter.delivery_id])
    settle([letter.delivery_id])

    assert [again.id for again in dead_letters(source)] == [letter.id]


@pytest.mark.parametrize("verb", [["requeue"], ["drop", "--reason", "x"]])
def test_nothing_is_changed_without_naming_what(verb: list[str]) -> None:
    source = make_source()
    die(source, sale_event("e1"))

    with pytest.raises(CommandError, match="--all"):
        call_command("deadletters", *verb)
    assert len(dead_letters(source)) == 1
    assert inbox_rows() == []


def test_verify_holds_after_requeue_drop_and_another_death(mend: Any) -> None:
    source = make_source()
    one, other, third = die(source, *(sale_event(f"e{n}", sale=f"s{n}", at=1) for n in range(3)))
    drop(source, one)
    enlist([other.delivery_id, one.delivery_id])
    settle([other.delivery_id])

    assert _letters_line() == "ok"
    mend()
    settle([one.delivery_id])
    assert command("requeue", str(other.id), str(third.id), "--wait")["pending"] == 0

    assert _letters_line() == "ok"
    assert dead_letters(source) == []


def test_verify_finds_a_letter_closed_as_settled_whose_event_is_still_dead() -> None:
    source = make_source()
    die(source, sale_event("e1"))
    with scoped([source.account_id]):
        DeadLetter.objects.update(closed_at=Now(), closed_by="settled")

    assert _letters_line() == "FAILED"


def _letters_line() -> str:
    out = StringIO()
    with contextlib.suppress(SystemExit):
        call_command("verify", "--json", stdout=out)
    checks = {check["id"]: check for check in json.loads(out.getvalue())["checks"]}
    return str(checks["I3.letters"]["state"])
