"""Providers that send all they know, played by local servers: their lists have what was lost."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.registry import PROVIDERS
from tasks.pipeline import settle
from tests.played import Request, Said
from tests.settling import dead_letters, outcomes_of, put, sales
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

SINCE, UNTIL = datetime(2026, 9, 14, 9, tzinfo=UTC), datetime(2026, 9, 14, 10, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class In:
    """How the secret is exchanged for a token: where, and what is said."""

    host: str
    path: str
    body: bytes
    answer: Mapping[str, Any]

    def said(self, request: Request) -> Said:
        """Answer a login."""
        return Said(200, self.answer) if request.body == self.body else Said(400, {})


@dataclass(frozen=True, slots=True)
class Row:
    """How a provider is asked for a list, and what of it the webhooks told before."""

    kind: str
    host: str
    secret: str
    headers: Mapping[str, str]
    told: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    login: In | None = None
    #: Total, what was given back of it, and what is left, of each sale.
    counted: Sequence[tuple[int, int, int]] = ((378, 108, 270),)
    #: How many pages are asked for: for some only one that repeats itself is the end.
    pages: int = 1


TABLE: Mapping[str, Row] = {
    "iiko": Row(
        kind="delivery",
        host="api-ru.iiko.services",
        secret="a-login",
        headers={"authorization": "Bearer access"},
        told=("DeliveryOrderUpdate__closed_with_a_tip", "DeliveryOrderUpdate__on_the_way"),
        settings={"organization": "7bc05553-4b68-44e8-b7bc-37be63c6d9e9"},
        counted=((550, 0, 550),),  # on its way first, then closed
        login=In(
            "api-ru.iiko.services",
            "/api/1/access_token",
            b'{"apiLogin": "a-login"}',
            {"correlationId": "48fb4cd3-2ef6-4479-bea1-000000000001", "token": "access"},
        ),
    ),
    "loyverse": Row(
        kind="receipt",
        host="api.loyverse.com",
        secret="access",
        headers={"authorization": "Bearer access"},
        told=("receipts.update__same_sale",),
    ),
    "stripe": Row(
        kind="event",
        host="api.stripe.com",
        secret="rk_live_key",
        headers={"authorization": "Bearer rk_live_key", "stripe-account": "acct_1Shop"},
        told=("charge.succeeded__same_sale", "refund.created__same_sale"),
        settings={"account": "acct_1Shop"},
    ),
    "toast": Row(
        kind="order",
        host="ws-api.toasttab.com",
        secret="an-id:a-secret",
        headers={
            "authorization": "Bearer access",
            "toast-restaurant-external-id": "d3f0c0de-0000-4000-8000-000000000001",
        },
        told=("order_updated__same_sale",),
        settings={"restaurant": "d3f0c0de-0000-4000-8000-000000000001"},
        login=In(
            "ws-api.toasttab.com",
            "/authentication/v1/authentication/login",
            b'{"clientId": "an-id", "clientSecret": "a-secret",'
            b' "userAccessType": "TOAST_MACHINE_CLIENT"}',
            {"token": {"accessToken": "access", "expiresIn": 86400}, "status": "SUCCESS"},
        ),
    ),
    "zettle": Row(
        kind="purchase",
        host="purchase.izettle.com",
        secret="a-client:a-key",
        headers={"authorization": "Bearer access"},
        told=("PurchaseCreated__same_sale", "PurchaseCreated__same_sale_refund"),
        pages=2,
        login=In(
            "oauth.zettle.com",
            "/token",
            b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
            b"&client_id=a-client&assertion=a-key",
            {"access_token": "access", "expires_in": 7200},
        ),
    ),
}


def connected(slug: str, row: Row) -> Source:
    """Connect a shop to a provider as its row says."""
    account = Account.objects.create(slug="shop", title="Shop")
    with scoped([account.pk]):
        source = Source.objects.create(
            account=account, provider=slug, title="Shop", currency="RUB", settings=row.settings
        )
        endpoints.give_api_secret(source, row.secret)
    return source


@pytest.mark.parametrize("slug", sorted(TABLE))
def test_what_was_lost_is_found_in_the_list_and_counts_once(slug: str) -> None:
    row, mine = TABLE[slug], {slug: PROVIDERS[slug]}
    page = json.loads(samples.load_answers(slug)[f"{row.kind}.listed__page"])["answers"][0]
    source = connected(slug, row)

    def api(request: Request) -> Said:
        if row.login and request.path == row.login.path:
            return row.login.said(request)
        known = all(request.headers.get(name) == said for name, said in row.headers.items())
        return Said(200, page) if known else Said(401, {})

    hosts = {row.host, row.login.host} if row.login else {row.host}
    played = walked(source, row.kind, (SINCE, UNTIL), api, at=(mine, *hosts))
    found = sales(source)
    told = [samples.signed(samples.load(slug)[name], PROVIDERS[slug]) for name in row.told]
    settle(put(source, *(one.body for one in told)), providers=mine)

    assert len(played.requests) == row.pages + bool(row.login)
    counted = [(one["total"], one["refunded_total"], one["net_total"]) for one in found]
    assert sorted(tuple(map(int, one)) for one in counted if one[0]) == [*row.counted]
    assert [one["net_total"] for one in sales(source)] == [one["net_total"] for one in found]
    assert "dead" not in outcomes_of(source)


def test_an_order_that_cannot_be_read_holds_up_no_other_of_its_page() -> None:
    row, mine = TABLE["toast"], {"toast": PROVIDERS["toast"]}
    (good,) = json.loads(samples.load_answers("toast")["order.listed__page"])["answers"][0]
    broken = {**good, "guid": "0a1b2c3d-0000-4000-8000-000000000999", "businessDate": "Monday"}
    source = connected("toast", row)

    def api(request: Request) -> Said:
        login = row.login
        assert login
        return login.said(request) if request.path == login.path else Said(200, [broken, good])

    for _ in range(2):  # the same page again, as a window sees it, is no news
        walked(source, row.kind, (SINCE, UNTIL), api, at=(mine, row.host))

    assert [one["net_total"] for one in sales(source) if one["total"]] == [270]
    (letter,) = dead_letters(source)
    assert (letter.path, letter.closed_at) == ("answers[0][0].businessDate", None)
    out = io.StringIO()
    call_command("rebuild", "--json", stdout=out, stderr=io.StringIO())
    report = json.loads(out.getvalue())
    assert (report["differs"], report["unread"]) == (False, {"PayloadUnrecognised": 1})
