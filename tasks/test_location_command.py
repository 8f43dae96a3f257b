"""The command ``location``, with the real database."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account, Source
from accounts.rls import scoped
from sales.drafts import Header, Mention, Rank, SaleDraft, Version
from sales.models import Location, Sale
from sales.recording import Stated, record

#: One in the morning in Moscow, three in Yekaterinburg: a bar that sells past midnight.
NIGHT = datetime(2026, 9, 14, 22, tzinfo=UTC)


def bar(account: Account, title: str = "bar") -> Source:
    """Make a source whose location ``bar`` sold once at night."""
    with scoped([account.pk]):
        source = Source.objects.create(account=account, provider="standard", title=title)
        header = Header(
            currency="RUB",
            occurred_at=NIGHT,
            location=Mention(external_id="bar", name="Бар"),
            total=Decimal("10.00"),
        )
        draft = SaleDraft(external_id="night", version=Version(Rank.FULL, 1), header=header)
        record([Stated(draft, account.pk, source.pk, UUID(int=7), NIGHT, 1)])
    return source


@pytest.fixture
def account() -> Account:
    return Account.objects.create(slug="cafe", title="Кафе")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    call_command("location", *arguments, "--account", "cafe", "--json")
    return json.loads(capsys.readouterr().out)


def days(account: Account) -> list[date | None]:
    with scoped([account.pk]):
        return list(Sale.objects.values_list("business_date", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("option", "value", "day"),
    [
        ("--cutoff", "5", date(2026, 9, 14)),
        ("--timezone", "Europe/London", date(2026, 9, 14)),
        ("--timezone", "Asia/Yekaterinburg", date(2026, 9, 15)),
    ],
)
def test_a_change_derives_the_days_again(
    option: str, value: str, day: date, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    bar(account)
    assert days(account) == [date(2026, 9, 15)]

    shown = run(capsys, "set", "bar", option, value)

    assert str(shown[option.removeprefix("--")]) == value
    assert days(account) == [day]


@pytest.mark.django_db(transaction=True)
def test_a_location_is_named_by_its_code_or_its_id(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    bar(account)
    listed = run(capsys, "list")["locations"]
    assert [item["name"] for item in listed] == ["Бар"]

    assert run(capsys, "set", listed[0]["id"], "--currency", "kzt")["currency"] == "KZT"
    assert run(capsys, "set", "bar", "--currency", "")["currency"] == ""


@pytest.mark.django_db(transaction=True)
def test_a_code_of_two_sources_asks_for_the_id(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    for title in ("one", "other"):
        bar(account, title)
    with scoped([account.pk]):
        ids = [str(key) for key in Location.objects.values_list("pk", flat=True)]

    with pytest.raises(CommandError) as caught:
        run(capsys, "set", "bar", "--cutoff", "5")

    assert all(key in str(caught.value) for key in ids)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["set", "bar"], ["--timezone", "--cutoff", "--currency"]),
        (["set", "bar", "--cutoff", "24"], ["--cutoff"]),
        (["set", "bar", "--timezone", "Moscow"], ["--timezone", "Europe/Moscow"]),
        (["set", "bar", "--currency", "RUR"], ["--currency", "RUB"]),
        (["set", "nowhere", "--cutoff", "1"], ["nowhere", "bar"]),
    ],
)
def test_what_cannot_be_set_is_one_sentence(
    arguments: list[str], words: list[str], account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    bar(account)

    with pytest.raises(CommandError) as caught:
        run(capsys, *arguments)

    assert all(word in str(caught.value) for word in words)
    with scoped([account.pk]):
        location = Location.objects.get()
    assert (location.timezone, location.day_cutoff, location.currency) == ("", 0, "")
