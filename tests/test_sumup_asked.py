"""A merchant of SumUp played by a local server: the same notice tells of another state, and is read
again; a card reader's payment and a refund are found without any."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.sumup import PROVIDER
from sales.models import Refund, Sale
from tasks.pipeline import settle
from tests.played import Request, Said, ask_all, playing
from tests.settling import outcomes_of, put
from tests.thin import settle_answers
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"sumup": PROVIDER}
HOST, KEY, MERCHANT = "api.sumup.com", "sup_sk_0123456789abcdef", "MH4H92C7"
EVENTS, ANSWERS = samples.load("sumup"), samples.load_answers("sumup")
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)


def recorded(name: str) -> Any:
    return json.loads(ANSWERS[name])["answers"][0]


class Merchant:
    """Its checkouts and transactions by their ids, and what changed. All else is not found."""

    def __init__(self) -> None:
        self.checkout = recorded("checkout.read__pending")
        self.transactions: dict[str, Any] = {}

    def __call__(self, request: Request) -> Said:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Said(401, {"title": "Unauthorized", "status": 401})
        if request.path == f"/v0.1/checkouts/{self.checkout['id']}":
            return Said(200, self.checkout)
        if request.path == f"/v2.1/merchants/{MERCHANT}/transactions/history":
            return Said(200, {"items": [*self.transactions.values()], "links": []})
        found = self.transactions.get(request.query.get("id", ""))
        is_known = request.path == f"/v2.1/merchants/{MERCHANT}/transactions" and found is not None
        return Said(200, found) if is_known else Said(404, {"error_code": "NOT_FOUND"})

    def pay(self, name: str) -> None:
        transaction = recorded(name)
        self.checkout = {**self.checkout, "status": "PAID", "transactions": [transaction]}
        self.transactions[transaction["id"]] = transaction


def connected() -> Source:
    owner = Account.objects.create(slug="cafe", title="cafe")
    with scoped([owner.pk]):
        source = Source.objects.create(
            account=owner, provider="sumup", title="cafe", settings={"merchant": MERCHANT}
        )
        endpoints.give_api_secret(source, KEY)
    return source


def read_all(source: Source, merchant: Merchant) -> None:
    with playing(merchant) as played:
        for _ in range(2):  # what is asked for, and what the answers ask for
            ask_all(MINE, played.client(HOST))
            settle_answers(source, MINE)


def hear(source: Source) -> None:
    settle(put(source, EVENTS["CHECKOUT_STATUS_CHANGED__paid"].body), providers=MINE)


def of(source: Source) -> list[tuple[str, ...]]:
    with scoped([source.account_id]):
        return [(row.status, str(row.total), str(row.net_total)) for row in Sale.objects.all()]


def test_the_same_words_are_read_again_and_find_what_was_paid_since() -> None:
    source, merchant = connected(), Merchant()

    hear(source)
    read_all(source, merchant)
    assert of(source) == []
    merchant.pay("transaction.read__paid")
    hear(source)
    read_all(source, merchant)

    assert of(source) == [("completed", "12.5000", "12.5000")]
    assert outcomes_of(source).count("duplicate") == 1
    assert "dead" not in outcomes_of(source)


def test_a_payment_and_its_refund_are_found_without_a_notice() -> None:
    source, merchant = connected(), Merchant()
    merchant.pay("transaction.read__part_back")

    played = walked(source, "transaction", (SINCE, UNTIL), merchant, at=(MINE, HOST))
    read_all(source, merchant)

    assert played.requests[0].query["changes_since"] == "2026-09-14T00:00:00.000Z"
    assert of(source) == [("partially_refunded", "12.5000", "10.0000")]
    with scoped([source.account_id]):
        totals = [*Refund.objects.order_by("total").values_list("status", "total")]
    assert [(status, str(total)) for status, total in totals] == [
        ("failed", "1.0000"),
        ("completed", "2.5000"),
    ]
