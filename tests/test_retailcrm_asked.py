"""RetailCRM played by a local server: a trigger becomes an order, and its history what was lost."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.retailcrm import PROVIDER
from sales.models import Customer
from tasks.models import Backfill
from tasks.pipeline import settle
from tests.played import Played, Request, Said, ask_all, playing, turn_until, working
from tests.settling import outcomes_of, put, sales
from tests.thin import settle_answers

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"retailcrm": PROVIDER}
TRIGGERS, ANSWERS = samples.load("retailcrm"), samples.load_answers("retailcrm")
HOST, KEY, ORDERS = "shop.retailcrm.ru", "key-of-the-api", "/api/v5/orders"
HISTORY = f"{ORDERS}/history"
NOT_FOUND = {"success": False, "errorMsg": "Not found"}


def connected() -> Source:
    account = Account.objects.create(slug="shop", title="Магазин")
    with scoped([account.pk]):
        source = Source.objects.create(
            account=account,
            provider="retailcrm",
            title="RetailCRM",
            currency="RUB",
            settings={"account": HOST},
        )
        endpoints.give_api_secret(source, KEY)
    return source


def recorded(name: str) -> Any:
    return json.loads(ANSWERS[name])["answers"][0]


class Crm:
    """What the account has: orders by id, one by the shop's number too, and the last changes."""

    def __init__(self, orders: Mapping[str, Any], history: Any = None) -> None:
        self.orders = dict(orders)
        self.history = history or {"success": True, "history": []}

    def __call__(self, request: Request) -> Said:
        if request.headers.get("x-api-key") != KEY:
            return Said(403, {"success": False, "errorMsg": 'Wrong "apiKey" value.'})
        if request.path == HISTORY:
            return Said(200, self.history)
        by = {"id": request.path.rpartition("/")[2], "externalId": "5012"}
        found = self.orders.get(by[request.query["by"]])
        return Said(404, NOT_FOUND) if found is None else Said(200, found)


def hear(source: Source, crm: Crm, *names: str) -> Played:
    """Settle what triggers sent, ask for what they name, and settle the answers."""
    settle(put(source, *(TRIGGERS[name].body for name in names)), providers=MINE)
    with playing(crm) as played:
        ask_all(MINE, played.client(HOST))
    settle_answers(source, MINE)
    return played


def look_back(source: Source, crm: Crm) -> list[str]:
    """Let the clock go through the history; return what was asked for because of it."""
    with scoped([source.account_id]):
        Backfill.objects.filter(source=source).update(due_at=Now())
    with playing(crm) as played:
        with working(MINE, played.client(HOST)) as work:
            assert turn_until(work, lambda: HISTORY in played.paths and not work.running)
        settle_answers(source, MINE)
        ask_all(MINE, played.client(HOST))
    settle_answers(source, MINE)
    return [path for path in played.paths if path != HISTORY]


def stated(source: Source) -> list[tuple[Any, ...]]:
    columns = ("external_id", "kind", "status", "total", "paid_total", "counts", "visible")
    return [tuple(row[name] for name in columns) for row in sales(source)]


def test_a_trigger_becomes_a_deal_with_its_payments_that_is_no_revenue() -> None:
    source = connected()
    crm = Crm({"5012": recorded("order.read__won")})

    played = hear(source, crm, "order__won", "order__changed", "order__as_json")
    hear(source, crm, "order__external_alone")

    assert played.paths.count(f"{ORDERS}/5012") == 1  # of three triggers
    assert stated(source) == [
        ("5012", "deal", "completed", Decimal(869), Decimal(500), False, True),
    ]
    with scoped([source.account_id]):
        (anna,) = Customer.objects.all()
    assert (anna.external_id, anna.name) == ("4924", "Иванова Анна")
    assert "dead" not in outcomes_of(source)


def test_what_no_trigger_told_is_found_in_the_history_and_a_deleted_order_is_gone() -> None:
    source = connected()
    page = recorded("order.listed__page")
    orders = {
        "5012": recorded("order.read__won"),
        "5013": recorded("order.read__bare"),
    }
    hear(source, Crm(orders), "order__won")
    changes = page | {"history": [one for one in page["history"] if not one.get("deleted")]}

    assert f"{ORDERS}/5013" in look_back(source, Crm(orders, changes))
    assert [row[0] for row in stated(source)] == ["5012", "5013"]

    look_back(source, Crm({"5012": orders["5012"]}, page))

    assert [(row[0], row[-1]) for row in stated(source)] == [
        ("5011", False),
        ("5012", True),
        ("5013", True),
    ]
