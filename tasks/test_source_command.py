"""The command ``source``, with the real database."""

import base64
import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.commandline import every_account
from accounts.models import Account, Source
from ingest import endpoints
from ingest.models import Inbox, SourceEndpoint, SourceSecret
from integrations.registry import PROVIDERS
from tasks.source_settings import SETTINGS, values_of
from tasks.sources import connectable

#: Settings without which a source of some provider is not made.
NEEDED = {"organization": "00D000000000001"}
WHSEC = "whsec_" + base64.b64encode(bytes(range(24))).decode()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    call_command("source", *arguments, "--json")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    answer: dict[str, Any] = json.loads(out)
    return answer


def add(capsys: pytest.CaptureFixture[str], provider: str, *more: str) -> dict[str, Any]:
    return run(capsys, "add", provider, "--account", "cafe", *more)


def source(number: int) -> Source:
    with every_account():
        return Source.objects.select_related("account").get(pk=number)


def secrets_of(number: int) -> list[tuple[str, str]]:
    with every_account():
        held = endpoints.secrets_of(Source.objects.get(pk=number))
    return [(secret.value, secret.kind) for secret in held]


@pytest.mark.django_db(transaction=True)
def test_adding_makes_the_account_the_address_and_the_secret(
    capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    answer = add(capsys, "standard", "--title", "Касса")

    assert set(answer) == {
        *("id", "url", "path", "secret", "state", "unsigned", "needs_api_secret"),
        *("needs_settings", "could_find_lost"),
        "shows_code",
        *("kind", "parent", "merchant"),
    }
    assert (answer["unsigned"], answer["needs_api_secret"]) == (False, False)
    assert re.fullmatch(r"/hooks/[A-Za-z0-9_-]{32,}", answer["path"])
    assert answer["url"] == settings.PUBLIC_URL + answer["path"]
    assert answer["state"] == "active"
    assert len(base64.b64decode(answer["secret"].removeprefix("whsec_"), validate=True)) >= 24
    assert secrets_of(answer["id"]) == [(answer["secret"], "signing")]
    row = source(answer["id"])
    assert (row.account.slug, row.account.timezone) == ("cafe", "Europe/Moscow")
    assert (row.title, row.currency, row.provider) == ("Касса", "RUB", "standard")


@pytest.mark.django_db(transaction=True)
def test_a_bearer_is_made_where_nothing_is_signed(capsys: pytest.CaptureFixture[str]) -> None:
    answer = add(capsys, "evotor")

    assert answer["state"] == "active"
    assert 32 <= len(answer["secret"]) <= 128
    assert secrets_of(answer["id"]) == [(answer["secret"], "bearer")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("provider", ["square", "shopify"])
def test_a_source_waits_for_the_secret_that_its_provider_issues(
    provider: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = add(capsys, provider)
    assert (answer["secret"], answer["state"]) == (None, "needs_secret")

    after = run(capsys, "secret", str(answer["id"]), "--secret", "from-the-console-1")

    assert after["state"] == "active"
    assert secrets_of(answer["id"]) == [("from-the-console-1", "signing")]


@pytest.mark.django_db(transaction=True)
def test_a_source_without_signatures_works_at_once_and_is_marked_wherever_it_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = add(capsys, "moysklad")

    assert (answer["secret"], answer["state"]) == (None, "active")
    assert (answer["unsigned"], answer["needs_api_secret"]) == (True, True)
    (listed,) = run(capsys, "list")["sources"]
    assert (listed["unsigned"], listed["secrets"]) == (True, 0)
    call_command("source", "list")
    assert "без подписи" in capsys.readouterr().out
    call_command("source", "pause", str(answer["id"]))
    assert "unsigned" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_an_unsigned_source_is_told_of_the_key_it_asks_with_until_it_has_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = str(add(capsys, "moysklad")["id"])
    with pytest.raises(CommandError, match="--kind api"):
        call_command("source", "secret", number, "--secret", "0cbfc512618efa7d")

    after = run(capsys, "secret", number, "--kind", "api", "--secret", "0cbfc512618efa7d")

    assert (after["state"], after["needs_api_secret"]) == ("active", False)
    assert secrets_of(int(number)) == []
    assert run(capsys, "pause", number)["state"] == "paused"
    assert run(capsys, "resume", number)["state"] == "active"


@pytest.mark.django_db(transaction=True)
def test_the_secret_is_encrypted_at_rest(capsys: pytest.CaptureFixture[str]) -> None:
    answer = add(capsys, "standard")

    with every_account():
        kept = bytes(SourceSecret.objects.get().value_encrypted)
        address = SourceEndpoint.objects.get()
    assert answer["secret"].encode() not in kept
    token = answer["path"].removeprefix("/hooks/").encode()
    assert token not in bytes(address.token_encrypted) + bytes(address.token_hash)


@pytest.mark.django_db(transaction=True)
def test_settings_are_read_into_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    given = {
        "currency": "kzt",
        "timezone": "Asia/Almaty",
        "public_url": "https://till.example/in",
        "location": "Арбат 1",
        "prices_include_tax": "да",
        "priority": "-5",
        "test": "true",
        "allow_ips": "203.0.113.7, 2001:db8::/32",
    }
    pairs = [part for item in given.items() for part in ("--setting", "=".join(item))]

    answer = add(capsys, "standard", *pairs)

    row = source(answer["id"])
    assert answer["url"] == "https://till.example/in"
    assert values_of(row, None) == {
        "currency": "KZT",
        "timezone": "Asia/Almaty",
        "public_url": "https://till.example/in",
        "location": "Арбат 1",
        "prices_include_tax": True,
        "priority": -5,
        "test": True,
        "allow_ips": ["203.0.113.7/32", "2001:db8::/32"],
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("colour=red", ["colour", ", ".join(SETTINGS)]),
        ("currency", ["currency", "ИМЯ=ЗНАЧЕНИЕ"]),
        ("currency=RUR", ["--setting currency", "RUB"]),
        ("timezone=Moscow", ["--setting timezone", "Europe/Moscow"]),
        ("timezone=../../etc/passwd", ["--setting timezone"]),
        ("timezone=", ["--setting timezone"]),
        ("public_url=ftp://x.example", ["--setting public_url", "http"]),
        ("public_url=https://", ["--setting public_url"]),
        ("public_url=https://x.example:99999/", ["--setting public_url"]),
        ("public_url=https://u:p@x.example/", ["--setting public_url"]),
        ("public_url=https://x.example/#a", ["--setting public_url"]),
        ("public_url=https://[x", ["--setting public_url"]),
        ("location=", ["--setting location"]),
        ("prices_include_tax=maybe", ["--setting prices_include_tax", "true"]),
        ("priority=1.5", ["--setting priority"]),
        ("priority=٣", ["--setting priority"]),
        ("priority=99999", ["--setting priority"]),
        ("test=2", ["--setting test"]),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_made(pair: str, words: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("source", "add", "standard", "--account", "cafe", "--setting", pair)

    assert all(word in str(caught.value) for word in words)
    assert not Account.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "oneC", "--account", "cafe"], ["oneC", ", ".join(connectable())]),
        (["add", "manual", "--account", "cafe"], ["manual"]),
        (["add", "standard", "--account", "не слаг"], ["--account"]),
        (["add", "standard", "--account", "cafe", "--secret", "whsec_кот"], ["--secret"]),
        (["add", "standard", "--account", "cafe", "--secret", "whsec_YQ=="], ["whsec_"]),
        (["add", "standard", "--account", "cafe", "--secret", "whsec_!!!"], ["whsec_"]),
        (["add", "evotor", "--account", "cafe", "--secret", "short"], ["--secret", "16"]),
        (["add", "evotor", "--account", "cafe", "--secret", "x" * 129], ["--secret", "128"]),
        (["add", "square", "--account", "cafe", "--secret", "a b"], ["--secret"]),
        (["secret", "404", "--secret", "x" * 20], ["404", "source list"]),
        (["rotate", "404"], ["404", "source list"]),
        (["rotate", "1", "--overlap", "soon"], ["--overlap", "24h"]),
        (["rotate", "1", "--url", "--secret", "x"], ["--url"]),
        (["list", "--account", "none"], ["--account", "none"]),
    ],
)
def test_an_error_is_one_sentence_that_names_the_option(
    arguments: list[str], words: list[str]
) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("source", *arguments)

    assert all(word in str(caught.value) for word in words)
    assert "кот" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("provider", "wrong", "right", "words"),
    [
        ("bitrix24", "https://x.example/", "7/abcdefgh", "inbound webhook"),
        ("iiko", "app:secret", "app:secret:key", "appId:clientSecret:apiKey"),
        ("stripe", "whsec_c2VjcmV0", "rk_live_key", "a key rk_"),
        ("shopify", "shpss_key", "an-id:shpss_key", "the app's access token"),
        ("salesforce", "a-key-alone", "a-key:its-secret", "the client's id:its key"),
        ("toast", "a-token-alone", "an-id:its-secret", "the client's id:its key"),
        ("yclients", "one-token", "partnertoken1,usertoken12", "partner's token"),
        ("zettle", "a-client:", "a-client:a-key", "the client's id:its key"),
    ],
)
def test_a_secret_of_an_api_has_the_form_that_its_calls_take(
    provider: str, wrong: str, right: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    needed = [f"--setting={name}={NEEDED[name]}" for name in PROVIDERS[provider].requires]
    number = str(add(capsys, provider, *needed)["id"])

    with pytest.raises(CommandError) as caught:
        call_command("source", "secret", number, "--kind", "api", "--secret", wrong)
    run(capsys, "secret", number, "--kind", "api", "--secret", right)

    assert words in str(caught.value)
    assert wrong not in str(caught.value)
    (listed,) = run(capsys, "list")["sources"]
    assert listed["api_secret"] is True


@pytest.mark.django_db(transaction=True)
def test_a_refused_secret_leaves_no_source_behind(capsys: pytest.CaptureFixture[str]) -> None:
    add(capsys, "standard")

    with pytest.raises(CommandError):
        add(capsys, "standard", "--secret", "whsec_YQ==")

    with every_account():
        assert Source.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_after_a_rotation_both_secrets_hold_for_the_overlap(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = add(capsys, "standard", "--secret", WHSEC)

    second = run(capsys, "rotate", str(first["id"]), "--overlap", "1h")

    assert second["secret"] not in (None, WHSEC)
    assert {value for value, _ in secrets_of(first["id"])} == {WHSEC, second["secret"]}
    with every_account():
        row = Source.objects.get()
        later = endpoints.secrets_of(row, timezone.now() + timedelta(minutes=61))
    assert [secret.value for secret in later] == [second["secret"]]


@pytest.mark.django_db(transaction=True)
def test_a_secret_of_the_provider_is_rotated_only_by_giving_the_new_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = str(add(capsys, "square", "--secret", "first-key")["id"])

    with pytest.raises(CommandError, match="--secret"):
        run(capsys, "rotate", number)

    assert run(capsys, "rotate", number, "--secret", "second-key")["secret"] == "second-key"


@pytest.mark.django_db(transaction=True)
def test_a_new_address_replaces_the_old_one_after_the_overlap(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = add(capsys, "standard")

    second = run(capsys, "rotate", str(first["id"]), "--url", "--overlap", "30m")

    assert second["path"] != first["path"]
    assert second["secret"] is None
    with every_account():
        ends = SourceEndpoint.objects.order_by("id").values_list("valid_until", flat=True)
        until, forever = ends
    assert forever is None
    assert until is not None
    assert timedelta(minutes=25) < until - timezone.now() <= timedelta(minutes=30)
    assert secrets_of(first["id"]) == [(first["secret"], "signing")]


@pytest.mark.django_db(transaction=True)
def test_a_configured_url_follows_the_new_token(capsys: pytest.CaptureFixture[str]) -> None:
    first = add(capsys, "standard")
    with every_account():
        Source.objects.update(public_url="https://till.example" + first["path"])

    second = run(capsys, "rotate", str(first["id"]), "--url")

    assert second["path"] != first["path"]
    assert second["url"] == "https://till.example" + second["path"]


@pytest.mark.django_db(transaction=True)
def test_resuming_makes_the_held_deliveries_due(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GJANGO_SOURCE_CACHE_SECONDS", "0.01")
    held, other = add(capsys, "standard"), add(capsys, "standard")
    assert run(capsys, "pause", str(held["id"]))["state"] == "paused"
    with connection.cursor() as cursor:
        for number, part in ((held["id"], 1), (other["id"], 2)):
            cursor.execute(
                "INSERT INTO ingest_inbox (delivery_id, account_id, source_id, due_at)"
                " VALUES (%s, 1, %s, 'infinity')",
                [UUID(int=part), number],
            )

    assert run(capsys, "resume", str(held["id"]))["state"] == "active"

    due = Inbox.objects.filter(due_at__lte=timezone.now())
    assert [row.source_id for row in due] == [held["id"]]


@pytest.mark.django_db(transaction=True)
def test_a_source_without_a_secret_cannot_be_switched_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = str(add(capsys, "square")["id"])

    assert run(capsys, "disable", number)["state"] == "disabled"
    assert run(capsys, "enable", number)["state"] == "needs_secret"


@pytest.mark.django_db(transaction=True)
def test_the_list_shows_addresses_and_never_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    answer = add(capsys, "standard")
    run(capsys, "add", "evotor", "--account", "shop")

    call_command("source", "list", "--account", "cafe")
    text = capsys.readouterr().out
    listed = run(capsys, "list")["sources"]

    assert answer["url"] in text
    assert "shop" not in text
    assert answer["secret"] not in text + json.dumps(listed)
    assert [item["account"] for item in listed] == ["cafe", "shop"]
    assert listed[0]["settings"]["currency"] == "RUB"


@pytest.mark.django_db(transaction=True)
def test_a_source_whose_provider_is_gone_is_listed_set_and_disabled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = add(capsys, "standard")["id"]
    with every_account():
        Source.objects.filter(pk=number).update(provider="gone")

    (listed,) = run(capsys, "list")["sources"]
    changed = run(capsys, "set", str(number), "--title", "Старая касса")
    disabled = run(capsys, "disable", str(number))

    assert (listed["provider"], listed["unsigned"]) == ("gone", False)
    assert changed["title"] == "Старая касса"
    assert disabled["state"] == "disabled"
