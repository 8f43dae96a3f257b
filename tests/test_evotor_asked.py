"""Evotor's cloud played by a local server: what never came is asked for with its own token."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.commandline import every_account
from accounts.models import Account, Source
from accounts.rls import scoped
from ingest.crypto import Vault
from ingest.staging import Row, stage
from integrations import samples
from integrations.answers import texts
from integrations.evotor import PROVIDER
from integrations.reading import parse_json
from sales.models import Refund, Sale
from tasks.children import add_child
from tasks.fetching import walks
from tasks.models import Backfill

from .played import Request, Said, playing, turn_until, working
from .settling import outcomes_of
from .thin import settle_answers

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"evotor": PROVIDER}
USER, TOKEN = "01-000000000000001", "f46b89a5-8e80-4591-b0aa-94551790444b"
RECORDED = samples.load_answers("evotor")
STORES = "/api/v1/inventories/stores"
FIRST, SECOND = (f"20240101-CCCC-4000-8000-00000000000{n}" for n in (1, 2))
SINCE = datetime(2026, 9, 14, 12, tzinfo=UTC)


def recorded(name: str) -> Any:
    (text,) = texts(RECORDED[f"documents.listed__{name}"])
    return parse_json(text)


class Cloud:
    """What Evotor has of a week: the documents of the first shop, within its rules."""

    def __call__(self, request: Request) -> Said:
        if request.headers.get("x-authorization") != TOKEN:
            return Said(401, {"errors": [{"code": 1001}]})
        if request.path == f"{STORES}/search":
            return Said(200, recorded("shops"))
        since, until = (request.query[f"{side}CloseDate"] for side in ("gt", "lt"))
        if datetime.fromisoformat(until) - datetime.fromisoformat(since) > timedelta(days=28):
            return Said(400, {"errors": [{"code": 2003}]})
        is_first = request.path == f"{STORES}/{FIRST}/documents"
        inside = since < "2026-09-14T12:50:10.000+0000" < until
        return Said(200, [*_plain(recorded("week"))] if is_first and inside else [])


def _plain(value: Any) -> Any:
    """Return a payload as a server writes it: numbers of its own."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | bool | int | None) else float(value)


def linked(settings: Any) -> Source:
    """Make an app, the token of whose merchant came before he was connected."""
    operator, cafe = (
        Account.objects.create(slug=slug, title=slug) for slug in ("operator", "cafe")
    )
    sealed = Vault(settings.GJANGO_KEYS).encrypt(TOKEN)
    with every_account():
        app = Source.objects.create(account=operator, provider="evotor", title="App", is_app=True)
        row = Row(
            *(operator.pk, app.pk, "push", "POST", "/api/v1/user/token", b"", "", b"", b"{}"),
            *(b"x" * 32, "token", USER, sealed),
        )
        with connection.cursor() as cursor:
            stage(cursor, [row])
        return add_child(cafe, PROVIDER, app, merchant=USER)


def load(source: Source, since: datetime, until: datetime) -> list[Backfill]:
    with scoped([source.account_id]):
        listing = PROVIDER.api.lists["documents"] if PROVIDER.api else None
        assert listing is not None
        stretches = list(walks.parts(since, until, listing.longest))
        keys = [walks.start(source, "documents", *one).pk for one in stretches]

    def ended() -> bool:
        with every_account():
            return not Backfill.objects.filter(pk__in=keys, state="running").exists()

    with playing(Cloud()) as played, working(MINE, played.client("api.evotor.ru")) as work:
        assert turn_until(work, ended)
    with every_account():
        return list(Backfill.objects.filter(pk__in=keys).order_by("since"))


def test_documents_that_never_came_are_listed_shop_by_shop_with_the_token_of_the_merchant(
    settings: Any,
) -> None:
    source = linked(settings)

    (walk,) = load(source, SINCE, SINCE + timedelta(hours=2))
    settle_answers(source, MINE)

    assert (walk.state, walk.pages, walk.last_error) == ("done", 3, None)
    # The shops, the documents of the first, and of the second, which has none.
    assert outcomes_of(source) == ["ignored", "recorded", "ignored"]
    with scoped([source.account_id]):
        sale, refund = Sale.objects.get(), Refund.objects.get()
        assert sale.location is not None
    assert (str(sale.total), str(sale.refunded_total)) == ("620.0000", "220.0000")
    assert sale.location.external_id == FIRST
    assert refund.sale_id == sale.pk


def test_a_longer_stretch_is_asked_for_in_weeks_that_meet(settings: Any) -> None:
    source = linked(settings)

    found = load(source, SINCE - timedelta(days=8), SINCE + timedelta(hours=2))

    assert [walk.state for walk in found] == ["done", "done"]
    assert [walk.since for walk in found] == [
        SINCE - timedelta(days=8),
        SINCE - timedelta(days=1),
    ]
    assert found[0].until == found[1].since
    settle_answers(source, MINE)
    with scoped([source.account_id]):
        assert Sale.objects.count() == 1


def test_the_app_itself_has_no_past_to_load(settings: Any) -> None:
    linked(settings)
    with every_account():
        app = Source.objects.get(is_app=True)

    with pytest.raises(CommandError, match="is an app"):
        call_command("backfill", str(app.pk), "--from", "2026-09-14", "--to", "2026-09-15")
