"""Poster, played on this machine: many hooks of one cheque, one question, errors under a 200."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.commandline import every_account
from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.models import Delivery
from ingest.redaction import cut
from integrations import samples
from integrations.cases import outcome
from integrations.registry import PROVIDERS
from tasks.children import add_child
from tasks.fetching import walks
from tasks.models import Backfill
from tasks.pipeline import settle
from tests.played import (
    Answering,
    Played,
    Request,
    Said,
    ask_all,
    playing,
    turn_until,
    working,
)
from tests.settling import make_due, outcomes_of, put, sales
from tests.thin import reads, settle_answers, the_read

DAYS = (1, 14)
TOKEN = "687409:token-of-the-account"
RECORDED = samples.load_answers("poster")
database = pytest.mark.django_db(transaction=True)


def make() -> Source:
    account = Account.objects.create(slug="cafe", title="cafe")
    with scoped([account.pk]):
        source = Source.objects.create(
            account=account, provider="poster", title="Poster", currency="UAH"
        )
        endpoints.give_api_secret(source, TOKEN)
    return source


def recorded(name: str) -> list[Any]:
    found: list[Any] = json.loads(RECORDED[f"transaction.{name}"])["answers"]
    return found


def poster(*cheques: str) -> Answering:
    """Return how Poster answers that has these recorded cheques: errors, too, with a 200."""
    have = {recorded(name)[0]["response"][0]["transaction_id"]: recorded(name) for name in cheques}

    def answer(request: Request) -> Said:
        if request.query.get("token") != TOKEN:
            return Said(200, {"error": {"code": 11, "message": "Bad access token"}})
        if request.path == "/api/dash.getTransactions":
            rows = [answers[0]["response"][0] for answers in have.values()]
            return Said(200, {"response": [] if "next_tr" in request.query else rows})
        found = have.get(request.query["transaction_id"])
        if found is None:
            return Said(200, {"response": []})
        return Said(200, found[request.path == "/api/dash.getTransactionProducts"])

    return answer


def hear(source: Source, *names: str) -> None:
    settle(put(source, *(samples.load("poster")[name].body for name in names)))


def ask(source: Source, answer: Answering) -> Played:
    with playing(answer) as played:
        ask_all(PROVIDERS, played.client("joinposter.com"))
        settle_answers(source, PROVIDERS)
    return played


def stated(source: Source) -> list[tuple[Any, ...]]:
    columns = ("external_id", "status", "total", "visible")
    return [tuple(sale[name] for name in columns) for sale in sales(source)]


def wait_over(source: Source) -> None:
    with the_read(source) as row:
        row.due_at = row.requested_at


@database
def test_the_many_hooks_of_a_cheque_ask_for_it_once_and_once_more_after_quiet() -> None:
    source = make()
    hear(source, "transaction.added__opened", "transaction.changed__item")
    hear(source, "transaction.changed__closed")

    first = ask(source, poster("read__open"))

    assert first.paths == ["/api/dash.getTransaction", "/api/dash.getTransactionProducts"]
    assert stated(source) == [("16776", "open", None, True)]
    wait_over(source)  # Poster may have answered too soon
    ask(source, poster("read__closed"))

    assert stated(source) == [("16776", "completed", Decimal(620), True)]
    assert reads(source) == []
    assert "dead" not in outcomes_of(source)


@database
def test_a_cheque_that_was_deleted_is_kept_as_voided() -> None:
    source = make()
    hear(source, "transaction.removed__deleted")

    ask(source, poster("read__deleted"))

    assert stated(source) == [("16778", "voided", None, True)]


@database
def test_a_wrong_token_and_no_such_cheque_are_told_apart_and_record_nothing() -> None:
    source = make()
    hear(source, "transaction.changed__without_data")

    ask(source, poster())  # 16777 is not there: perhaps not yet

    assert [row.lagged for row in reads(source)] == [1]
    wait_over(source)
    with scoped([source.account_id]):
        endpoints.give_api_secret(source, "687409:another")
    ask(source, poster())

    assert "401" in (reads(source)[0].last_error or "")
    assert sales(source) == []


@database
def test_the_past_is_listed_and_every_cheque_of_it_asked_for() -> None:
    source, answer = make(), poster("read__closed", "read__deleted")
    with scoped([source.account_id]):
        walk = walks.start(source, "transaction", *(datetime(2026, 9, n, tzinfo=UTC) for n in DAYS))

    def is_done() -> bool:
        with scoped([source.account_id]):
            return Backfill.objects.get(pk=walk.pk).state == "done"

    with playing(answer) as played, working(PROVIDERS, played.client("joinposter.com")) as work:
        assert turn_until(work, is_done)
    settle_answers(source, PROVIDERS)
    ask(source, answer)

    assert [one.query.get("next_tr") for one in played.requests] == [None, "16778"]
    assert [row[:2] for row in stated(source)] == [("16776", "completed"), ("16778", "voided")]


@database
def test_an_application_of_many_accounts_asks_each_with_the_accounts_own_token() -> None:
    with scoped([(operator := Account.objects.create(slug="operator", title="operator")).pk]):
        app = Source.objects.create(account=operator, provider="poster", title="App", is_app=True)
    cafe = Account.objects.create(slug="cafe", title="cafe")
    with every_account():
        child = add_child(cafe, PROVIDERS["poster"], app, merchant="mykava6")
        endpoints.give_api_secret(child, TOKEN)

    hear(app, "transaction.changed__closed")
    make_due()
    with scoped([cafe.pk]):
        routed = [row.pk for row in Delivery.objects.filter(source=child)]
    settle(routed)
    ask(child, poster("read__closed"))

    assert [row[:2] for row in stated(child)] == [("16776", "completed")]
    assert sales(app) == []


@pytest.mark.parametrize("name", sorted(samples.load("poster")))
def test_what_is_kept_of_a_hook_has_no_token_in_the_json_of_its_text_and_reads_the_same(
    name: str,
) -> None:
    sample, provider = samples.load("poster")[name], PROVIDERS["poster"]

    kept, found = cut(sample.body, provider.redacted, "application/json")

    assert b"EXAMPLE-" not in kept
    assert (kept == sample.body) is (not found) is (name != "application.added__token")
    if found:
        assert json.loads(json.loads(kept)["data"]) == {"user_id": 6, "access_token": "[cut]"}
    assert outcome(provider, replace(sample, body=kept)) == outcome(provider, sample)
