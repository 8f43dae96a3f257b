"""Merchants of Clover played by a local server: an app's notices are read, each merchant's for
itself, with his own token."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.clover import PROVIDER
from sales.models import Customer, Payment, Refund, Sale, SaleLine
from tasks.children import add_child
from tasks.pipeline import settle
from tests.played import Played, Request, Said, ask_all, playing
from tests.settling import outcomes_of, put
from tests.thin import settle_answers
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"clover": PROVIDER}
HOST, MERCHANT, NEIGHBOUR = "api.clover.com", "XYZVJT2ZRRRSC", "MRCVJT2ZRRRSC"
EVENTS, ANSWERS = samples.load("clover"), samples.load_answers("clover")
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)


def recorded(name: str) -> Any:
    return json.loads(ANSWERS[name])["answers"][0]


ORDER = "GHIVJT2ABCRSC"
NEIGHBOURS = {**recorded("order.read__open"), "id": "ABCVJT2ZRRRSC"}
PATHS = {
    f"/v3/merchants/{MERCHANT}/orders/{ORDER}": recorded("order.read__croissant_back"),
    f"/v3/merchants/{MERCHANT}/payments/PAYVJT2ABCRSC": {
        **recorded("payment.read__card"),
        "refunds": None,
    },
    f"/v3/merchants/{MERCHANT}/customers/CU1VJT2ABCRSC": recorded("customer.read__full"),
    f"/v3/merchants/{MERCHANT}/orders": recorded("order.listed__page"),
    f"/v3/merchants/{NEIGHBOUR}/orders/ABCVJT2ZRRRSC": NEIGHBOURS,
}


def clover(request: Request) -> Said:
    """Answer as documented: a token opens its own merchant alone; 401 for all it does not."""
    merchant = request.path.split("/")[3]
    if request.headers.get("authorization") != f"Bearer token-of-{merchant}":
        return Said(401, {"message": "401 Unauthorized"})
    found = PATHS.get(request.path)
    return Said(404, {"message": "Not Found"}) if found is None else Said(200, found)


def owned(slug: str) -> Account:
    return Account.objects.create(slug=slug, title=slug)


def opened(source: Source, merchant: str) -> Source:
    with scoped([source.account_id]):
        endpoints.give_api_secret(source, f"token-of-{merchant}")
    return source


def connected() -> Source:
    owner = owned("bar")
    with scoped([owner.pk]):
        source = Source.objects.create(
            account=owner,
            provider="clover",
            title="Bar",
            currency="USD",
            settings={"merchant": MERCHANT},
        )
    return opened(source, MERCHANT)


def read_all(source: Source) -> Played:
    with playing(clover) as played:
        for _ in range(2):  # what is asked for, and what the answers ask for
            ask_all(MINE, played.client(HOST))
            settle_answers(source, MINE)
    return played


def test_notices_become_a_sale_with_its_lines_its_payments_and_its_refund() -> None:
    source = connected()
    body = json.loads(EVENTS["order.create__two_merchants"].body)
    del body["merchants"][NEIGHBOUR]
    told = [json.dumps(body).encode(), EVENTS["customer.create__new_and_gone"].body]
    settle(put(source, *told), providers=MINE)

    read_all(source)

    with scoped([source.account_id]):
        sale = Sale.objects.get()
        refund = Refund.objects.get()
        names = [*SaleLine.objects.order_by("pos").values_list("name", flat=True)]
        methods = [*Payment.objects.order_by("method").values_list("method", "amount")]
        customer = Customer.objects.get(external_id="CU1VJT2ABCRSC")
    assert (sale.status, str(sale.total), str(sale.net_total)) == (
        *("partially_refunded", "12.6900"),
        "9.7700",
    )
    assert (refund.sale_id, str(refund.total)) == (sale.pk, "2.9200")
    assert names == ["Coffee", "Coffee", "Croissant"]
    assert [(method, str(amount)) for method, amount in methods] == [
        ("card", "7.6900"),
        ("cash", "5.0000"),
    ]
    assert (customer.name, customer.phone) == ("Anna Lee", "+1 202 555 0101")
    assert "dead" not in outcomes_of(source)


def test_an_app_routes_each_notice_to_its_merchant_who_is_asked_with_his_own_token() -> None:
    owner = owned("agency")
    with scoped([owner.pk]):
        app = Source.objects.create(account=owner, provider="clover", title="App", is_app=True)
    children = []
    for slug, merchant in (("bar", MERCHANT), ("kiosk", NEIGHBOUR)):
        account = owned(slug)
        with scoped([account.pk, owner.pk]):
            child = add_child(account, PROVIDER, app, merchant=merchant)
        assert child.settings == {"merchant": merchant}
        children.append(opened(child, merchant))
    settle(put(app, EVENTS["order.create__two_merchants"].body), providers=MINE)

    asked = []
    for source in children:
        settle_answers(source, MINE)  # the routed parts
    for source in children:
        asked += read_all(source).paths
    found = {}
    for source in children:
        with scoped([source.account_id]):
            found[source.title] = [*Sale.objects.values_list("external_id", "status")]

    assert {path.split("/")[3] for path in asked} == {MERCHANT, NEIGHBOUR}
    assert [*found.values()][-1] == [("ABCVJT2ZRRRSC", "open")]


def test_lost_orders_are_listed_and_read() -> None:
    source = connected()

    played = walked(source, "order", (SINCE, UNTIL), clover, at=(MINE, HOST))
    read_all(source)

    wanted = [value for name, value in played.requests[0].pairs if name == "filter"]
    assert wanted == ["modifiedTime>=1789344000000", "modifiedTime<=1789430400000"]
    with scoped([source.account_id]):
        assert [*Sale.objects.values_list("external_id", flat=True)] == [ORDER]
