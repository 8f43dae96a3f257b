"""Hooks of real CRMs, played on this machine: from a form to the sale that the account has."""

import json
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.redaction import cut
from integrations import samples
from integrations.cases import outcome
from integrations.registry import PROVIDERS
from sales.models import Customer, SaleLine
from tasks.pipeline import settle
from tests.played import Answering, Request, Said, ask_all, playing
from tests.settling import outcomes_of, put, sales
from tests.thin import reads, settle_answers

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "7/abc123def456"
LIST = "crm.deal.list.json"
TOKEN = "eyJ0eXAi.long-lived.token"


def make(slug: str, secret: str, **settings: str) -> Source:
    account = Account.objects.create(slug=slug, title=slug)
    with scoped([account.pk]):
        source = Source.objects.create(
            account=account, provider=slug, title=slug, currency="RUB", settings=settings
        )
        endpoints.give_api_secret(source, secret)
    return source


def recorded(slug: str, name: str) -> list[Any]:
    found: list[Any] = json.loads(samples.load_answers(slug)[name])["answers"]
    return found


def hear(source: Source, sample: str) -> None:
    settle(put(source, samples.load(source.provider)[sample].body))


def ask(source: Source, answer: Answering, host: str) -> list[str]:
    """Ask the account for what is due, settle the answers, and return the paths asked."""
    with playing(answer) as played:
        for _ in range(2):  # a deal names its contact, which is asked for then
            ask_all(PROVIDERS, played.client(host))
            settle_answers(source, PROVIDERS)
    return played.paths


def portal(deals: Mapping[str, list[Any]]) -> Answering:
    """Return how a portal with these deals answers."""

    def answer(request: Request) -> Said:
        method = request.path.removeprefix(f"/rest/{KEY}/")
        number = request.query.get("id") or request.query.get("filter[=ownerId]", "")
        if method == LIST:  # of its own accord the clock looks for what was lost
            return Said(200, {"result": [], "total": 0})
        if method == "crm.contact.get.json":
            return Said(200, recorded("bitrix24", "contact.read__full")[0])
        if number not in deals:
            return Said(400, {"error": "", "error_description": "Not found"})
        return Said(200, deals[number][method != "crm.deal.get.json"])

    return answer


def stated(source: Source) -> list[tuple[Any, ...]]:
    columns = ("external_id", "kind", "status", "total", "counts", "visible")
    return [tuple(sale[name] for name in columns) for sale in sales(source)]


def quantities(source: Source) -> list[Decimal | None]:
    with scoped([source.account_id]):
        found = SaleLine.objects.filter(account=source.account_id).order_by("pos")
        return list(found.values_list("quantity", flat=True))


def people(source: Source) -> list[tuple[Any, ...]]:
    with scoped([source.account_id]):
        return list(Customer.objects.values_list("external_id", "name", "phone"))


def test_a_deal_of_a_portal_becomes_a_sale_that_counts_no_revenue() -> None:
    source = make("bitrix24", KEY, portal="some-domain.bitrix24.ru")
    hear(source, "ONCRMDEALUPDATE__won")

    won = recorded("bitrix24", "deal.read__won")
    paths = ask(source, portal({"6641": won}), "some-domain.bitrix24.ru")

    methods = [path.rsplit("/", 1)[1] for path in paths]
    assert LIST in methods
    assert [one for one in methods if one != LIST] == [
        "crm.deal.get.json",
        "crm.item.productrow.list.json",
        "crm.contact.get.json",
    ]
    assert stated(source) == [("6641", "deal", "completed", Decimal(620), False, True)]
    assert quantities(source) == [2, 1]
    assert people(source) == [("84", "Анна Иванова", "+7 900 000-00-01")]
    assert "dead" not in outcomes_of(source)
    # Rows have no clock: after quiet the deal is read once more.
    assert [(row.kind, row.external_id) for row in reads(source)] == [("deal", "6641")]


def test_a_deal_that_a_portal_deleted_is_gone_and_one_that_it_may_not_show_is_not() -> None:
    source = make("bitrix24", KEY, portal="some-domain.bitrix24.ru")
    hear(source, "ONCRMDEALUPDATE__won")
    ask(source, portal({"6641": recorded("bitrix24", "deal.read__won")}), "some-domain.bitrix24.ru")

    hear(source, "ONCRMDEALMOVETOCATEGORY__moved")
    denied = Said(400, {"error": "", "error_description": "Access denied"})
    ask(source, lambda request: denied, "some-domain.bitrix24.ru")

    assert [row[-1] for row in stated(source)] == [True]

    hear(source, "ONCRMDEALDELETE__deleted")

    assert [row[-1] for row in stated(source)] == [False]


@pytest.mark.parametrize("name", sorted(samples.load("bitrix24")))
def test_what_is_kept_of_a_portals_form_has_none_of_its_tokens_and_reads_the_same(
    name: str,
) -> None:
    sample, provider = samples.load("bitrix24")[name], PROVIDERS["bitrix24"]

    kept, _ = cut(sample.body, provider.redacted, "application/x-www-form-urlencoded")

    assert b"EXAMPLE-" not in kept
    assert outcome(provider, replace(sample, body=kept)) == outcome(provider, sample)


def test_leads_of_one_form_are_each_read_once_and_a_deleted_one_is_gone() -> None:
    source = make("amocrm", TOKEN, subdomain="romashka.amocrm.ru")
    have: dict[str, Any] = {
        "/api/v4/leads/12345678": recorded("amocrm", "lead.read__won")[0],
        "/api/v4/leads/12345679": recorded("amocrm", "lead.read__lost")[0],
        "/api/v4/contacts/84": recorded("amocrm", "contact.read__full")[0],
    }

    def account(request: Request) -> Said:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Said(401, {"title": "Unauthorized", "status": 401})
        found = have.get(request.path)
        return Said(204, b"") if found is None else Said(200, found)

    hear(source, "leads.update__three_in_one")
    hear(source, "leads.status__lost_and_changed")
    paths = ask(source, account, "romashka.amocrm.ru")

    assert sorted(paths).count("/api/v4/leads/12345679") == 1
    assert stated(source) == [
        ("12345678", "deal", "completed", Decimal(620), False, True),
        ("12345679", "deal", "voided", Decimal(300), False, True),
    ]
    assert quantities(source) == [2, 1]
    assert ("84", "Анна Иванова", "79000000001") in people(source)

    del have["/api/v4/leads/12345678"]
    hear(source, "leads.delete__undated")
    ask(source, account, "romashka.amocrm.ru")

    assert [row[-1] for row in stated(source)] == [False, True]
    assert "dead" not in outcomes_of(source)


def test_a_form_of_five_thousand_fields_is_settled_whole_and_takes_little_memory() -> None:
    source = make("amocrm", TOKEN, subdomain="romashka.amocrm.ru")
    body = "&".join(
        f"leads[update][{lead}][{field}]={lead + 1 if field == 'id' else 'y' * 100}"
        for lead in range(500)
        for field in ("id", *(f"custom_fields][{index}][values][0][value" for index in range(9)))
    ).encode()
    assert body.count(b"&") + 1 == 5_000

    ids = put(source, body)
    tracemalloc.start()
    try:
        settle(ids)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert {row.external_id for row in reads(source)} == {str(n) for n in range(1, 501)}
    assert peak < 50_000_000
