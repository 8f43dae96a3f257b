"""A shop of Shopify played by a local server: told, listed, or both, it is the same sale."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.shopify import PROVIDER
from sales.models import Customer, Payment, Refund, Sale, SaleLine
from tasks.children import add_child
from tasks.fetching import walks
from tasks.fetching.judging import AGAIN
from tasks.models import Backfill, Fetch
from tasks.pipeline import settle
from tests.played import Request, Said, ask_all, playing, turn_until, working
from tests.settling import outcomes_of, put
from tests.thin import reads, settle_answers
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"shopify": PROVIDER}
HOST, TOKEN = "demo.myshopify.com", "shpat_0123456789abcdef"
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)
EVENTS = samples.load("shopify")
ROOT = "/admin/api/2026-10/orders"
COFFEE, WEB, LOST = "5678901234567", "5678901234568", "5678901234569"
#: What the shop sends of the coffee, in the order in which it happened.
TOLD = (
    "orders_create__pos",
    "order_transactions_create__card",
    "refunds_create__croissant",
    "order_transactions_create__refund",
    "orders_updated__refund_inside",
)
TOPICS = {
    name: f"x-shopify-topic: {EVENTS[name].headers['x-shopify-topic']}\r\n".encode()
    for name in EVENTS
    if "x-shopify-topic" in EVENTS[name].headers
}


def body(name: str) -> Any:
    return json.loads(EVENTS[name].body)


def shop() -> "Shop":
    return Shop(
        orders={
            COFFEE: body("orders_updated__refund_inside"),
            WEB: body("orders_paid__web_delivery_tip"),
        },
        transactions={
            COFFEE: [
                body("order_transactions_create__card"),
                body("order_transactions_create__refund"),
            ],
            WEB: [body("order_transactions_create__capture")],
        },
        refunds={COFFEE: [body("refunds_create__croissant")]},
    )


@dataclass(slots=True)
class Shop:
    """What the REST API has, in pages of one order; ``listed`` are in the list and gone since."""

    orders: dict[str, Any]
    transactions: dict[str, list[Any]]
    refunds: dict[str, list[Any]]
    listed: tuple[Any, ...] = ()
    token: str = TOKEN
    logins: list[bytes] = field(default_factory=list)

    def __call__(self, request: Request) -> Said:
        """Answer as Shopify does."""
        if request.path == "/admin/oauth/access_token":
            self.logins.append(request.body)
            return Said(200, {"access_token": self.token, "scope": "x", "expires_in": 86399})
        if request.headers.get("x-shopify-access-token") != self.token:
            return Said(401, {"errors": "[API] Invalid API key or access token"})
        if request.path == f"{ROOT}.json":
            return self._page(request)
        name, _, part = request.path.removeprefix(f"{ROOT}/").removesuffix(".json").partition("/")
        if name not in self.orders:
            return Said(404, {"errors": "Not Found"})
        if not part:
            return Said(200, {"order": self.orders[name]})
        return Said(200, {part: getattr(self, part).get(name, [])})

    def _page(self, request: Request) -> Said:
        query = dict(request.query)
        info = query.get("page_info")
        if info is not None and query.keys() - {"page_info", "limit", "fields"}:
            return Said(400, {"errors": {"status": "cannot be passed when page_info is present."}})
        if info is None:
            assert (query["status"], query["order"]) == ("any", "updated_at asc")
            assert query["updated_at_min"] == "2026-09-14T00:00:00Z"
            assert query["updated_at_max"] == "2026-09-15T00:00:00Z"
        rows = [*self.listed, *self.orders.values()]
        here = int(info or 0)
        names = ("id", "created_at", "updated_at")
        shown = [{name: one[name] for name in names} for one in rows[here : here + 1]]
        address = f"https://{HOST}{ROOT}.json?limit=1&page_info={here + 1}"
        more = {"Link": f'<{address}>; rel="next"'} if here + 1 < len(rows) else {}
        return Said(200, {"orders": shown}, more)


def connected(secret: str = TOKEN, **settings: Any) -> Source:
    owner = Account.objects.create(slug="shop", title="shop")
    with scoped([owner.pk]):
        source = Source.objects.create(
            account=owner,
            provider="shopify",
            title="shop",
            currency="USD",
            settings={"shop": HOST, **settings},
        )
        endpoints.give_api_secret(source, secret)
    return source


def told(source: Source, names: Sequence[str] = TOLD) -> None:
    for name in names:
        settle(put(source, EVENTS[name].body, headers=TOPICS[name]), providers=MINE)


def listed(source: Source, playing_shop: Shop | None = None) -> list[str]:
    """List the stretch and read what it named; return the paths that were asked."""
    answer = playing_shop or shop()
    first = walked(source, "order", (SINCE, UNTIL), answer, at=(MINE, HOST))
    with playing(answer) as played:
        ask_all(MINE, played.client(HOST))
    settle_answers(source, MINE)
    return [*first.paths, *played.paths]


def known(source: Source) -> dict[str, list[dict[str, Any]]]:
    """Return all that is known, but when and of what it was learnt."""
    learnt = ("stamp", "clock", "_at_", "received", "updated_at", "change", "deliver", "mapper")
    with scoped([source.account_id]):
        return {
            model.__name__: [
                {
                    key: value
                    for key, value in row.items()
                    if not any(word in key for word in learnt) and key != "id"
                }
                for row in model.objects.order_by("pk").values()
            ]
            for model in (Sale, SaleLine, Payment, Refund, Customer)
        }


def money(source: Source) -> dict[str, tuple[str, str, str, str]]:
    with scoped([source.account_id]):
        return {
            one.external_id: (
                one.status,
                str(one.total),
                str(one.paid_total),
                str(one.refunded_total),
            )
            for one in Sale.objects.filter(visible=True)
        }


def told_then_listed(source: Source) -> None:
    told(source)
    listed(source)


def listed_then_told(source: Source) -> None:
    listed(source)
    told(source)


WAYS: dict[str, Callable[[Source], Any]] = {
    "listed alone": listed,
    "told, then listed": told_then_listed,
    "listed, then told": listed_then_told,
}
#: The coffee: 11.88 paid once, 3.24 of it given back once. The web order: 11.80, captured.
MONEY = {
    COFFEE: ("partially_refunded", "11.8800", "11.8800", "3.2400"),
    WEB: ("completed", "11.8000", "11.8000", "0.0000"),
}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_told_or_listed_it_is_the_same_sale_with_the_same_payments_and_refunds(way: str) -> None:
    source = connected()

    WAYS[way](source)

    assert money(source) == MONEY
    with scoped([source.account_id]):
        sale = Sale.objects.get(external_id=COFFEE)
        (refund,), (customer,) = Refund.objects.all(), Customer.objects.all()
        paid = sorted(Payment.objects.values_list("external_id", "status"))
        lines = SaleLine.objects.filter(sale_id=sale.pk).count()
        assert not Sale.objects.filter(tied=True).exists()
    assert (refund.sale_id, str(refund.total), lines) == (sale.pk, "3.2400", 2)
    assert (sale.customer_id, customer.external_id) == (customer.pk, "207119551")
    assert [status for _, status in paid] == ["completed", "completed"]
    assert {*outcomes_of(source)} <= {"recorded", "ignored", "fetching", "superseded"}


def test_what_was_told_is_word_for_word_what_is_listed() -> None:
    source = connected()
    told(source, (*TOLD, "orders_paid__web_delivery_tip", "order_transactions_create__capture"))
    before = known(source)

    paths = listed(source)

    assert known(source) == before
    # Two pages, three calls for the order with a refund, two for the other.
    assert sorted(paths) == sorted(
        [
            *[f"{ROOT}.json"] * 2,
            f"{ROOT}/{COFFEE}.json",
            f"{ROOT}/{COFFEE}/transactions.json",
            f"{ROOT}/{COFFEE}/refunds.json",
            f"{ROOT}/{WEB}.json",
            f"{ROOT}/{WEB}/transactions.json",
        ]
    )


def test_a_webhook_that_comes_late_changes_nothing_of_what_was_listed() -> None:
    source = connected()
    listed(source)
    before = known(source)

    told(source)

    assert known(source) == before
    assert reads(source) == []


def lost(days_old: int) -> Shop:
    """Return a shop whose list still names an order that cannot be read any more."""
    made = (datetime.now(UTC) - timedelta(days=days_old)).isoformat(timespec="seconds")
    row = {"id": int(LOST), "created_at": made, "updated_at": "2026-09-14T11:30:01-04:00"}
    return replace(shop(), listed=(row,))


def read_to_the_end(source: Source, answer: Shop) -> None:
    """List and read, and once more whatever was not found, until the last answer counts."""
    listed(source, answer)
    with playing(answer) as played:
        for _ in AGAIN:
            with scoped([source.account_id]):
                Fetch.objects.filter(source=source, token=None).update(due_at=Now())
            ask_all(MINE, played.client(HOST))
    settle_answers(source, MINE)
    assert reads(source) == []


@pytest.mark.parametrize(("days_old", "is_gone"), [(3, True), (55, False)])
def test_an_order_that_is_gone_ends_the_sale_unless_it_may_only_be_out_of_reach(
    days_old: int, is_gone: bool
) -> None:
    source = connected()
    told(source, ("orders_cancelled__voided",))

    read_to_the_end(source, lost(days_old))

    with scoped([source.account_id]):
        assert Sale.objects.get(external_id=LOST).deleted is is_gone


def test_a_client_of_the_dev_dashboard_logs_in_once_at_the_shop() -> None:
    source, answer = connected("an-id:shpss_key"), shop()

    listed(source, answer)

    assert money(source) == MONEY
    assert {*answer.logins} == {
        b"grant_type=client_credentials&client_id=an-id&client_secret=shpss_key"
    }


def test_a_token_that_is_refused_stops_the_walk_and_says_so_without_the_token() -> None:
    source, answer = connected("shpat_another"), shop()
    with scoped([source.account_id]):
        walk = walks.start(source, "order", SINCE, UNTIL)

    def failed() -> str | None:
        with scoped([source.account_id]):
            return Backfill.objects.get(pk=walk.pk).last_error

    with playing(answer) as played, working(MINE, played.client(HOST)) as work:
        assert turn_until(work, lambda: failed() is not None)

    said = failed() or ""
    assert said.startswith("401")
    assert "shpat" not in said
    assert answer.logins == []
    assert money(source) == {}


def test_a_merchant_of_an_app_is_asked_at_the_shop_that_he_is_connected_under() -> None:
    owner = Account.objects.create(slug="agency", title="agency")
    with scoped([owner.pk]):
        app = Source.objects.create(account=owner, provider="shopify", title="App", is_app=True)
        columns = {"currency": "USD"}
        child = add_child(owner, PROVIDER, app, merchant=HOST, columns=columns)
        endpoints.give_api_secret(child, TOKEN)

    listed(child)

    assert child.settings == {"shop": HOST}
    assert money(child) == MONEY


def test_a_refund_that_was_told_as_pending_is_settled_by_the_list() -> None:
    source = connected()
    on_its_way = body("refunds_create__croissant")
    on_its_way["transactions"][0]["status"] = "pending"
    topic = TOPICS["refunds_create__croissant"]
    settle(put(source, json.dumps(on_its_way).encode(), headers=topic), providers=MINE)
    with scoped([source.account_id]):
        assert Refund.objects.get().status == "pending"

    listed(source)

    with scoped([source.account_id]):
        assert Refund.objects.get().status == "completed"
    assert money(source)[COFFEE] == MONEY[COFFEE]
