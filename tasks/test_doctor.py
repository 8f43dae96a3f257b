"""The doctor names what is wrong with rejected deliveries of a real receiver, and takes them in."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.commandline import every_account
from accounts.models import Account, Source, SourceState
from accounts.rls import scoped
from ingest import endpoints
from ingest.models import Delivery as Staged
from ingest.models import Inbox, Rejection
from integrations.contract import Brought, Delivery, Secret
from integrations.registry import PROVIDERS, get
from tasks.doctor.texts import SENTENCES
from tests.hearing import PUBLIC_URL, Running, attentive, owner

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "whsec_dGVzdC1zZWNyZXQtb2YtdGhlLXNhbXBsZXMtMDAwMQ=="
OTHER = "whsec_b3RoZXItc2VjcmV0LW9mLXRoZS1zYW1wbGVzLTAwMDI="
CODE = "6c9f1c7e-2c8a-4c2e-9a6a-1f2e3d4c5b6a"
BODY = b'{"id": 1, "note": "a/b"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("receiver")
    with ExitStack() as stack:
        yield stack.enter_context(attentive(folder))


@pytest.fixture(autouse=True)
def house(settings: Any) -> None:
    settings.PUBLIC_URL = PUBLIC_URL


@dataclass(slots=True)
class Shop:
    """A source, and the till that sends to it: by its own secret, to its own idea of the URL."""

    source: Source
    token: str

    @property
    def url(self) -> str:
        return f"{PUBLIC_URL}/hooks/{self.token}"

    def signed(
        self, key: str = KEY, url: str | None = None, body: bytes = BODY, age: float = 0
    ) -> dict[str, str]:
        delivery = Delivery("POST", "", "", {}, body, url or self.url)
        kind = "bearer" if self.source.provider == "evotor" else "signing"
        scheme = get(self.source.provider).scheme
        return dict(scheme.sign(delivery, Secret(key, kind), time.time() - age))


def connect(slug: str, *, key: str = KEY, account: str = "cafe", **columns: Any) -> Shop:
    made, _ = Account.objects.get_or_create(slug=account, defaults={"title": account})
    with scoped([made.pk]):
        source = Source.objects.create(account=made, provider=slug, title=slug, **columns)
        token = endpoints.add_endpoint(source)
        endpoints.add_secret(source, key, kind="bearer" if slug == "evotor" else "signing")
    return Shop(source, token)


def post(
    server: Running, shop: Shop, headers: Mapping[str, str], *, body: bytes = BODY, more: str = ""
) -> int:
    whole = {"content-type": "application/json", **headers}
    return server.http.post(f"/hooks/{shop.token}{more}", content=body, headers=whole).status_code


def doctor(capsys: pytest.CaptureFixture[str], shop: Shop, *options: str) -> dict[str, Any]:
    capsys.readouterr()
    call_command("doctor", str(shop.source.pk), "--json", *options)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def until_kept(shop: Shop, count: int = 1) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with every_account():
            if Rejection.objects.filter(source=shop.source).count() == count:
                return
        time.sleep(0.02)
    raise AssertionError("the rejection was not kept")


def rotated(shop: Shop) -> dict[str, str]:
    """Return what a till signs that has not heard of a new secret."""
    with every_account():
        endpoints.rotate_secret(shop.source, value=OTHER, overlap=timedelta(0))
    return shop.signed()


def in_hex(shop: Shop) -> dict[str, str]:
    (name, value), *_ = shop.signed().items()
    return {name: base64.b64decode(value).hex()}


def of_its_neighbour(shop: Shop) -> dict[str, str]:
    connect("shopify", key=OTHER, account="other")
    return shop.signed(key=OTHER)


def of_a_stranger(shop: Shop) -> dict[str, str]:
    connect("shopify", key="stranger's", account="strangers")
    return shop.signed(key="stranger's")


#: Finding → the provider, and the headers that a till sends that makes this mistake.
MISTAKES: Mapping[str, tuple[str, Callable[[Shop], Mapping[str, str]]]] = {
    "protocol": ("square", lambda shop: shop.signed(url=shop.url.replace("https:", "http:"))),
    "slash": ("square", lambda shop: shop.signed(url=shop.url + "/")),
    "host": (
        "square",
        lambda shop: {
            **shop.signed(url=shop.url.replace("hooks.example", "shop.example:8443")),
            "host": "shop.example:8443",
        },
    ),
    "ended": ("shopify", rotated),
    "other": ("shopify", of_its_neighbour),
    "space": ("shopify", lambda shop: shop.signed(key=KEY + "\n")),
    "prefix": ("shopify", lambda shop: shop.signed(key=KEY.removeprefix("whsec_"))),
    "encoding": ("shopify", in_hex),
    "rewritten": ("shopify", lambda shop: shop.signed(body=b'{"id":1,"note":"a\\/b"}')),
    "clock": ("standard", lambda shop: shop.signed(age=1200)),
    "header": ("shopify", lambda shop: {}),
    "unknown": ("shopify", of_a_stranger),  # no account hears of another's secrets
    "token": ("evotor", lambda shop: shop.signed(key="canary-token")),
}


def test_each_mistake_of_a_sender_is_named_in_one_sentence(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, (slug, mistaken) in MISTAKES.items():
        shop = connect(slug, account=kind)
        assert post(server, shop, mistaken(shop)) == 401, kind
        until_kept(shop)

        told = doctor(capsys, shop)

        assert [one["finding"] for one in told["findings"]] == [kind]
        (sentence,) = [one["sentence"] for one in told["findings"]]
        russian, english = SENTENCES[kind]
        assert russian[:12] in sentence
        assert english[:12] in sentence
        assert "{" not in sentence
        assert told["health"]["rejected"] == 1
        assert told["health"]["last_rejection"] is not None
        assert doctor(capsys, shop, "--accept")["accepted"] == [], kind


def test_a_text_secret_a_signed_query_and_another_address_are_told(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    standard, square = connect("standard"), connect("square")
    as_text = "whsec_" + base64.b64encode(KEY.encode()).decode()

    assert post(server, standard, standard.signed(key=as_text)) == 401
    assert post(server, square, square.signed(), more="?x=1") == 401
    until_kept(standard)
    until_kept(square)

    moved = connect("square", public_url="https://old.example/in")
    assert post(server, moved, moved.signed()) == 401
    until_kept(moved)

    assert doctor(capsys, moved)["findings"][0]["finding"] == "address"
    assert doctor(capsys, standard)["findings"][0]["finding"] == "prefix"
    assert doctor(capsys, square)["findings"][0]["finding"] == "query"


def test_after_the_repair_a_rejected_delivery_is_taken_in_exactly_once(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = connect("square")
    wrong = shop.url.replace("hooks.example", "shop.example")
    assert post(server, shop, shop.signed(url=wrong)) == 401
    assert post(server, shop, shop.signed(key="nobody's")) == 401
    until_kept(shop, 2)
    with every_account():
        Source.objects.filter(pk=shop.source.pk).update(public_url=wrong)

    before = doctor(capsys, shop)
    assert sorted(one["finding"] for one in before["findings"]) == ["repaired", "unknown"]
    accepted = doctor(capsys, shop, "--accept")
    again = doctor(capsys, shop, "--accept")

    assert len(accepted["accepted"]) == 1
    assert again["accepted"] == []
    assert [one["finding"] for one in again["findings"]] == ["unknown"]
    with every_account():
        delivery = Staged.objects.get()
        assert Inbox.objects.filter(delivery_id=delivery.pk).exists()
    assert str(delivery.pk) == accepted["accepted"][0]
    assert (bytes(delivery.body), delivery.origin) == (BODY, "push")
    assert b"x-square-hmacsha256-signature" in bytes(delivery.headers).lower()
    assert again["health"]["unsettled"] == 1


def test_what_is_taken_in_later_is_cut_and_its_secret_kept_as_at_the_door(
    server: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = connect("shopify")
    assert post(server, shop, shop.signed(key=OTHER)) == 401
    until_kept(shop)
    bringing = replace(get("shopify"), redacted=("note",), brings=lambda _: Brought("m", "a/b"))
    monkeypatch.setitem(PROVIDERS, "shopify", bringing)
    with every_account():
        endpoints.add_secret(shop.source, OTHER)

    (taken,) = doctor(capsys, shop, "--accept")["accepted"]

    with every_account():
        assert bytes(Staged.objects.get(pk=taken).body) == BODY.replace(b'"a/b"', b'"[cut]"')
        assert endpoints.api_secret_of(shop.source) == "a/b"


def test_two_doctors_at_once_take_a_delivery_in_once(server: Running) -> None:
    shop = connect("shopify")
    assert post(server, shop, shop.signed(key=OTHER)) == 401
    until_kept(shop)
    with every_account():
        endpoints.add_secret(shop.source, OTHER)

    def run() -> None:
        call_command("doctor", str(shop.source.pk), "--accept", "--json")
        connection.close()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with every_account():
        assert Staged.objects.count() == 1
        assert not Rejection.objects.exists()


def test_a_source_that_rests_holds_what_is_taken_in_and_a_disabled_one_takes_nothing(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = connect("shopify")
    assert post(server, shop, shop.signed(key=OTHER)) == 401
    until_kept(shop)
    with every_account():
        endpoints.add_secret(shop.source, OTHER)
        Source.objects.update(state=SourceState.DISABLED)

    with pytest.raises(CommandError, match="source enable"):
        doctor(capsys, shop, "--accept")
    with every_account():
        Source.objects.update(state=SourceState.PAUSED)
    assert len(doctor(capsys, shop, "--accept")["accepted"]) == 1

    with owner() as direct:
        held = direct.execute("SELECT due_at = 'infinity' FROM ingest_inbox").fetchall()
    assert held == [(True,)]


def test_an_address_that_is_not_heard_a_long_body_and_an_old_signature_are_told(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = connect("shopify", settings={"allow_ips": ["203.0.113.0/24"]})
    long = connect("shopify")
    body = b" " * 70_000
    assert post(server, listed, listed.signed()) == 401
    assert post(server, long, long.signed(key=OTHER), body=body) == 401
    until_kept(listed)
    until_kept(long)

    (found,) = doctor(capsys, listed)["findings"]
    assert found["finding"] == "heard"
    assert "127.0.0.1" in found["sentence"]
    (found,) = doctor(capsys, long)["findings"]
    assert found["finding"] == "long"
    assert "70000" in found["sentence"]

    with every_account():
        Source.objects.filter(pk=listed.source.pk).update(settings={"allow_ips": ["127.0.0.0/8"]})
    assert len(doctor(capsys, listed, "--accept")["accepted"]) == 1


def test_people_read_each_sentence_once_with_its_count(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = connect("shopify")
    for _ in range(3):
        assert post(server, shop, {}) == 401
    until_kept(shop, 3)

    call_command("doctor", str(shop.source.pk))

    told = capsys.readouterr().out
    assert told.count("x-shopify-hmac-sha256") == 2  # once in each language
    assert "— 3" in told
    with pytest.raises(CommandError, match="source list"):
        call_command("doctor", "999")


def test_the_health_of_a_source_without_trouble_is_short(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = doctor(capsys, connect("standard"))

    assert told["findings"] == []
    assert told["health"] == {
        "state": "active",
        "last_delivery": None,
        "last_rejection": None,
        "rejected": 0,
        "unsettled": 0,
        "pending_reads": 0,
        "api_secret_missing": False,
    }


def test_a_code_that_a_console_waits_for_is_shown_before_there_is_a_secret(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    def source(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        call_command("source", *arguments, "--json")
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    Account.objects.create(slug="cafe", title="cafe")
    call_command("source", "add", "clover", "--account", "cafe")
    assert "manage.py source code" in capsys.readouterr().out
    made = source("add", "clover", "--account", "cafe", "--setting", "merchant=XYZVJT2ZRRRSC")
    with every_account():
        shop = Shop(Source.objects.get(pk=made["id"]), made["path"].rpartition("/")[2])
    with pytest.raises(CommandError, match="have the provider send it again"):
        source("code", str(made["id"]))

    notice = b'{"merchants": {"XYZVJT2ZRRRSC": []}}'
    refused = post(server, shop, {}, body=notice)
    codes = [post(server, shop, {}, body=b'{"verificationCode": "%d"}' % one) for one in (1, 2)]
    until_kept(shop, 2)
    call_command("source", "secret", str(made["id"]), "--secret", CODE)
    taken = post(server, shop, {"x-clover-auth": CODE}, body=notice)

    assert (made["state"], refused, codes, taken) == ("needs_secret", 401, [200, 200], 200)
    shown = source("code", str(made["id"]))
    assert (shown["id"], shown["code"]) == (made["id"], "2")
    codes_listed = [one["code"] for one in source("list")["sources"]]
    assert [one and one["code"] for one in codes_listed] == [None, "2"]
    assert doctor(capsys, shop)["findings"] == []
