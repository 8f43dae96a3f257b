"""A shop played by a local server: what no webhook told is listed, and the older gives way."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.woocommerce import PROVIDER
from sales.models import Payment, Refund, Sale, SaleLine
from tasks.pipeline import settle
from tests.played import Played, Request, Said
from tests.settling import put
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"woocommerce": PROVIDER}
HOST, KEY = "shop.example", "ck_1:cs_2"
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)
PAGE = samples.load_answers("woocommerce")["order.listed__page"]
CREATED = samples.load("woocommerce")["order.created__sale"].body
TOPIC = b"x-wc-webhook-topic: order.created\r\n"


def shop(request: Request) -> Said:
    """Answer as WooCommerce does: the key as Basic (ck_1:cs_2), both ends of a window exclusive."""
    if request.headers.get("authorization") != "Basic Y2tfMTpjc18y":
        return Said(401, {"code": "woocommerce_rest_cannot_view", "data": {"status": 401}})
    orders: list[dict[str, Any]] = json.loads(PAGE)["answers"][0]
    after, before = request.query["modified_after"], request.query["modified_before"]
    return Said(200, [one for one in orders if after < one["date_modified_gmt"] < before])


def listed(source: Source) -> Played:
    return walked(source, "order", (SINCE, UNTIL), shop, at=(MINE, HOST))


def test_orders_that_no_webhook_told_of_are_listed_with_their_refunds() -> None:
    account = Account.objects.create(slug="shop", title="Магазин")
    with scoped([account.pk]):
        source = Source.objects.create(
            account=account, provider="woocommerce", title="Магазин", settings={"shop": HOST}
        )
        endpoints.give_api_secret(source, KEY)

    played = listed(source)
    settle(put(source, CREATED, headers=TOPIC), providers=MINE)

    assert played.paths == ["/wp-json/wc/v3/orders"]
    with scoped([source.account_id]):
        sales = {one.external_id: one for one in Sale.objects.filter(visible=True)}
        (refund,) = Refund.objects.all()
        paid = {str(one.amount) for one in Payment.objects.all()}
        lines = SaleLine.objects.filter(sale_id=sales["727"].pk).count()
    assert sales.keys() == {"727", "731"}
    assert (sales["727"].status, lines, sales["727"].anomalies) == ("partially_refunded", 2, [])
    assert (str(sales["727"].refunded_total), str(sales["727"].net_total)) == ("3.6000", "9.6000")
    assert (refund.sale_id, paid) == (sales["727"].pk, {"13.2000", "16.0000"})
