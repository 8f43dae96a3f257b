"""Evotor links a merchant to an app: its calls over real HTTP, and what stays of them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.commandline import every_account
from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.models import Brought, Inbox
from integrations.contract import Secret
from integrations.evotor import PROVIDER
from integrations.samples import load
from integrations.schemes import user_token
from tasks import replays
from tasks.children import add_child
from tasks.pipeline import settle
from tasks.routing import unrouted

from .hearing import SECRET, Address, Running, make_source, owner, receiver, staged
from .settling import make_due, outcomes_of

pytestmark = pytest.mark.django_db(transaction=True)

ANNA, BORIS = "01-000000000000001", "01-000000000000002"
CREATE, VERIFY, TOKEN = (f"/api/v1/user/{name}" for name in ("create", "verify", "token"))
FIRST, SECOND = "cloud-token-the-first", "cloud-token-the-second"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Running]:
    with receiver(
        tmp_path_factory.mktemp("receiver"),
        application="backend_gjango.asgi:application",
        GJANGO_SOURCE_CACHE_SECONDS="0.01",
    ) as running:
        yield running


def make_app(**settings: Any) -> Address:
    return make_source("evotor", slug="operator", is_app=True, settings=settings)


def connect(app: Address, user: str) -> Source:
    account = Account.objects.create(slug=f"of-{user}", title=user)
    with every_account():
        return add_child(account, PROVIDER, Source.objects.get(pk=app.source_id), merchant=user)


def call(
    server: Running, app: Address, path: str, body: Any, *, bearer: str = SECRET
) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
    return server.http.post(app.path + path, content=raw, headers=headers)


def hand_over(server: Running, app: Address, token: str, user: str = ANNA) -> None:
    answer = call(server, app, TOKEN, {"userId": user, "token": token})
    assert (answer.status_code, list(answer.json())) == (200, ["delivery"])


def settle_all(*, newest_first: bool = False) -> None:
    with every_account():
        ids = sorted(Inbox.objects.values_list("pk", flat=True), reverse=newest_first)
    make_due()
    for one in ids:
        settle([one])


def key_of(source: Source) -> str | None:
    with scoped([source.account_id]):
        return endpoints.api_secret_of(source)


def of(app: Address) -> Source:
    with scoped([app.account_id]):
        return Source.objects.get(pk=app.source_id)


def test_an_open_app_registers_a_merchant_whose_token_then_brings_his_documents(
    server: Running,
) -> None:
    app = make_app(registration="open")
    form = {"userId": ANNA, "username": "Анна", "password": "never-to-be-kept"}

    answer = call(server, app, CREATE, form)

    token = user_token(ANNA, Secret(SECRET))
    assert (answer.status_code, answer.json()) == (200, {"userId": ANNA, "token": token})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    receipt = load("evotor")["document_sell__cash"].body
    headers = {"authorization": f"Bearer {token}"}
    put = server.http.put(app.path + "/docs", content=receipt, headers=headers)
    assert put.status_code == 200
    kept, documents = staged(app)
    assert json.loads(bytes(kept.body)) == {**form, "password": "[cut]"}
    assert (kept.redacted, kept.path) == ("password", CREATE)
    assert f"x-gjango-merchant: {ANNA}".encode() in bytes(documents.headers)
    settle_all()
    assert outcomes_of(of(app)) == ["ignored", "recorded"]


def test_a_closed_app_lets_in_who_has_a_password_of_the_operators(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app()
    call_command("source", "invite", str(app.source_id), "--login", "cafe", "--json")
    given = json.loads(capsys.readouterr().out)
    form = {"userId": ANNA, "username": given["login"], "password": given["password"]}

    refused = call(server, app, CREATE, {"userId": ANNA})
    wrong = call(server, app, VERIFY, {**form, "password": "aaaaa-bbbbb-ccccc-ddddd"})
    answer = call(server, app, VERIFY, form)

    assert (refused.status_code, refused.json()) == (409, {"errors": [{"code": 2005}]})
    assert (wrong.status_code, wrong.json()) == (401, {"errors": [{"code": 1006}]})
    token = user_token(ANNA, Secret(SECRET))
    granted = {"userId": ANNA, "hasBilling": False, "token": token}
    assert (answer.status_code, answer.json()) == (200, granted)
    # What was refused is kept too, and no password in any of them.
    assert [row.path for row in staged(app)] == [CREATE, VERIFY, VERIFY]
    assert given["password"].encode() not in b"".join(bytes(row.body) for row in staged(app))


def test_a_call_that_the_apps_token_does_not_prove_leaves_nothing(server: Running) -> None:
    app = make_app(registration="open")
    users = user_token(ANNA, Secret(SECRET))

    for bearer in ("another-token-of-an-app", users, "x" * 4097, " ".join("abcdefghij")):
        for path in (CREATE, TOKEN):
            answer = call(server, app, path, {"userId": ANNA, "token": "t"}, bearer=bearer)
            assert (answer.status_code, answer.json()) == (401, {"errors": [{"code": 1001}]})
    documents = call(server, app, "/docs", b"[]", bearer="nobody")

    assert (documents.status_code, documents.json()) == (401, {"errors": [{"code": 1002}]})
    assert (staged(app), key_of(connect(app, ANNA))) == ([], None)


def test_what_is_no_form_is_told_and_kept_and_found_among_the_dead(server: Running) -> None:
    app = make_app()

    answers = [call(server, app, TOKEN, body) for body in (b"userId=1", {"token": FIRST})]

    missing = {"code": 2002, "reason": "missing", "subject": "userId"}
    assert [one.status_code for one in answers] == [400, 400]
    assert [one.json()["errors"] for one in answers] == [[{"code": 2001}], [missing]]
    settle_all()
    assert outcomes_of(of(app)) == ["dead", "unsupported"]
    assert FIRST.encode() not in bytes(staged(app)[1].body)


def test_a_token_that_came_before_its_merchant_was_connected_is_his_key_and_is_read_nowhere(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app()
    hand_over(server, app, FIRST)
    settle_all()
    with scoped([app.account_id]):
        assert [(one[0], one[3]) for one in unrouted(app.source_id)] == [(ANNA, 1)]

    anna, boris = connect(app, ANNA), connect(app, BORIS)

    assert (key_of(anna), key_of(boris), key_of(of(app))) == (FIRST, None, None)
    settle_all()
    (kept,) = staged(app)
    with every_account():
        (brought,) = Brought.objects.all()
        everything = str(Source.objects.values().get(pk=anna.pk)) + str(kept.__dict__)
    assert brought.delivery_id == kept.pk
    assert json.loads(bytes(kept.body)) == {"userId": ANNA, "token": "[cut]"}
    assert FIRST.encode() not in bytes(kept.headers) + bytes(brought.value_encrypted)
    assert FIRST not in everything + server.log.read_text()
    # Another account's scope opens nothing, whatever it asks for.
    with scoped([boris.account_id]):
        assert endpoints.api_secret_of(anna) is None
        assert not Brought.objects.exists()
    for command in (("rebuild",), ("verify",)):
        call_command(*command, "--json")
    assert FIRST not in capsys.readouterr().out


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_token_that_was_first_received_last_holds_whatever_is_settled_when(
    server: Running, newest_first: bool
) -> None:
    app = make_app()
    anna = connect(app, ANNA)

    for token in (FIRST, SECOND, FIRST):  # the last is a repetition of what was told before
        hand_over(server, app, token)
    hand_over(server, app, "of-another", BORIS)
    before = key_of(anna)
    settle_all(newest_first=newest_first)
    settle_all()
    replays.replay([row.pk for row in staged(app)])

    assert (before, key_of(anna)) == (SECOND, SECOND)
    with every_account():
        assert Brought.objects.count() == 4


def test_of_a_key_by_hand_and_one_that_was_brought_the_newer_holds(server: Running) -> None:
    app = make_app()
    anna = connect(app, ANNA)
    held = []

    for step in (FIRST, None, SECOND):
        if step is None:
            with scoped([anna.account_id]):
                endpoints.give_api_secret(anna, "by hand")
        else:
            hand_over(server, app, step)
        held.append(key_of(anna))

    assert held == [FIRST, "by hand", SECOND]


def test_a_shop_with_an_app_of_its_own_has_its_key_at_once(server: Running) -> None:
    own = make_source("evotor", slug="shop")

    hand_over(server, own, FIRST)

    assert key_of(of(own)) == FIRST


def test_a_call_whose_token_cannot_be_kept_is_not_acknowledged(server: Running) -> None:
    app = make_app()
    trigger = (
        "CREATE TRIGGER broken BEFORE INSERT ON ingest_brought EXECUTE FUNCTION refuse_change()"
    )
    with owner() as direct:
        direct.execute(trigger)
        try:
            answer = call(server, app, TOKEN, {"userId": ANNA, "token": FIRST})
        finally:
            direct.execute("DROP TRIGGER broken ON ingest_brought")

    assert answer.status_code == 503
    assert staged(app) == []
    time.sleep(0.05)
    hand_over(server, app, FIRST)
    assert key_of(connect(app, ANNA)) == FIRST


def test_nobody_writes_brought_secrets_beside_the_door() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(current_user, 'ingest_brought', 'INSERT')")
        assert cursor.fetchone() == (False,)


def test_only_an_app_lets_merchants_register_and_only_its_source_invites_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setting = ("--setting", "registration=open")
    with pytest.raises(CommandError, match="only an app has it"):
        call_command("source", "add", "evotor", "--account", "shop", *setting)
    wrong = ("--setting", "registration=yes")
    with pytest.raises(CommandError, match="open or closed"):
        call_command("source", "add", "evotor", "--account", "shop", "--app", *wrong)
    own, app = make_source("evotor", slug="shop"), make_app()
    child = connect(app, ANNA)
    with pytest.raises(CommandError, match="only an app has it"):
        call_command("source", "set", str(own.source_id), *setting)
    capsys.readouterr()
    call_command("source", "set", str(app.source_id), *setting, "--json")
    assert json.loads(capsys.readouterr().out)["stale"] is False  # no payload is read with it
    assert of(app).settings == {"registration": "open"}

    for source, login, words in (
        (child.pk, "cafe", "do not log in"),
        (app.source_id, "Кафе", "--login"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("source", "invite", str(source), "--login", login)
