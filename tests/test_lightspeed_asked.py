"""A store of Lightspeed played by a local server: what no webhook told of is searched and read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.lightspeed import PROVIDER
from sales.models import Refund, Sale
from tasks.pipeline import settle
from tests.played import Request, Said, ask_all, playing
from tests.settling import outcomes_of, put
from tests.thin import reads, settle_answers
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"lightspeed": PROVIDER}
HOST, TOKEN = "demo-store.retail.lightspeed.app", "a-personal-token"
EVENTS, ANSWERS = samples.load("lightspeed"), samples.load_answers("lightspeed")
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)


def recorded(name: str) -> Any:
    return json.loads(ANSWERS[name])["answers"][0]


SALES = {
    found["data"]["id"]: found
    for found in (recorded(f"sale.read__{name}") for name in ("closed", "return"))
}


def store(request: Request) -> Said:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return Said(401, {"error": "Unauthorized"})
    if request.path == "/api/2026-07/search":
        return Said(200, recorded("sale.listed__page"))
    found = SALES.get(request.path.rpartition("/")[2])
    return Said(404, {"error": "Not Found"}) if found is None else Said(200, found)


def connected() -> Source:
    owner = Account.objects.create(slug="shop", title="shop")
    with scoped([owner.pk]):
        source = Source.objects.create(
            account=owner,
            provider="lightspeed",
            title="shop",
            currency="EUR",
            settings={"domain": HOST},
        )
        endpoints.give_api_secret(source, TOKEN)
    return source


def test_a_lost_sale_and_its_return_are_found_and_what_was_told_stays_the_same_sale() -> None:
    source = connected()
    settle(put(source, EVENTS["sale.update__closed"].body), providers=MINE)
    assert reads(source) == []

    walked(source, "sale", (SINCE, UNTIL), store, at=(MINE, HOST))
    with playing(store) as played:
        ask_all(MINE, played.client(HOST))
    settle_answers(source, MINE)

    # The window of the clock searches as well.
    asked = {*played.paths} - {"/api/2026-07/search"}
    assert asked == {f"/api/2026-07/sales/{name}" for name in SALES}
    with scoped([source.account_id]):
        sale, refund = Sale.objects.get(), Refund.objects.get()
    # 11.87, and 3.23 of it came back
    assert (sale.status, str(sale.total), str(sale.net_total)) == (
        *("partially_refunded", "11.8700"),
        "8.6400",
    )
    assert refund.sale_id == sale.pk
    assert "dead" not in outcomes_of(source)
