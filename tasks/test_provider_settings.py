"""Settings that one provider alone knows: a portal's domain, beside those of every source."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.commandline import every_account
from accounts.models import Source
from integrations.registry import PROVIDERS
from tasks import loading
from tasks.source_settings import SETTINGS

PORTAL = ("--setting", "portal=https://Company.bitrix24.ru/")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    call_command("source", *arguments, "--json")
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def add(capsys: pytest.CaptureFixture[str], provider: str, *more: str) -> str:
    return str(run(capsys, "add", provider, "--account", "cafe", *more)["id"])


def kept(number: str) -> dict[str, Any]:
    with every_account():
        found: dict[str, Any] = Source.objects.get(pk=number).settings
    return found


@pytest.mark.django_db(transaction=True)
def test_a_setting_of_the_provider_is_kept_and_given_to_whoever_reads_its_deliveries(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = add(capsys, "bitrix24", *PORTAL, "--setting", "currency=KZT")

    assert kept(number) == {"portal": "company.bitrix24.ru"}
    with every_account():
        settings = loading.settings([int(number)])[int(number)]
    assert settings.settings == {"portal": "company.bitrix24.ru"}
    assert settings.currency == "KZT"
    (listed,) = run(capsys, "list")["sources"]
    assert listed["settings"]["portal"] == "company.bitrix24.ru"


@pytest.mark.django_db(transaction=True)
def test_it_is_changed_and_taken_back_and_what_else_is_noted_there_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = add(capsys, "bitrix24", *PORTAL)
    with every_account():
        Source.objects.filter(pk=number).update(settings={**kept(number), "noted": True})

    changed = run(capsys, "set", number, "--setting", "portal=crm.example.org")
    same = run(capsys, "set", number, "--setting", "portal=crm.example.org", "--title", "CRM")

    assert (changed["changed"], changed["stale"]) == (["portal"], True)
    assert changed["settings"]["portal"] == "crm.example.org"
    assert same["changed"] == ["title"]
    assert kept(number) == {"portal": "crm.example.org", "noted": True}

    emptied = run(capsys, "set", number, "--setting", "portal=")

    assert emptied["settings"]["portal"] is None
    assert kept(number) == {"noted": True}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("portal=127.0.0.1", ["--setting portal", "company.bitrix24.ru", "127.0.0.1"]),
        ("portal=", ["--setting portal"]),
        ("subdomains=x", ["subdomains", ", ".join(SETTINGS), "portal"]),
    ],
)
def test_what_it_cannot_be_is_one_sentence_and_makes_nothing(pair: str, words: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("source", "add", "bitrix24", "--account", "cafe", "--setting", pair)

    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)
    with every_account():
        assert not Source.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_provider_without_it_does_not_know_it(capsys: pytest.CaptureFixture[str]) -> None:
    number = add(capsys, "standard")

    for arguments in (("add", "square", "--account", "cafe"), ("set", number)):
        with pytest.raises(CommandError, match="portal"):
            call_command("source", *arguments, *PORTAL)


@pytest.mark.django_db(transaction=True)
def test_an_inbound_webhook_is_kept_as_the_secret_of_the_api_and_checked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = add(capsys, "bitrix24", *PORTAL)

    with pytest.raises(CommandError, match="7/code") as caught:
        run(capsys, "secret", number, "--kind", "api", "--secret", "no-webhook-at-all")

    assert "no-webhook" not in str(caught.value)
    assert run(capsys, "secret", number, "--kind", "api", "--secret", "7/abc123def456")
    (listed,) = run(capsys, "list")["sources"]
    assert "abc123def456" not in json.dumps(listed)


@pytest.mark.django_db(transaction=True)
def test_a_token_of_the_api_may_be_as_long_as_a_signed_one_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = add(capsys, "amocrm", "--setting", "subdomain=romashka")
    assert kept(number) == {"subdomain": "romashka.amocrm.ru"}

    assert run(capsys, "secret", number, "--kind", "api", "--secret", "x" * 4000)
    with pytest.raises(CommandError, match="4000"):
        run(capsys, "secret", number, "--kind", "api", "--secret", "x" * 4001)


def test_no_provider_gives_another_meaning_to_a_setting_of_every_source() -> None:
    common = {*SETTINGS, "confirm"}

    assert not [slug for slug, one in PROVIDERS.items() if one.settings.keys() & common]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("provider", "name", "value"),
    [("bitrix24", "portal", "company.bitrix24.ru"), ("amocrm", "subdomain", "romashka")],
)
def test_a_source_says_what_it_cannot_ask_without_until_it_has_it(
    provider: str, name: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = ["--secret", "a-token-of-the-portal"] if provider == "bitrix24" else []
    added = run(capsys, "add", provider, "--account", "cafe", *secret)
    number = str(added["id"])
    assert list(added["needs_settings"]) == [name]
    call_command("source", "pause", number)
    told = capsys.readouterr().out
    assert f"manage.py source set {number} --setting {name}=" in told
    assert f"manage.py source secret {number} --kind api --secret -" in told

    run(capsys, "set", number, "--setting", f"{name}={value}")
    given = run(capsys, "secret", number, "--kind", "api", "--secret", "7/abc123def456")

    assert (given["needs_settings"], given["needs_api_secret"]) == ({}, False)
    (listed,) = run(capsys, "list")["sources"]
    assert listed["secret_kinds"] == (["api", "bearer"] if secret else ["api"])
    call_command("source", "list")
    assert ", ".join(listed["secret_kinds"]) in capsys.readouterr().out
    call_command("source", "resume", number)
    assert "дальше" not in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_a_source_that_tells_all_it_knows_lacks_nothing_and_could_find_what_is_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    added = run(capsys, "add", "toast", "--account", "cafe")
    number = str(added["id"])
    call_command("source", "pause", number)
    told = capsys.readouterr().out

    run(capsys, "set", number, "--setting", "restaurant=d3f0c0de-0000-4000-8000-000000000001")
    given = run(capsys, "secret", number, "--kind", "api", "--secret", "an-id:a-secret")

    assert (added["needs_settings"], added["needs_api_secret"]) == ({}, False)
    assert added["could_find_lost"] == ["restaurant", "api"]
    assert f"manage.py source set {number} --setting restaurant=…" in told
    assert f"manage.py source check {number}" in told
    assert given["could_find_lost"] == []
    call_command("source", "pause", number)
    assert "потерянное" not in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_is_never_asked_lacks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    added = run(capsys, "add", "standard", "--account", "cafe")

    assert (added["needs_settings"], added["needs_api_secret"]) == ({}, False)
    assert added["could_find_lost"] == []


@pytest.mark.django_db(transaction=True)
def test_a_setting_that_says_what_bodies_mean_counts_a_revision_whether_it_is_demanded_or_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    organization = ("--setting", "organization=00D000000000001")
    number = add(capsys, "salesforce", *organization)

    changed = run(capsys, "set", number, "--setting", "clock=SystemModstamp")

    assert changed["stale"]
    assert kept(number)["revision"] == 1
    run(capsys, "set", number, "--setting", "organization=00D000000000002")
    assert kept(number)["revision"] == 2
