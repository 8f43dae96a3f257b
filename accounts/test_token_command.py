"""The command ``token``, with the real database."""

import hashlib
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from .commandline import duration, explain, table
from .models import Account, ApiToken

ROOT = Path(__file__).resolve().parent.parent


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    call_command("token", *arguments, "--json")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out)


@pytest.fixture
def cafe() -> Account:
    return Account.objects.create(slug="cafe", title="Кафе")


@pytest.mark.django_db(transaction=True)
def test_an_added_token_is_kept_only_as_its_hash(
    cafe: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run(capsys, "add", "--account", "cafe", "--role", "editor", "--title", "касса")

    token = answer["token"]
    row = ApiToken.objects.get()
    assert len(token) == 46
    assert token.startswith("gj_")
    assert bytes(row.hash) == hashlib.sha256(token.encode()).digest()
    assert (row.prefix, row.role, row.title, row.account) == (token[:10], "editor", "касса", cafe)
    assert row.expires_at is None


@pytest.mark.django_db(transaction=True)
def test_a_token_for_days_expires(cafe: Account, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "add", "--account", "cafe", "--role", "analyst", "--days", "2")

    until = ApiToken.objects.get().expires_at
    assert until is not None
    assert timedelta(days=1) < until - timezone.now() <= timedelta(days=2)


@pytest.mark.django_db(transaction=True)
def test_the_list_shows_states_and_never_a_token(
    cafe: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    token = run(capsys, "add", "--account", "cafe", "--role", "owner")["token"]
    run(capsys, "add", "--account", "cafe", "--role", "owner")
    first = ApiToken.objects.earliest("id")
    run(capsys, "revoke", str(first.pk))

    call_command("token", "list", "--account", "cafe")
    assert token not in capsys.readouterr().out
    listed = run(capsys, "list")["tokens"]

    assert [item["state"] for item in listed] == ["revoked", "active"]


@pytest.mark.django_db(transaction=True)
def test_revoking_twice_keeps_the_first_time(
    cafe: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "add", "--account", "cafe", "--role", "owner")
    number = str(ApiToken.objects.get().pk)

    first, second = (run(capsys, "revoke", number)["revoked_at"] for _ in range(2))

    assert first == second


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "--account", "none", "--role", "owner"], "--account: нет аккаунта «none»"),
        (["add", "--account", "cafe", "--role", "king"], "--role"),
        (["add", "--account", "cafe", "--role", "owner", "--days", "0"], "--days"),
        (["add", "--account", "cafe", "--role", "owner", "--title", "t" * 201], "--title"),
        (["revoke", "404"], "Нет токена 404"),
    ],
)
def test_an_error_names_the_option(cafe: Account, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("token", *arguments)

    assert message in str(caught.value)
    assert ApiToken.objects.count() == 0


def test_the_help_shows_examples() -> None:
    shown = subprocess.run(
        [sys.executable, "manage.py", "token", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert 'manage.py token add --account cafe --role analyst --title "Excel' in shown.stdout


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("24h", 86400), ("7d", 604800), ("01:00:00", 3600)]
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "-1h", "1w", "٣h", "-01:00:00", "9999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="24h"):
        duration(text)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT * FROM not_migrated", "make run"),
        ("DELETE FROM ingest_delivery", "DATABASE_OWNER_URL"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "DATABASE_URL"),
    ],
)
def test_an_error_of_the_database_becomes_one_sentence(statement: str, words: str) -> None:
    with pytest.raises(DatabaseError) as caught, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()

    told = str(explain(caught.value))
    assert words in told
    assert "\n" not in told


@pytest.mark.django_db(transaction=True)
def test_a_wrong_statement_of_ours_stays_a_bug() -> None:
    with pytest.raises(DatabaseError) as caught, connection.cursor() as cursor:
        cursor.execute("SELEC 1")

    assert explain(caught.value) is None


def test_a_table_is_aligned_and_an_empty_cell_is_a_dash() -> None:
    assert table(("id", "title"), [(1, None), (22, "б")]) == "id  title\n1   —\n22  б"
