"""``send_sample`` and ``demo`` against a real receiver, over real HTTP."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.commandline import every_account
from accounts.models import Account, Source
from backend_gjango.played.day import recorded
from backend_gjango.played.server import serving
from ingest.models import Delivery, Inbox
from ingest.redaction import cut
from integrations.registry import PROVIDERS
from integrations.samples import load
from sales.models import Sale
from tasks.fetching.http import Client
from tasks.sources import connectable
from tasks.sweep import sweep
from tests.hearing import Running, receiver
from tests.played import working
from tests.settling import make_source, put


@pytest.fixture
def server(tmp_path: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The receiver as it runs in production, without anybody who settles."""
    monkeypatch.setenv("GJANGO_SOURCE_CACHE_SECONDS", "0.1")
    with receiver(tmp_path, application="backend_gjango.asgi:application") as running:
        yield running


@pytest.fixture
def settling(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Somebody who settles what is staged, and asks the played providers, at once."""
    monkeypatch.setenv("SWEEP_GRACE", "0")
    done = threading.Event()

    def work() -> None:
        with working(PROVIDERS, Client()) as asking:
            while not done.wait(0.05):
                sweep()
                asking.turn(rest=0.0)
        connection.close()

    with serving(recorded()) as settings.PLAYED_PORT:
        thread = threading.Thread(target=work)
        thread.start()
        yield
        done.set()
        thread.join()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    call_command(*arguments, "--json")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    answer: dict[str, Any] = json.loads(out)
    return answer


def add_source(capsys: pytest.CaptureFixture[str], provider: str, *more: str) -> dict[str, Any]:
    return run(capsys, "source", "add", provider, "--account", "cafe", *more)


def bodies() -> list[bytes]:
    with every_account():
        return [bytes(row.body) for row in Delivery.objects.order_by("id")]


SECRETS = {"square": "a-key-of-square", "shopify": "a-key-of-shopify"}
ONE_OF = {
    "evotor": "document_sell__cash",
    "shopify": "orders_create__pos",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("provider", sorted({"evotor", "shopify", "square", "standard"}))
def test_a_sample_arrives_byte_for_byte_and_a_spoiled_one_is_refused(
    provider: str, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = ["--secret", SECRETS[provider]] if provider in SECRETS else []
    number = str(add_source(capsys, provider, *secret)["id"])
    name = next(iter(load(provider)))
    to = ["--source", number, "--to", server.url]

    spoiled = run(capsys, "send_sample", provider, name, *to, "--tamper")["sent"]
    sent = run(capsys, "send_sample", provider, name, *to, "--times", "2")["sent"]

    assert [one["status"] for one in spoiled] == [401]
    assert [one["status"] for one in sent] == [200, 200]
    assert bodies() == [load(provider)[name].body] * 2


@pytest.mark.django_db(transaction=True)
def test_without_a_name_all_samples_are_sent_in_order(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    number = str(add_source(capsys, "evotor")["id"])

    sent = run(capsys, "send_sample", "evotor", "--source", number, "--to", server.url)["sent"]

    assert [one["sample"] for one in sent] == list(load("evotor"))
    cuts = PROVIDERS["evotor"].redacted
    assert bodies() == [cut(sample.body, cuts)[0] for sample in load("evotor").values()]


@pytest.mark.django_db(transaction=True)
def test_what_shopify_asks_by_law_is_proven_kept_and_waits_for_a_person(
    server: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_GRACE", "0")
    number = str(add_source(capsys, "shopify", "--secret", SECRETS["shopify"])["id"])
    names = ("customers_data_request__asked", "customers_redact__known", "shop_redact__removed")

    for name in names:
        to = ["send_sample", "shopify", name, "--source", number, "--to", server.url]
        assert [one["status"] for one in run(capsys, *to, "--tamper")["sent"]] == [401]
        assert [one["status"] for one in run(capsys, *to)["sent"]] == [200]
    sweep()

    assert bodies() == [load("shopify")[name].body for name in names]
    letters = run(capsys, "deadletters", "list")["results"]
    assert sorted(one["type"] for one in letters) == [
        "customers/data_request",
        "customers/redact:stored",
        "shop/redact",
    ]
    done = [str(one["id"]) for one in letters]
    run(capsys, "deadletters", "drop", *done, "--reason", "сделано 14.09")
    assert run(capsys, "deadletters", "list")["results"] == []
    assert run(capsys, "verify")["ok"] is True


@pytest.mark.django_db(transaction=True)
def test_another_secret_than_the_source_has_is_refused(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    number = str(add_source(capsys, "evotor")["id"])
    arguments = ["--source", number, "--to", server.url, "--secret", "x" * 40]

    sent = run(capsys, "send_sample", "evotor", ONE_OF["evotor"], *arguments)["sent"]

    assert [one["status"] for one in sent] == [401]
    assert bodies() == []


@pytest.mark.django_db(transaction=True)
def test_a_bearer_of_a_source_that_also_signs_is_used_and_spoiled(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    number = str(add_source(capsys, "standard", "--kind", "bearer")["id"])
    name = next(iter(load("standard")))
    arguments = ["send_sample", "standard", name, "--source", number, "--to", server.url]

    assert run(capsys, *arguments)["sent"][0]["status"] == 200
    assert run(capsys, *arguments, "--tamper")["sent"][0]["status"] == 401


@pytest.mark.django_db(transaction=True)
def test_a_secret_inside_a_form_proves_it_and_a_spoiled_one_does_not(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    number = str(add_source(capsys, "bitrix24", "--secret", "a-token-of-the-portal")["id"])
    name = "ONCRMDEALUPDATE__won"
    arguments = ["send_sample", "bitrix24", name, "--source", number, "--to", server.url]

    assert run(capsys, *arguments)["sent"][0]["status"] == 200
    assert run(capsys, *arguments, "--tamper")["sent"][0]["status"] == 401


@pytest.mark.django_db(transaction=True)
def test_where_the_address_alone_is_the_secret_there_is_nothing_to_spoil(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    number = str(add_source(capsys, "amocrm")["id"])
    name = "leads.status__won"
    arguments = ["send_sample", "amocrm", name, "--source", number, "--to", server.url]

    assert run(capsys, *arguments)["sent"][0]["status"] == 200
    with pytest.raises(CommandError, match="--tamper"):
        run(capsys, *arguments, "--tamper")


@pytest.mark.django_db(transaction=True)
def test_a_configured_address_is_what_is_signed(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = ["--setting", "public_url=https://till.example/in/"]
    number = str(add_source(capsys, "square", "--secret", "a-key-of-square", *setting)["id"])
    name = next(iter(load("square")))
    with every_account():
        path = run(capsys, "source", "list")["sources"][0]["path"]

    sent = run(capsys, "send_sample", "square", name, "--source", number, "--to", server.url)

    assert path.startswith("/hooks/")
    assert [one["status"] for one in sent["sent"]] == [200]


@pytest.mark.django_db(transaction=True)
def test_without_a_source_the_samples_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "send_sample", "evotor") == {"samples": list(load("evotor"))}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["oneC"], ["oneC", "evotor"]),
        (["evotor", "nothing"], ["nothing", "document_sell__cash"]),
        (["evotor", "document_sell__cash"], ["--source"]),
        (["evotor", "--source", "404"], ["--source", "404"]),
        (["shopify", "--source", "MINE"], ["--source", "evotor"]),
        (["evotor", "--source", "MINE", "--times", "0"], ["--times"]),
        (["evotor", "--source", "MINE", "--to", "http://127.0.0.1:1"], ["make run", "--to"]),
        (["evotor", "--source", "MINE", "--to", "nonsense"], ["--to"]),
    ],
)
def test_what_cannot_be_sent_is_one_sentence(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    mine = str(add_source(capsys, "evotor")["id"])

    with pytest.raises(CommandError) as caught:
        call_command("send_sample", *(one.replace("MINE", mine) for one in arguments))
    told = str(caught.value)

    assert "\n" not in told
    assert all(word in told for word in words)


@pytest.mark.django_db(transaction=True)
def test_the_demonstration_comes_through_the_endpoints_and_goes_with_its_staging(
    server: Running, settling: None, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = make_source("mine", "evotor")
    put(kept, b"[]")
    samples = sum(len(load(provider)) for provider in connectable())

    made = run(capsys, "demo", "add", "--to", server.url)
    again = run(capsys, "demo", "add", "--to", server.url)

    assert made == {**again, "sent": samples}
    assert again["sent"] == again["refused"] == again["waiting"] == 0
    account = Account.objects.get(slug="demo")
    assert account.is_test
    with every_account():
        sources = Source.objects.filter(account=account).values_list("provider", flat=True)
        assert sorted(sources) == connectable()
        sold = set(
            Sale.objects.filter(account=account, visible=True).values_list("source__provider")
        )
        assert made["sales"] >= len(sold)
        # Who sends but a hint was asked, and answered as on the recorded day.
        assert sold == {(slug,) for slug in connectable()}

    dropped = run(capsys, "demo", "remove")["dropped"]

    assert dropped["sales_sale"] >= made["sales"]
    assert not Account.objects.filter(slug="demo").exists()
    with every_account():
        assert list(Delivery.objects.values_list("source_id", flat=True)) == [kept.pk]
    assert not Inbox.objects.exclude(account_id=kept.account_id).exists()
    assert run(capsys, "verify")["ok"] is True
    assert run(capsys, "demo", "remove")["dropped"] == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["add", "remove"])
def test_an_account_of_somebody_is_left_alone(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Account.objects.create(slug="demo", title="Демьян Молоков")

    with pytest.raises(CommandError, match="demo"):
        run(capsys, "demo", verb)

    assert Account.objects.filter(slug="demo").exists()
    with every_account():
        assert not Source.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_demonstration_is_finished(
    server: Running, settling: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="make run"):
        run(capsys, "demo", "add", "--to", "http://127.0.0.1:1")

    made = run(capsys, "demo", "add", "--to", server.url)

    assert made["sent"] > 0
    with every_account():
        assert Source.objects.count() == len(connectable())
