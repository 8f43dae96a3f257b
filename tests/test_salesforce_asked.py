"""An organization of Salesforce played by a local server: lost deals are found, with their rows."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.salesforce import PROVIDER
from sales.models import Sale, SaleLine
from tasks.pipeline import settle
from tests.played import Request, Said
from tests.settling import outcomes_of, put, sales
from tests.thin import reads
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"salesforce": PROVIDER}
HOST, SECRET = "romashka.my.salesforce.com", "a-key:a-secret"
EVENTS, ANSWERS = samples.load("salesforce"), samples.load_answers("salesforce")
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)
LOGIN, QUERY = "/services/oauth2/token", "/services/data/v66.0/queryAll"
LOCATOR = "01g000000000001AAA-1"
WON = "006000000000001AAA"
ROWS = [("Coffee machine", "450.0000", "50.0000"), ("Tray of croissants", "170.0000", "0.0000")]


def recorded(name: str) -> Any:
    return json.loads(ANSWERS[f"opportunity.listed__{name}"])["answers"][0]


class Organization:
    """Lets in whoever knows the secret, with a token for so many calls; so many locators are over
    before they are asked for."""

    def __init__(self, *pages: str, calls: int = 100, over: int = 0) -> None:
        self.pages = dict(zip((QUERY, f"{QUERY}/{LOCATOR}"), pages, strict=False))
        self.calls, self.left, self.token, self.over = calls, 0, 0, over

    def __call__(self, request: Request) -> Said:
        """Answer as documented."""
        if request.path == LOGIN:
            return self._log_in(dict(parse_qsl(request.body.decode())))
        if request.headers.get("authorization") != f"Bearer 00D!{self.token}" or not self.left:
            return Said(401, [{"message": "Session expired", "errorCode": "INVALID_SESSION_ID"}])
        self.left -= 1
        if request.path != QUERY and self.over:
            self.over -= 1
            return Said(400, [{"message": "expired", "errorCode": "INVALID_QUERY_LOCATOR"}])
        if request.path not in self.pages:
            return Said(404, [{"message": "Not found", "errorCode": "NOT_FOUND"}])
        return Said(200, recorded(self.pages[request.path]))

    def _log_in(self, form: dict[str, str]) -> Said:
        known = {"client_id": "a-key", "client_secret": "a-secret"}
        if form != {"grant_type": "client_credentials", **known}:
            return Said(400, {"error": "invalid_client"})
        self.token, self.left = self.token + 1, self.calls
        instance = "https://evil.example"
        return Said(200, {"access_token": f"00D!{self.token}", "instance_url": instance})


def connected(slug: str = "office") -> Source:
    owner = Account.objects.create(slug=slug, title=slug)
    with scoped([owner.pk]):
        source = Source.objects.create(
            account=owner,
            provider="salesforce",
            title=slug,
            currency="EUR",
            settings={"organization": "00D000000000001", "domain": HOST, "currencies": "many"},
        )
        endpoints.give_api_secret(source, SECRET)
    return source


def told(source: Source, name: str) -> None:
    settle(put(source, EVENTS[name].body), providers=MINE)


def listed(source: Source, organization: Organization) -> list[str]:
    stretch = (SINCE, UNTIL)
    return walked(source, "opportunity", stretch, organization, at=(MINE, HOST)).paths


def rows_of(source: Source) -> list[tuple[str, str, str]]:
    with scoped([source.account_id]):
        deal = Sale.objects.get(source=source, external_id=WON)
        lines = SaleLine.objects.filter(sale_id=deal.pk).order_by("pos")
        return [(one.name or "", str(one.total), str(one.discount)) for one in lines]


def test_lost_deals_are_found_page_by_page_with_their_rows() -> None:
    source = connected()

    paths = listed(source, Organization("first_of_two", "second_of_two"))

    # The clock's own window asks as well; all of them share one token.
    assert paths.count(LOGIN) == 1
    assert {*paths} == {LOGIN, QUERY, f"{QUERY}/{LOCATOR}"}
    with scoped([source.account_id]):
        found = Sale.objects.order_by("external_id").values_list("kind", "status", "total")
        assert [(*one[:2], one[2] and str(one[2])) for one in found] == [
            ("deal", "completed", "620.0000"),
            ("deal", "open", None),
        ]
    assert rows_of(source) == ROWS
    assert reads(source) == []
    assert "dead" not in outcomes_of(source)


def test_a_token_that_is_over_is_made_anew_and_the_list_goes_on() -> None:
    source = connected()

    paths = listed(source, Organization("first_of_two", "second_of_two", calls=1))

    assert paths.count(LOGIN) >= 2
    assert rows_of(source) == ROWS
    with scoped([source.account_id]):
        assert Sale.objects.count() == 2
    assert "dead" not in outcomes_of(source)


def test_a_list_that_was_interrupted_for_too_long_begins_anew() -> None:
    source = connected()

    listed(source, Organization("first_of_two", "second_of_two", over=1))

    with scoped([source.account_id]):
        assert Sale.objects.count() == 2
    assert rows_of(source) == ROWS
    assert "dead" not in outcomes_of(source)


def test_a_message_and_the_list_make_one_row_whichever_is_first() -> None:
    first, second = connected("first"), connected("second")
    told(first, "Opportunity__won")
    assert rows_of(first) == []
    listed(first, Organization("page"))
    listed(second, Organization("page"))
    told(second, "Opportunity__won")

    one, other = (
        next(row for row in sales(source) if row["external_id"] == WON)
        for source in (first, second)
    )

    # Ids are made of the source's, and a stamp says of which statement it is.
    apart = {name for name in one if name.endswith(("_id", "_stamp"))}
    same = one.keys() - apart - {"id", "received_at", "created_at", "deliveries"}
    assert {name: one[name] for name in same} == {name: other[name] for name in same}
    assert rows_of(first) == rows_of(second) == ROWS


def test_a_later_message_keeps_the_rows_and_a_deleted_deal_is_gone() -> None:
    source = connected()
    listed(source, Organization("page"))

    told(source, "Opportunity__changed")

    assert rows_of(source) == ROWS
    with scoped([source.account_id]):
        assert str(Sale.objects.get(external_id=WON).total) == "580.0000"
    listed(source, Organization("deleted"))
    with scoped([source.account_id]):
        assert Sale.objects.get(external_id=WON).deleted
    assert "dead" not in outcomes_of(source)
