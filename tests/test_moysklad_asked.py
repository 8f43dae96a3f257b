"""МойСклад played by a local server: a notice becomes a sale, and a deletion ends it."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.moysklad import PROVIDER
from sales.models import Refund, Sale, SaleLine
from tasks.models import Fetch
from tasks.pipeline import settle
from tests.played import Played, Request, Said, ask_all, playing
from tests.settling import outcomes_of, put
from tests.thin import reads, settle_answers

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"moysklad": PROVIDER}
TOKEN = "0cbfc512618efa7d5fa306250bca064c1169b37c"
NOTICES, ANSWERS = samples.load("moysklad"), samples.load_answers("moysklad")
SALE, RETURN = (f"0b71daec-9157-11f1-0a80-0f1a0000{tail}" for tail in ("b001", "c001"))


def connected() -> Source:
    account = Account.objects.create(slug="cafe", title="Кафе")
    with scoped([account.pk]):
        source = Source.objects.create(account=account, provider="moysklad", title="Склад")
        endpoints.give_api_secret(source, TOKEN)
    return source


def document(name: str) -> Any:
    return json.loads(ANSWERS[name])["answers"][0]


class Stock:
    """What МойСклад has, by path; it answers as it documents, within its rules."""

    def __init__(self, **documents: Any) -> None:
        self.has = {
            f"/api/remap/1.2/entity/{kind}/{one['id']}": one for kind, one in documents.items()
        }

    def __call__(self, request: Request) -> Said:
        if request.headers.get("accept-encoding") != "gzip":
            return Said(415)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Said(401, {"errors": []})
        if "filter" in request.query:  # the last hour, listed by the clock
            return Said(200, {"rows": []})
        found = self.has.get(request.path)
        return Said(404, {"errors": []}) if found is None else Said(200, found)


def hear(source: Source, stock: Stock, *names: str) -> Played:
    """Settle notices, ask for what they name, and settle the answers."""
    settle(put(source, *(NOTICES[name].body for name in names)), providers=MINE)
    with playing(stock) as played:
        ask_all(MINE, played.client("api.moysklad.ru"))
    settle_answers(source, MINE)
    return played


def test_a_notice_is_asked_about_and_the_answer_is_the_sale_with_its_return() -> None:
    source = connected()
    stock = Stock(
        retaildemand=document("retaildemand.read__cash"),
        retailsalesreturn=document("retailsalesreturn.read__partial"),
    )

    played = hear(source, stock, "retailsalesreturn.create__three_changes")
    again = hear(source, stock, "retaildemand.update__not_posted", "retaildemand.create__batch")

    entity = "/api/remap/1.2/entity"
    assert played.paths.count(f"{entity}/retailsalesreturn/{RETURN}") == 1  # of three notices
    assert f"{entity}/retaildemand/{SALE}" in again.paths
    with scoped([source.account_id]):
        sale = Sale.objects.get(external_id=SALE)
        refund = Refund.objects.get(external_id=RETURN)
    assert (str(sale.total), str(sale.refunded_total), sale.status) == (
        *("620.0000", "220.0000", "partially_refunded"),
    )
    assert refund.sale_id == sale.pk
    assert not {SALE, RETURN} & {one.external_id for one in reads(source)}


def test_a_deletion_ends_the_sale_before_anybody_is_asked_and_the_answer_agrees() -> None:
    source = connected()
    stock = Stock(retaildemand=document("retaildemand.read__cash"))
    hear(source, stock, "retaildemand.create__batch")
    with scoped([source.account_id]):
        assert Sale.objects.get(external_id=SALE).visible

    settle(put(source, NOTICES["retaildemand.delete__gone"].body), providers=MINE)

    with scoped([source.account_id]):
        assert not Sale.objects.get(external_id=SALE).visible
    stock.has.clear()
    hear(source, stock)
    with scoped([source.account_id]):
        sale = Sale.objects.get(external_id=SALE)
    assert not sale.visible
    assert str(sale.total) == "620.0000"  # the content outlives the tombstone
    assert SALE not in {one.external_id for one in reads(source)}


def test_a_source_that_confirms_believes_no_deletion_but_the_answer() -> None:
    source = connected()
    stock = Stock(retaildemand=document("retaildemand.read__cash"))
    hear(source, stock, "retaildemand.create__batch")
    call_command("source", "set", str(source.pk), "--setting", "confirm=true")

    hear(source, stock, "retaildemand.delete__gone")

    # Found right after a deletion is what a lagging copy says too: it is asked for again.
    with scoped([source.account_id]):
        assert Sale.objects.get(external_id=SALE).visible
    assert SALE in {one.external_id for one in reads(source)}

    stock.has.clear()
    with scoped([source.account_id]):
        Fetch.objects.update(due_at=Now())
    hear(source, stock)
    with scoped([source.account_id]):
        assert not Sale.objects.get(external_id=SALE).visible


def test_positions_on_further_pages_are_asked_for_and_read_as_one_document() -> None:
    source = connected()
    whole, page = json.loads(ANSWERS["retaildemand.read__two_pages"])["answers"]
    stock = Stock(retaildemand=whole)
    stock.has[f"/api/remap/1.2/entity/retaildemand/{SALE}/positions"] = page

    hear(source, stock, "retaildemand.create__batch")

    with scoped([source.account_id]):
        sale = Sale.objects.get(external_id=SALE)
        assert SaleLine.objects.filter(sale_id=sale.pk).count() == 3
    assert (str(sale.gross_total), sale.anomalies) == ("880.0000", [])
    assert "recorded" in outcomes_of(source)
