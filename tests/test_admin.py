"""The admin over all apps: each page answers with rows there, shows no secret, counts nothing."""

import hashlib
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.adminutil import MOST_ROWS, BoundedPaginator, preview
from accounts.models import Account, IdempotencyKey, Membership, Source, User
from accounts.rls import scoped
from accounts.tokens import issue
from ingest.endpoints import add_endpoint, add_secret
from ingest.staging import Row, stage
from sales.models import Fiscal, Refund, Sale
from tasks import manual
from tasks.models import (
    Attempt,
    Backfill,
    DeadLetter,
    EarlierReceipt,
    Event,
    Fetch,
    Replay,
    Verification,
)

BODY = b'{"note": "<script>alert(1)</script>"}'
SALE = {
    "external_id": "s-1",
    "occurred_at": "2026-05-04T12:00:00Z",
    "total": "100",
    "number": "<b>7</b>",
    "lines": [{"name": "<i>Чай</i>", "product": "tea", "total": "100"}],
    "payments": [{"method": "cash", "amount": "100"}],
    "location": "shop",
    "device": "till",
    "employee": "vera",
    "customer": "anna",
    "fiscal": [{"fn": "9960", "fd": "12"}],
}


@pytest.fixture
def cafe(db: None) -> Account:
    account = Account.objects.create(slug="cafe", title="Кафе")
    furnish(account)
    return account


def furnish(account: Account) -> None:
    """Put a row into every table."""
    issue(account, "owner", "Excel")
    with scoped([account.pk]):
        source = Source.objects.create(account=account, provider="standard", title="Касса")
        add_endpoint(source)
        add_secret(source, "whsec_canary", kind="signing")
        manual.create("sale", account.pk, SALE)
        refund = {"occurred_at": "2026-05-05T12:00:00Z", "total": "5", "sale_external_id": "s-1"}
        manual.create("refund", account.pk, refund)
        manual.create("product", account.pk, {"external_id": "p", "category": "hot", "name": "x"})
        owner = {"account": account, "source": source}
        row = Row(
            *(account.pk, source.pk, "push", "POST", "", b"", "application/json", b"a: b\r\n"),
            *(BODY, hashlib.sha256(BODY).digest()),
        )
        app = Source.objects.create(account=account, provider="evotor", title="App", is_app=True)
        with connection.cursor() as cursor:
            brings = row._replace(source_id=app.pk, merchant="01-7", brought=b"sealed")
            delivery, routed = stage(cursor, [row, brings])
            cursor.execute("SELECT route_part(%s, '01-7', '{}'::bytea)", [routed])
            cursor.execute(
                "SELECT keep_rejection(%s, %s, 'signature_invalid', '', '', 'POST', '', %s, 2, %s)",
                [account.pk, source.pk, b"sealed", b"x" * 32],
            )
        event = {**owner, "key": "k", "sha256": b"x" * 32, "delivery_id": delivery}
        Event.objects.create(**event, type="t")
        EarlierReceipt.objects.create(**event)
        trace = {**owner, "delivery_id": delivery, "position": 0}
        Attempt.objects.create(**trace, number=1, outcome="dead")
        DeadLetter.objects.create(**trace, reason="<u>плохо</u>")
        Fetch.objects.create(**owner, kind="order", external_id="1", cause=delivery)
        Backfill.objects.create(**owner, kind="order", since=datetime(2026, 5, 1, tzinfo=UTC))
        Replay.objects.create(after=delivery)
        Verification.objects.get_or_create(line="I2.content", part=0)
        IdempotencyKey.objects.create(account=account, key="k", sha256=b"x" * 32)


@pytest.fixture
def boss(cafe: Account) -> Client:
    user = User.objects.create_superuser("boss", password="x")
    Membership.objects.create(user=user, account=cafe, role="owner")
    client = Client()
    client.force_login(user)
    return client


MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = [model for model in MODELS if model._meta.app_label in "accounts sales ingest tasks".split()]


def page_of(model: Any) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def first(model: Any, account: Account) -> Any:
    with scoped([account.pk]):
        return model._default_manager.values_list("pk", flat=True).first()


def test_every_model_that_can_be_is_in_the_admin() -> None:
    from django.apps import apps

    labels = ("accounts", "sales", "ingest", "tasks")
    ours = {model for label in labels for model in apps.get_app_config(label).get_models()}

    assert {model.__name__ for model in ours - set(MODELS)} == {"SaleLine", "Fiscal"}


@pytest.mark.parametrize("model", OURS, ids=lambda model: str(model.__name__))
def test_every_page_answers_and_shows_neither_secrets_nor_scripts(
    boss: Client, cafe: Account, model: Any
) -> None:
    key = first(model, cafe)
    assert key is not None
    path = page_of(model)

    for page in (path, f"{path}{key}/change/", f"{path}?q=x", f"{path}?q={uuid.uuid4()}"):
        answer = boss.get(page, follow=True)

        assert answer.status_code == 200, page
        text = answer.content.decode()
        for forbidden in ("whsec_canary", "<script>alert", "<b>7", "<i>Чай", "<u>плохо"):
            assert forbidden not in text, page
        assert "backend_gjango" in text


@pytest.mark.parametrize("model", OURS, ids=lambda model: str(model.__name__))
def test_no_list_counts_its_whole_table(boss: Client, model: Any) -> None:
    with CaptureQueriesContext(connection) as queries:
        boss.get(page_of(model))

    table = model._meta.db_table
    unbounded = [
        query["sql"]
        for query in queries
        if "COUNT(" in query["sql"] and f'"{table}"' in query["sql"]
    ]
    assert unbounded == []
    assert len(queries) < 20


def test_lists_are_read_only_where_deliveries_write(boss: Client, cafe: Account) -> None:
    for model in (Sale, Event, Attempt, DeadLetter):
        key = first(model, cafe)

        assert boss.get(page_of(model) + "add/").status_code == 403
        assert boss.post(f"{page_of(model)}{key}/change/", {}).status_code == 403
        assert boss.post(f"{page_of(model)}{key}/delete/", {"post": "yes"}).status_code == 403


def test_a_sale_shows_its_parts_as_tables(boss: Client, cafe: Account) -> None:
    text = boss.get(f"{page_of(Sale)}{first(Sale, cafe)}/change/").content.decode()

    for part in ("Чай", "cash", "9960", "completed"):
        assert part in text
    with scoped([cafe.pk]):
        assert Fiscal.objects.count() == 1


def test_amounts_have_the_decimals_of_their_currency_in_lists(boss: Client, cafe: Account) -> None:
    with scoped([cafe.pk]):
        Sale.objects.update(total="1500", currency="JPY")
        Refund.objects.update(total="12.5", currency="RUB")

    assert ">1500</td>" in boss.get(page_of(Sale)).content.decode()
    assert ">12.50</td>" in boss.get(page_of(Refund)).content.decode()


def test_nobody_can_sort_a_large_list_by_a_column_without_an_index(boss: Client) -> None:
    answer = boss.get(page_of(Sale), {"o": "3"})

    assert answer.context["cl"].queryset.query.order_by[:2] == ("-updated_at", "-id")
    assert ">Продажи</h1>" in answer.content.decode()


def test_one_account_is_shown_at_a_time_and_foreign_ones_never(boss: Client, cafe: Account) -> None:
    other = Account.objects.create(slug="bakery", title="Пекарня")
    furnish(other)
    path = page_of(Sale)

    def rows(client: Client, query: str) -> list[int]:
        return [row.account_id for row in client.get(path + query).context["cl"].result_list]

    assert rows(boss, "") == [cafe.pk]
    assert rows(boss, f"?account={other.pk}") == [other.pk]
    user = User.objects.get()
    User.objects.filter(pk=user.pk).update(is_superuser=False)
    from django.contrib.auth.models import Permission

    user.user_permissions.add(Permission.objects.get(codename="view_sale"))
    assert rows(boss, f"?account={other.pk}") == [cafe.pk]
    assert boss.get(f"{path}{first(Sale, other)}/change/").status_code == 302


def test_a_source_without_signatures_is_marked_in_the_list(boss: Client, cafe: Account) -> None:
    before = boss.get(page_of(Source)).content.decode()
    with scoped([cafe.pk]):
        Source.objects.create(account=cafe, provider="moysklad", title="Склад")

    after = boss.get(page_of(Source)).content.decode()

    assert before.count("без подписи") == 2  # edits by hand, and the app of Evotor
    kinds = [before.count(f">{kind}<") for kind in ("приложение", "продавец приложения")]
    assert kinds == [1, 0]
    assert after.count("без подписи") == 3


def test_a_stranger_is_sent_to_the_login(db: None) -> None:
    answer = Client().get(page_of(Sale))

    assert (answer.status_code, answer["Location"][:13]) == (302, "/admin/login/")


def test_a_list_is_paged_within_its_bound(cafe: Account) -> None:
    with scoped([cafe.pk]):
        now = datetime.now(UTC)
        source = Source.objects.filter(account=cafe).first()
        Event.objects.bulk_create(
            Event(
                account=cafe,
                source=source,
                key=str(number),
                sha256=b"x",
                type="t",
                delivery_id=uuid.uuid4(),
                created_at=now,
            )
            for number in range(MOST_ROWS + 5)
        )
        pages = BoundedPaginator(Event.objects.order_by("-id"), 50)

        assert (pages.count, pages.num_pages) == (MOST_ROWS, MOST_ROWS // 50)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"<b>", "&lt;b&gt;"),
        ("Чай".encode(), "Чай"),
        (b"\xff\x00", "ff 00"),
        (b"x" * 65535 + "ф".encode(), "x" * 65535 + "\n… ещё 1 байт"),
        (b"", "></pre>"),
    ],
)
def test_a_body_is_shown_as_text_or_hex_and_never_as_html(raw: bytes, shown: str) -> None:
    assert shown in preview(raw)
