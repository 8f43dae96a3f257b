"""Square played by a local server: a hint becomes a sale with lines, and a return no second one."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.square import PROVIDER
from sales.models import Category, Location, Payment, Product, Refund, Sale, SaleLine
from tasks.pipeline import settle
from tests.played import Played, Request, Said, ask_all, playing
from tests.settling import put
from tests.thin import reads, settle_answers
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"square": PROVIDER}
HOST, TOKEN = "connect.squareup.com", "an-access-token"
EVENTS, ANSWERS = samples.load("square"), samples.load_answers("square")
ORDER, BACK = "03O3USaPaAaFnI6kkwB1JxGgBsUZY", "rEtUrN0PaAaFnI6kkwB1JxGgBsUZY"


def connected(*, token: str | None = TOKEN) -> Source:
    account = Account.objects.create(slug="bar", title="Бар")
    with scoped([account.pk]):
        source = Source.objects.create(account=account, provider="square", title="Square")
        if token is not None:
            endpoints.give_api_secret(source, token)
    return source


def recorded(name: str) -> list[Any]:
    answers: list[Any] = json.loads(ANSWERS[name])["answers"]
    return answers


class Seller:
    """What Square has of a seller; it answers as it documents."""

    def __init__(self) -> None:
        orders = [*recorded("order.read__completed"), *recorded("order.read__return")]
        self.orders = {f"/v2/orders/{one['order']['id']}": one for one in orders}
        self.pages = recorded("catalog.read__hour")
        self.payments = {"L88917AVBK2S5": recorded("payment.listed__page")[0]}

    def __call__(self, request: Request) -> Said:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Said(401, {"errors": [{"code": "UNAUTHORIZED"}]})
        if request.headers.get("square-version") != "2026-09-16":
            return Said(400, {"errors": [{"code": "BAD_REQUEST"}]})
        if request.path == "/v2/catalog/search":
            return Said(200, self.pages["cursor" in json.loads(request.body)])
        if request.path == "/v2/locations":
            return Said(200, recorded("order.listed__locations")[0])
        if request.path == "/v2/payments":
            return Said(200, self.payments.get(request.query["location_id"], {}))
        found = self.orders.get(request.path)
        return Said(404, {"errors": [{"code": "NOT_FOUND"}]}) if found is None else Said(200, found)


def hear(source: Source, *names: str) -> Played:
    """Settle events, ask for what they name, and settle the answers."""
    settle(put(source, *(EVENTS[name].body for name in names)), providers=MINE)
    with playing(Seller()) as played:
        ask_all(MINE, played.client(HOST))
    settle_answers(source, MINE)
    return played


def test_a_hint_is_asked_about_and_a_return_order_is_no_second_sale() -> None:
    source = connected()

    played = hear(
        source,
        *("order.created__open", "payment.updated__card_completed", "order.updated__completed"),
        "order.fulfillment.updated__completed",
    )

    assert played.paths == [f"/v2/orders/{ORDER}"]  # of three hints
    with scoped([source.account_id]):
        sale = Sale.objects.get(external_id=ORDER)
        lines = SaleLine.objects.filter(sale_id=sale.pk).count()
        payment = Payment.objects.get(sale_id=sale.pk)
    assert (sale.known, sale.status, lines, sale.anomalies) == ("stated", "completed", 2, [])
    assert (str(sale.total), str(sale.tip_total), str(sale.paid_total)) == (
        *("13.8700", "2.0000", "13.8700"),
    )
    assert str(payment.amount) == "13.8700"
    assert reads(source) == []

    hear(source, "refund.updated__partial_completed", "order.updated__returned")

    with scoped([source.account_id]):
        back = Sale.objects.get(external_id=BACK)
        (sale,) = Sale.objects.filter(visible=True)
        (refund,) = Refund.objects.all()
    assert (back.role, back.counts) == ("return", False)
    assert (sale.external_id, refund.sale_id) == (ORDER, sale.pk)
    assert (str(sale.refunded_total), str(sale.net_total), sale.status) == (
        *("3.0000", "10.8700", "partially_refunded"),
    )


def test_without_a_token_a_sale_is_known_by_its_payment_and_the_read_waits() -> None:
    source = connected(token=None)

    played = hear(source, "payment.updated__card_completed", "order.updated__completed")

    (read,) = reads(source)
    assert (played.paths, read.kind, read.external_id) == ([], "order", ORDER)
    assert read.last_error is not None
    assert "--kind api" in read.last_error
    with scoped([source.account_id]):
        sale = Sale.objects.get(external_id=ORDER)
    assert (sale.known, sale.visible, str(sale.total)) == ("implied", True, "13.8700")


def test_an_order_of_another_seller_leaves_what_its_payment_says() -> None:
    source = connected()

    hear(source, "payment.created__cash")
    hint = EVENTS["order.created__open"].body.replace(
        ORDER.encode(), b"05CASHPaAaFnI6kkwB1JxGgBsUZY"
    )
    settle(put(source, hint), providers=MINE)
    with scoped([source.account_id]):
        for read in reads(source):
            read.lagged = 3
            read.save()
    hear(source)

    with scoped([source.account_id]):
        sale = Sale.objects.get(external_id="05CASHPaAaFnI6kkwB1JxGgBsUZY")
    assert (sale.visible, sale.known, reads(source)) == (True, "implied", [])


def test_the_catalogue_names_what_is_sold_and_the_past_is_walked_location_by_location() -> None:
    source = connected()
    hear(source, "catalog.version.updated__saved")
    until = datetime(2026, 9, 15, tzinfo=UTC)
    since = datetime(2026, 9, 14, tzinfo=UTC)
    played = walked(source, "payment", (since, until), Seller(), at=(MINE, HOST))

    asked = [request.query.get("location_id") for request in played.requests]
    assert asked == [None, "L88917AVBK2S5", "LKIOSK"]
    with scoped([source.account_id]):
        sale = Sale.objects.get(external_id="05CASHPaAaFnI6kkwB1JxGgBsUZY")
        assert sale.location_id is not None
        place = Location.objects.get(pk=sale.location_id)
        sold = Product.objects.get(external_id="R7R6DWWVL6IN4XUE6AZJ3CJQ")
        assert sold.category_id is not None
        category = Category.objects.get(pk=sold.category_id)
    assert (str(sale.paid_total), place.name) == ("11.8700", "Main Street")
    assert (sold.name, sold.sku, sold.barcode) == ("Cappuccino - Large", "CAP-L", "012345678905")
    assert category.name == "Drinks"
