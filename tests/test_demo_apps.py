"""Dropping the demonstration where apps are in it: children, and merchants who wait."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.commandline import every_account
from accounts.models import Account, Source
from accounts.rls import scoped
from ingest.models import Brought, Delivery
from ingest.staging import Row, stage
from integrations.evotor import PROVIDER
from integrations.samples import load
from tasks.children import add_child
from tasks.models import Routed
from tasks.pipeline import settle
from tasks.routing import unrouted

from .settling import make_due, put, sales

pytestmark = pytest.mark.django_db(transaction=True)

RECEIPT = load("evotor")["document_sell__cash"].body


@pytest.fixture(autouse=True)
def _soon_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GJANGO_SOURCE_CACHE_SECONDS", "0.01")


def make_app(account: Account) -> Source:
    with scoped([account.pk]):
        return Source.objects.create(account=account, provider="evotor", title="App", is_app=True)


def connect(app: Source, account: Account, merchant: str) -> Source:
    with every_account():
        return add_child(account, PROVIDER, app, merchant=merchant)


def hear(app: Source, merchant: str) -> None:
    """Settle a receipt of a merchant, and what became of it."""
    settle(put(app, RECEIPT, headers=f"x-gjango-merchant: {merchant}\r\n".encode()))
    make_due()
    with every_account():
        ids = list(Delivery.objects.values_list("pk", flat=True))
    settle(ids)


def removed(capsys: pytest.CaptureFixture[str]) -> Mapping[str, Any]:
    capsys.readouterr()
    call_command("demo", "remove", "--json")
    dropped: Mapping[str, Any] = json.loads(capsys.readouterr().out)["dropped"]
    return dropped


def broken(capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    with contextlib.suppress(SystemExit):
        call_command("verify", "--json")
    checks = json.loads(capsys.readouterr().out)["checks"]
    return [one["id"] for one in checks if one["state"] != "ok"]


def test_an_app_goes_with_its_children_and_with_the_merchants_who_wait(
    capsys: pytest.CaptureFixture[str],
) -> None:
    demo = Account.objects.create(slug="demo", title="demo", is_test=True)
    app = make_app(demo)
    anna = connect(app, demo, "anna")
    hear(app, "anna")
    hear(app, "boris")
    brings = Row(
        demo.pk, app.pk, "push", "POST", "", b"", "", b"", b"{}", b"x" * 32, "", "anna", b"y"
    )
    with scoped([demo.pk]), connection.cursor() as cursor:
        stage(cursor, [brings])
        assert [one[0] for one in unrouted(app.pk)] == ["boris"]
    assert len(sales(anna)) == 1

    dropped = removed(capsys)

    assert (dropped["tasks_routed"], dropped["ingest_brought"]) == (2, 1)
    assert dropped["accounts_source"] == 2
    with every_account():
        left = [model.objects.count() for model in (Source, Delivery, Routed, Brought)]
    assert left == [0, 0, 0, 0]
    assert not Account.objects.filter(slug="demo").exists()


def test_a_merchant_of_anothers_app_waits_again_when_his_source_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    demo = Account.objects.create(slug="demo", title="demo", is_test=True)
    operator = Account.objects.create(slug="operator", title="operator")
    app = make_app(operator)
    connect(app, demo, "anna")
    hear(app, "anna")

    removed(capsys)

    with scoped([operator.pk]):
        assert [(one[0], one[3]) for one in unrouted(app.pk)] == [("anna", 1)]
    assert broken(capsys) == []


def test_an_app_is_not_taken_from_under_another_accounts_merchant() -> None:
    demo = Account.objects.create(slug="demo", title="demo", is_test=True)
    cafe = Account.objects.create(slug="cafe", title="cafe")
    app = make_app(demo)
    child = connect(app, cafe, "anna")

    with pytest.raises(CommandError, match=rf"cafe \({child.pk}\)"):
        call_command("demo", "remove")

    with every_account():
        assert Source.objects.get(pk=app.pk).state == "active"
