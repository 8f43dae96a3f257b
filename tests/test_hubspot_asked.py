"""An account of HubSpot played by a local server: what its events name is read, of several accounts
each for itself."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.hubspot import PROVIDER
from sales.models import Customer, Sale, SaleLine
from tasks.pipeline import settle
from tests.played import Request, Said, ask_all, playing
from tests.settling import outcomes_of, put
from tests.thin import settle_answers
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"hubspot": PROVIDER}
HOST, KEY = "api.hubapi.com", "pat-eu1-secret"
EVENTS, ANSWERS = samples.load("hubspot"), samples.load_answers("hubspot")
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)


def recorded(name: str) -> list[Any]:
    answers: list[Any] = json.loads(ANSWERS[name])["answers"]
    return answers


DEALS = {
    f"/crm/v3/objects/deals/{number}": recorded(f"deal.read__{name}")
    for number, name in (("123", "won"), ("127", "open_without_rows"), ("77", "lost"))
}


def account(request: Request) -> Said:
    """Answer as documented: by the token, rows by their numbers, 404 for what is archived."""
    if request.headers.get("authorization") != f"Bearer {KEY}":
        return Said(401, {"status": "error", "category": "INVALID_AUTHENTICATION"})
    if request.path.endswith("/search"):
        return Said(200, recorded("deal.listed__page")[0])
    if request.path.endswith("/batch/read"):
        return Said(200, DEALS["/crm/v3/objects/deals/123"][1])
    if request.path == "/crm/v3/objects/contacts/51":
        return Said(200, recorded("contact.read__full")[0])
    found = DEALS.get(request.path)
    return (
        Said(404, recorded("deal.missing__archived")[0]) if found is None else Said(200, found[0])
    )


def connected(slug: str, **columns: Any) -> Source:
    owner = Account.objects.create(slug=slug, title=slug)
    with scoped([owner.pk]):
        return Source.objects.create(account=owner, provider="hubspot", title=slug, **columns)


def read_all(source: Source) -> list[str]:
    with playing(account) as played:
        ask_all(MINE, played.client(HOST))
        settle_answers(source, MINE)
        ask_all(MINE, played.client(HOST))  # what answers ask for: contacts, deals of a page
        settle_answers(source, MINE)
    return played.paths


def of(source: Source) -> dict[str, tuple[Any, ...]]:
    with scoped([source.account_id]):
        rows = Sale.objects.filter(source=source).order_by("external_id")
        return {
            row.external_id: (row.kind, row.status, str(row.total), row.counts, row.visible)
            for row in rows
        }


def test_a_won_deal_is_read_with_its_rows_and_its_customer_and_is_no_revenue() -> None:
    source = connected("office")
    with scoped([source.account_id]):
        endpoints.give_api_secret(source, KEY)
    settle(
        put(
            source,
            EVENTS["deal.propertyChange__won_and_amount"].body,
            EVENTS["deal.deletion__archived"].body,
        ),
        providers=MINE,
    )

    paths = read_all(source)

    # Two properties changed at once: one read, and a second one after quiet.
    assert paths.count("/crm/v3/objects/contacts/51") == 1
    assert of(source)["123"] == ("deal", "completed", "620.0000", False, True)
    assert not of(source)["124"][-1]
    with scoped([source.account_id]):
        customer = Customer.objects.get()
        lines = list(SaleLine.objects.order_by("pos").values_list("name", "total"))
    assert (customer.name, customer.phone) == ("Анна Ли", "+79001112233")
    assert [(name, str(total)) for name, total in lines] == [
        ("Капучино", "400.0000"),
        ("Торт", "220.0000"),
    ]
    assert "dead" not in outcomes_of(source)


def test_lost_deals_are_found_by_a_search() -> None:
    source = connected("office")
    with scoped([source.account_id]):
        endpoints.give_api_secret(source, KEY)

    walked(source, "deal", (SINCE, UNTIL), account, at=(MINE, HOST))
    read_all(source)

    assert {name: row[1] for name, row in of(source).items()} == {"123": "completed", "127": "open"}


def test_an_app_routes_each_event_to_the_account_it_is_of() -> None:
    app = connected("agency", is_app=True)
    office = connected("office", parent=app, merchant="62515")
    shop = connected("shop", parent=app, merchant="62516")
    for source in (office, shop):
        with scoped([source.account_id]):
            endpoints.give_api_secret(source, KEY)

    settle(put(app, EVENTS["deal.propertyChange__two_accounts"].body), providers=MINE)
    for source in (office, shop):
        settle_answers(source, MINE)  # the routed parts
        read_all(source)

    assert {*of(office)} == {"123"}
    assert {*of(shop)} == {"128"}
