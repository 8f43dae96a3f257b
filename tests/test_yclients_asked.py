"""YClients played by a local server: lost events are found in its lists, and money counts once."""

import json
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.yclients import PROVIDER
from sales.models import Payment
from tasks.pipeline import settle
from tests.played import Played, Request, Said, ask_all, playing, turn_until, working
from tests.settling import outcomes_of, put, sales
from tests.thin import settle_answers

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"yclients": PROVIDER}
EVENTS, ANSWERS = samples.load("yclients"), samples.load_answers("yclients")
VISITS, GOODS = "/api/v1/records/169643", "/api/v1/storages/transactions/169643"
HEADERS = {
    "authorization": "Bearer partner123, User user45678",
    "accept": "application/vnd.yclients.v2+json",
}


def connected() -> Source:
    account = Account.objects.create(slug="salon", title="Салон")
    with scoped([account.pk]):
        source = Source.objects.create(
            account=account,
            provider="yclients",
            title="YClients",
            currency="RUB",
            settings={"company": "169643"},
        )
        endpoints.give_api_secret(source, "partner123,user45678")
    return source


def hear(source: Source, *names: str) -> None:
    settle(put(source, *(EVENTS[name].body for name in names)), providers=MINE)


def company(request: Request) -> Said:
    """Answer as documented: who has no tokens is told so, behind the last page is nothing."""
    if any(request.headers.get(name) != value for name, value in HEADERS.items()):
        return Said(401, {"success": False, "data": None, "meta": {"message": "Authentication"}})
    name = {VISITS: "record", GOODS: "goods_operations_sale"}.get(request.path)
    if name is None:
        return Said(404, {"success": False, "data": None, "meta": {}})
    page: Any = json.loads(ANSWERS[f"{name}.listed__page"])["answers"][0]
    return Said(200, page if request.query["page"] == "1" else {"success": True, "data": []})


def walk(source: Source) -> Played:
    """Let the clock walk the lists, and settle what they brought."""
    with playing(company) as played:
        with working(MINE, played.client("api.yclients.com")) as work:
            assert turn_until(work, lambda: len(played.requests) >= 4)
        ask_all(MINE, played.client("api.yclients.com"))
    settle_answers(source, MINE)
    return played


def stated(source: Source) -> dict[str, tuple[Any, ...]]:
    columns = ("kind", "total", "paid_total", "counts", "visible")
    return {row["external_id"]: tuple(row[name] for name in columns) for row in sales(source)}


def test_lost_events_are_found_in_the_lists_of_the_company() -> None:
    source = connected()
    hear(source, "goods_operations_sale__certificate")

    played = walk(source)

    asked = {(one.path, one.query["page"]) for one in played.requests}
    assert asked >= {(VISITS, "1"), (VISITS, "2"), (GOODS, "1"), (GOODS, "2")}
    found = stated(source)
    sold = ("sale", Decimal(620), None, True, True)
    assert found["goods_operations_sale:124876543"] == sold
    assert found["goods_operations_sale:124876604"] == sold
    assert found["record:1680739923"] == ("sale", Decimal(2150), None, True, True)
    assert not found["record:1680739940"][-1]  # deleted
    assert found["goods_operations_sale:124876601"][3] is False  # an advance is no revenue
    assert "dead" not in outcomes_of(source)


def test_a_visit_its_goods_and_its_money_are_counted_once() -> None:
    source = connected()
    hear(
        source,
        "finances_operation__cash",  # before the visit that it pays for
        "finances_operation__goods",
        "goods_operations_sale__shampoo",
        "record__booked",
        "record__paid",
    )

    found = stated(source)

    assert found == {
        "record:1680739923": ("sale", Decimal(2150), Decimal(2150), True, True),
        "goods_operations_sale:124876543": ("sale", Decimal(620), None, True, True),
    }
    with scoped([source.account_id]):
        goods = Payment.objects.get(external_id="finances_operation:1458701446")
    assert (goods.amount, goods.sale_id) == (Decimal(620), None)

    hear(source, "record__deleted", "finances_operation__deleted", "goods_operations_sale__deleted")

    assert [row[-1] for row in stated(source).values()] == [False, False]
