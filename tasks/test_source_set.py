"""Settings of a source after it was connected, and secrets that no list of processes shows."""

import io
import json
import os
import pty
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from accounts.commandline import every_account
from accounts.models import Source
from ingest import endpoints
from sales.drafts import Header, Rank, SaleDraft, Version
from sales.models import Sale
from sales.recording import Stated, record
from tasks.source_settings import SETTINGS
from tests.settling import child_environment
from tests.stack import ROOT

#: One in the morning in Moscow, the evening before in London.
NIGHT = datetime(2026, 9, 14, 22, tzinfo=UTC)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    call_command("source", *arguments, "--json")
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def add(capsys: pytest.CaptureFixture[str], provider: str, *more: str) -> str:
    return str(run(capsys, "add", provider, "--account", "cafe", *more)["id"])


def sell_at_night(number: str) -> None:
    header = Header(currency="RUB", occurred_at=NIGHT, total=Decimal("10.00"))
    draft = SaleDraft(external_id="night", version=Version(Rank.FULL, 1), header=header)
    with every_account():
        source = Source.objects.get(pk=number)
        record([Stated(draft, source.account_id, source.pk, UUID(int=7), NIGHT, 1)])


def sale() -> Sale:
    with every_account():
        return Sale.objects.get()


def secrets_of(number: str) -> list[str]:
    with every_account():
        return [one.value for one in endpoints.secrets_of(Source.objects.get(pk=number))]


@pytest.mark.django_db(transaction=True)
def test_settings_and_title_change_and_the_unnamed_stay(capsys: pytest.CaptureFixture[str]) -> None:
    number = add(capsys, "standard", "--title", "Касса", "--setting", "location=Арбат 1")

    answer = run(capsys, "set", number, "--title", "Бар", "--setting", "currency=kzt")

    assert answer["changed"] == ["currency", "title"]
    assert (answer["title"], answer["settings"]["currency"]) == ("Бар", "KZT")
    with every_account():
        row = Source.objects.get(pk=number)
    assert (row.title, row.currency, row.location) == ("Бар", "KZT", "Арбат 1")


@pytest.mark.django_db(transaction=True)
def test_an_empty_value_takes_a_setting_back(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"timezone": "Asia/Omsk", "location": "1", "prices_include_tax": "да"}
    pairs = [part for item in given.items() for part in ("--setting", "=".join(item))]
    number = add(capsys, "standard", *pairs)

    emptied = [part for name in given for part in ("--setting", f"{name}=")]
    settings = run(capsys, "set", number, *emptied)["settings"]

    assert [settings[name] for name in given] == ["", "", None]


@pytest.mark.django_db(transaction=True)
def test_the_days_of_what_was_sold_follow_the_zone_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = add(capsys, "standard")
    sell_at_night(number)
    assert sale().business_date == date(2026, 9, 15)

    answer = run(capsys, "set", number, "--setting", "timezone=Europe/London")

    assert sale().business_date == date(2026, 9, 14)
    assert (answer["redated"], answer["stale"]) == (1, True)


@pytest.mark.django_db(transaction=True)
def test_who_changes_how_deliveries_are_read_is_told_what_reads_the_recorded_ones_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = add(capsys, "standard")

    call_command("source", "set", number, "--setting", "currency=KZT")
    told = capsys.readouterr().out
    call_command("source", "set", number, "--setting", "priority=5")

    assert f"manage.py rebuild --source {number} --apply" in told
    assert "currency: KZT" in told
    assert "rebuild" not in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_sales_of_a_source_that_was_a_test_count_from_then_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = add(capsys, "standard", "--setting", "test=true")
    sell_at_night(number)
    assert not sale().counts

    answer = run(capsys, "set", number, "--setting", "test=false")

    assert sale().counts
    assert (answer["redated"], answer["stale"]) == (1, False)


@pytest.mark.django_db(transaction=True)
def test_the_same_value_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    number = add(capsys, "standard", "--setting", "timezone=Asia/Omsk")
    sell_at_night(number)

    answer = run(capsys, "set", number, "--setting", "timezone=Asia/Omsk")

    assert (answer["changed"], answer["redated"], answer["stale"]) == ([], 0, False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["--setting", "--title"]),
        (["--setting", "location=1", "--setting", "colour=red"], ["colour", ", ".join(SETTINGS)]),
        (["--setting", "currency=RUR"], ["--setting currency", "RUB"]),
        (["--setting", "currency="], ["--setting currency", "RUB"]),
        (["--setting", "priority="], ["--setting priority"]),
        (["--title", "я" * 201], ["--title", "200"]),
    ],
)
def test_what_cannot_be_set_is_one_sentence_and_changes_nothing(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    number = add(capsys, "standard")

    with pytest.raises(CommandError) as caught:
        run(capsys, "set", number, *arguments)

    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)
    with every_account():
        assert not Source.objects.exclude(location="").exists()


@pytest.mark.django_db(transaction=True)
def test_an_unknown_source_is_named() -> None:
    with pytest.raises(CommandError, match=r"404.*source list"):
        call_command("source", "set", "404", "--title", "x")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["secret", "rotate"])
def test_a_secret_is_read_from_stdin_or_a_file(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("first-key-of-square\nsecond line\n"))
    number = add(capsys, "square", "--secret", "-")
    assert secrets_of(number) == ["first-key-of-square"]

    (tmp_path / "key").write_text("second-key-of-square\n")
    run(capsys, verb, number, "--secret-file", str(tmp_path / "key"))

    assert set(secrets_of(number)) == {"first-key-of-square", "second-key-of-square"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--secret", "-"], ["--secret -"]),
        (["--secret-file", "/nowhere/key"], ["--secret-file", "/nowhere/key"]),
        (["--secret-file", os.devnull], ["--secret-file"]),
        (["--secret", "x", "--secret-file", "y"], ["--secret-file", "--secret"]),
    ],
)
def test_a_secret_that_cannot_be_read_is_one_sentence_and_makes_nothing(
    arguments: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    with pytest.raises(CommandError) as caught:
        call_command("source", "add", "square", "--account", "cafe", *arguments)

    assert all(word in str(caught.value) for word in words)
    with every_account():
        assert not Source.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_terminal_shows_nothing_of_the_secret_that_is_typed(settings: Any) -> None:
    screen, keyboard = pty.openpty()
    command = [sys.executable, "manage.py", "source", "add", "square", "--account", "cafe"]
    child = subprocess.Popen(
        [*command, "--secret", "-", "--json"],
        cwd=ROOT,
        env=child_environment(GJANGO_KEYS=",".join(settings.GJANGO_KEYS)),
        stdin=keyboard,
        stdout=subprocess.PIPE,
        stderr=keyboard,
        # Without a terminal of its own the question goes to stdin's.
        start_new_session=True,
    )
    os.close(keyboard)
    try:
        shown = b""
        while b"secret" not in shown:
            shown += os.read(screen, 1000)
        os.write(screen, b"typed-key-of-square\n")
        out, _ = child.communicate(timeout=60)
        shown += os.read(screen, 1000)  # the end of the line at least
    finally:
        child.kill()
        os.close(screen)

    assert secrets_of(str(json.loads(out)["id"])) == ["typed-key-of-square"]
    assert b"typed" not in shown


@pytest.mark.django_db
def test_addresses_that_are_heard_are_checked_kept_and_taken_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = add(capsys, "standard")

    told = run(capsys, "set", number, "--setting", "allow_ips=203.0.113.7/24, 2001:db8::1")
    assert told["settings"]["allow_ips"] == ["203.0.113.0/24", "2001:db8::1/128"]
    assert told["stale"] is False
    for wrong in ("203.0.113.0/33", "example.org", "1.2.3.4;5.6.7.8", ","):
        with pytest.raises(CommandError, match="allow_ips"):
            run(capsys, "set", number, "--setting", f"allow_ips={wrong}")
    assert run(capsys, "set", number, "--setting", "allow_ips=")["settings"]["allow_ips"] is None
