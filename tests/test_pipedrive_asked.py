"""A company of Pipedrive played by a local server: the products of a deal are read page by page."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.pipedrive import PROVIDER
from sales.models import Customer, Sale, SaleLine
from tasks.pipeline import settle
from tests.played import Request, Said, ask_all, playing
from tests.settling import outcomes_of, put
from tests.thin import settle_answers
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"pipedrive": PROVIDER}
HOST, TOKEN = "romashka.pipedrive.com", "0123abcd"
EVENTS, ANSWERS = samples.load("pipedrive"), samples.load_answers("pipedrive")
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)


def recorded(name: str) -> list[Any]:
    answers: list[Any] = json.loads(ANSWERS[name])["answers"]
    return answers


DEAL, *PAGES = recorded("deal.read__discount_of_the_deal")


def of_deal(body: Any, number: int) -> Any:
    return {**body, "data": {**body["data"], "id": number, "person_id": 84}}


def company(request: Request) -> Said:
    """Answer as documented: products in two pages, the second behind the cursor of the first."""
    if request.headers.get("x-api-token") != TOKEN:
        return Said(401, {"success": False, "error": "unauthorized access"})
    if request.path == "/api/v2/deals":
        return Said(200, recorded("deal.listed__page")[0])
    if request.path == "/api/v2/deals/131/products":
        return Said(200, PAGES[request.query.get("cursor") == "eyJhIjoyfQ"])
    if request.path == "/api/v2/deals/131":
        return Said(200, of_deal(DEAL, 131))
    if request.path == "/api/v2/persons/84":
        return Said(200, recorded("person.read__full")[0])
    return Said(404, {"success": False, "error": "Deal not found"})


def connected() -> Source:
    owner = Account.objects.create(slug="office", title="office")
    with scoped([owner.pk]):
        source = Source.objects.create(
            account=owner, provider="pipedrive", title="office", settings={"domain": HOST}
        )
        endpoints.give_api_secret(source, TOKEN)
    return source


def read_all(source: Source) -> list[str]:
    with playing(company) as played:
        for _ in range(2):  # what is asked for, and what the answers ask for
            ask_all(MINE, played.client(HOST))
            settle_answers(source, MINE)
    return played.paths


def test_a_won_deal_gets_every_page_of_its_products_and_its_customer() -> None:
    source = connected()
    settle(put(source, EVENTS["deal.change__won"].body), providers=MINE)

    paths = read_all(source)

    assert paths[:3] == ["/api/v2/deals/131", *["/api/v2/deals/131/products"] * 2]
    with scoped([source.account_id]):
        sale = Sale.objects.get()
        lines = SaleLine.objects.order_by("pos").values_list("name", "total")
        assert [(name, str(total)) for name, total in lines] == [
            ("Торт", "220.0000"),
            ("Капучино", "400.0000"),
        ]
        assert Customer.objects.get().name == "Анна Ли"
    assert (sale.kind, sale.status, str(sale.total), sale.counts) == (
        *("deal", "completed"),
        *("600.0000", False),
    )
    assert "dead" not in outcomes_of(source)


def test_lost_deals_are_listed_and_read_and_one_that_is_gone_by_then_leaves_nothing() -> None:
    source = connected()
    walked(source, "deal", (SINCE, UNTIL), company, at=(MINE, HOST))
    read_all(source)

    with scoped([source.account_id]):
        assert Sale.objects.get().external_id == "131"
    assert "dead" not in outcomes_of(source)
