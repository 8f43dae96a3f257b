"""The HTTP policy, case by case, over real HTTP into a real database."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from django.db import connection

from ingest.handshakes import is_handshake
from ingest.models import Inbox
from integrations import samples
from integrations.contract import Delivery
from integrations.registry import PROVIDERS
from tests.hearing import (
    SECRET,
    Address,
    Running,
    make_source,
    receiver,
    rotate,
    set_state,
    staged,
)
from tests.receiver_providers import HEADER

pytestmark = pytest.mark.django_db(transaction=True)

BODY = json.dumps({"type": "sale.created", "data": {"total": "1.00"}}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Running]:
    # The source cache must not carry one step of a test into the next.
    folder: Path = tmp_path_factory.mktemp("receiver")
    with receiver(folder, GJANGO_SOURCE_CACHE_SECONDS="0.01") as running:
        yield running


@pytest.fixture
def shop() -> Address:
    return make_source()


def send(server: Running, shop: Address, body: bytes = BODY, **headers: str) -> httpx.Response:
    return server.http.post(shop.path, content=body, headers={**shop.signed(body), **headers})


def test_a_signed_delivery_is_answered_200_with_its_id_and_staged_byte_for_byte(
    server: Running, shop: Address
) -> None:
    path = f"{shop.path}/more/x?q=%00"
    headers = {**shop.signed(BODY, path), "authorization": "Basic x", "x-password": "secret"}
    answer = server.http.post(path, content=BODY, headers=headers)

    assert answer.status_code == 200, answer.text
    (delivery,) = staged(shop)
    assert answer.json() == {"delivery": str(delivery.id)}
    assert answer.headers["x-request-id"]
    assert bytes(delivery.body) == BODY
    assert bytes(delivery.sha256) == hashlib.sha256(BODY).digest()
    assert (delivery.method, delivery.path, bytes(delivery.query)) == ("POST", "/more/x", b"q=%00")
    assert b"Basic" not in bytes(delivery.headers)
    assert b"x-password" not in bytes(delivery.headers)
    assert b"x-signature" in bytes(delivery.headers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[" * 3000,
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": "\\u0000 \\ud800"}',
        b"1" * 5000,
        '{"a": 1}'.encode("utf-16"),
        bytes(range(256)),
        b"x" * 200_000,
    ],
    ids=lambda body: f"{body[:8]!r}",
)
def test_a_signed_body_that_nobody_can_read_is_200_and_kept(
    server: Running, shop: Address, body: bytes
) -> None:
    assert send(server, shop, body).status_code == 200

    (delivery,) = staged(shop)
    assert bytes(delivery.body) == body


def test_F60_tampering_with_any_byte_is_401_and_stages_nothing(
    server: Running, shop: Address
) -> None:
    headers = shop.signed(BODY)
    proof = headers[HEADER]

    for position in range(len(BODY)):
        changed = bytearray(BODY)
        changed[position] ^= 1
        answer = server.http.post(shop.path, content=bytes(changed), headers=headers)
        assert answer.status_code == 401
    for position in range(len(proof)):
        changed = bytearray(proof.encode())
        changed[position] ^= 1
        wrong = {HEADER.encode(): bytes(changed)}
        assert server.http.post(shop.path, content=BODY, headers=wrong).status_code == 401

    assert staged(shop) == []


@pytest.mark.parametrize(
    "proof",
    [b"", b"\xff\xfe", "подпись".encode(), b"YW!!Jj", b"a" * 5000, b"v1,a " * 8 + b"v1,a"],
    ids=["empty", "high", "utf8", "junk", "long", "many"],
)
def test_F59_a_strange_signature_is_401_in_the_contracts_words(
    server: Running, shop: Address, proof: bytes
) -> None:
    answer = server.http.post(shop.path, content=BODY, headers={HEADER.encode(): proof})

    assert answer.status_code == 401
    error = answer.json()
    assert set(error) == {"code", "detail", "hint", "request_id"}
    assert error["code"] == "signature_invalid"
    assert error["request_id"] == answer.headers["x-request-id"]
    assert staged(shop) == []


def test_F43_the_secret_of_another_account_is_401(server: Running, shop: Address) -> None:
    other = make_source(slug="other")
    rotate(other, "of the other account", timedelta(0))

    # ``other`` still signs with the secret that is valid for ``shop``.
    assert send(server, other).status_code == 401

    assert send(server, shop).status_code == 200
    assert staged(other) == []


def test_a_bug_in_a_scheme_is_401_and_never_500(server: Running, shop: Address) -> None:
    assert send(server, shop, b"crash").status_code == 401

    log = server.log.read_text()
    assert "verification_failed" in log
    assert shop.token not in log


def test_F42_old_and_new_secret_hold_during_the_overlap_and_the_old_one_not_after(
    server: Running, shop: Address
) -> None:
    rotate(shop, "the new one", timedelta(hours=1))
    new = Address(shop.source_id, shop.account_id, shop.token, "the new one")

    assert send(server, shop).status_code == 200
    assert send(server, new).status_code == 200

    rotate(shop, "the newest", timedelta(0))

    assert send(server, shop).status_code == 401
    assert send(server, new).status_code == 401


@pytest.mark.parametrize("path", ["/hooks", "/hooks/", "/hooks/short", f"/hooks/{'x' * 43}/a"])
def test_an_unknown_address_is_404_in_json(server: Running, path: str) -> None:
    answer = server.http.post(path, content=BODY, headers={"accept-language": "en-US,ru"})

    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("There is no such address")


def test_the_state_of_a_source_decides(server: Running, shop: Address) -> None:
    set_state(shop, "disabled")
    assert send(server, shop).status_code == 404

    set_state(shop, "needs_secret")
    answer = send(server, shop)
    assert (answer.status_code, answer.json()["code"]) == (401, "secret_missing")
    assert staged(shop) == []

    set_state(shop, "paused")
    assert send(server, shop).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT due_at = 'infinity' FROM ingest_inbox")
        assert cursor.fetchall() == [(True,)]
    assert Inbox.objects.count() == len(staged(shop)) == 1


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
def test_F56_another_method_is_405_and_names_those_that_are_taken(
    server: Running, shop: Address, method: str
) -> None:
    answer = server.http.request(method, shop.path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, PUT"


def test_a_provider_may_probe_with_get_and_state_its_own_answer(server: Running) -> None:
    soap = make_source("soap")

    assert server.http.get(soap.path).text == "<Ack>true</Ack>"
    assert staged(soap) == []

    answer = send(server, soap)
    assert (answer.text, answer.headers["content-type"]) == ("<Ack>true</Ack>", "text/xml")
    assert len(staged(soap)) == 1


def test_a_probe_that_asks_for_permission_gets_it_and_a_token_in_the_query_is_not_kept(
    server: Running,
) -> None:
    events = make_source("cloudevents")
    origin = {"WebHook-Request-Origin": "events.example.com"}
    body = b'{"specversion":"1.0","id":"1","source":"/","type":"ping","data":{}}'
    structured = {"content-type": "application/cloudevents+json"}

    asked = server.http.request("OPTIONS", events.path, headers=origin)
    silent = server.http.request("OPTIONS", events.path)
    refused = server.http.post(f"{events.path}?access_token=no", content=body, headers=structured)
    sent = server.http.post(
        f"{events.path}?access_token={SECRET}", content=body, headers=structured
    )

    statuses = [one.status_code for one in (asked, silent, refused, sent)]
    assert statuses == [200, 200, 401, 200]
    assert asked.headers["webhook-allowed-origin"] == "events.example.com"
    assert (asked.headers["webhook-allowed-rate"], asked.headers["allow"]) == ("*", "POST")
    assert "webhook-allowed-origin" not in silent.headers
    (kept,) = staged(events)
    assert SECRET.encode() not in bytes(kept.query) + bytes(kept.headers)


def test_a_handshake_without_proof_is_answered_200_and_whatever_else_lacks_proof_is_401(
    server: Running,
) -> None:
    asking = make_source("asking")

    answer = server.http.post(asking.path, content=b"webhook_id=5")
    assert (answer.status_code, answer.content) == (200, b"{}")

    for body, headers in (
        (b"webhook_id=5&more", {}),
        (b'{"id": 727}', {}),
        (b"0" * 600, {}),
        (b"webhook_id=5", {HEADER: "bm8="}),
    ):
        refused = server.http.post(asking.path, content=body, headers=headers)
        assert refused.status_code == 401, (body, headers)
    assert staged(asking) == []


def test_a_handshake_signed_by_a_key_that_nobody_has_yet_is_one_where_the_provider_says_so() -> (
    None
):
    zettle, woocommerce = PROVIDERS["zettle"], PROVIDERS["woocommerce"]
    test = samples.bare(samples.load("zettle")["TestMessage__connected"])
    ping = Delivery("POST", "", "", {}, b"webhook_id=5", "")
    signature = {"x-izettle-signature": "00", "x-wc-webhook-signature": "AA=="}

    assert is_handshake(zettle, test)
    assert is_handshake(zettle, replace(test, headers=signature))
    assert not is_handshake(zettle, replace(test, body=test.body + b" " * 512))
    assert is_handshake(woocommerce, ping)
    assert not is_handshake(woocommerce, replace(ping, headers=signature))


def test_get_brings_an_event_where_the_query_is_read_and_its_secret_is_not_kept(
    server: Running,
) -> None:
    asked = make_source("asked")

    assert server.http.get(f"{asked.path}?id=7").status_code == 401
    assert server.http.get(f"{asked.path}?id=7&token=guess").status_code == 401
    assert server.http.head(f"{asked.path}?token={SECRET}").status_code == 405
    assert staged(asked) == []

    assert server.http.get(f"{asked.path}?token={SECRET}&id=7").status_code == 200
    assert server.http.post(f"{asked.path}?token={SECRET}", content=b"id=8").status_code == 200
    got, posted = staged(asked)
    assert (got.method, bytes(got.query), bytes(got.body)) == ("GET", b"token=%5Bcut%5D&id=7", b"")
    assert (bytes(posted.query), bytes(posted.body)) == (b"token=%5Bcut%5D", b"id=8")
    assert got.redacted == posted.redacted == "token"


def test_F58_a_signed_url_is_the_configured_one_never_the_host_header(
    server: Running, shop: Address
) -> None:
    assert send(server, shop, host="evil.example").status_code == 200

    fixed = make_source(slug="fixed", public_url="https://other.example/in?x=1")
    mac = Address(fixed.source_id, fixed.account_id, fixed.token)
    assert send(server, mac).status_code == 401


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
def test_F54_a_compressed_body_is_415(server: Running, shop: Address, coding: str) -> None:
    answer = send(server, shop, BODY, **{"content-encoding": coding})

    assert (answer.status_code, answer.json()["field"]) == (415, "Content-Encoding")
    assert send(server, shop, BODY, **{"content-encoding": "identity"}).status_code == 200


def test_declared_secrets_inside_a_body_are_cut_and_the_digest_is_of_what_came(
    server: Running, shop: Address
) -> None:
    body = b'{"token" : "canary-token", "n": 1.10}'

    assert send(server, shop, body).status_code == 200

    (delivery,) = staged(shop)
    assert bytes(delivery.body) == b'{"token" : "[cut]", "n": 1.10}'
    assert bytes(delivery.sha256) == hashlib.sha256(body).digest()
    assert delivery.redacted == "token"


def test_declared_secrets_inside_a_form_are_cut_as_well(server: Running, shop: Address) -> None:
    body, kind = b"n=1&token=canary&token[a]=x", "application/x-www-form-urlencoded"

    assert send(server, shop, body, **{"content-type": kind}).status_code == 200

    (delivery,) = staged(shop)
    assert bytes(delivery.body) == b"n=1&token=%5Bcut%5D&token[a]=%5Bcut%5D"
    assert bytes(delivery.sha256) == hashlib.sha256(body).digest()


def test_many_at_once_each_get_the_id_of_their_own_body(server: Running, shop: Address) -> None:
    async def everybody() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.http.base_url) as client:
            bodies = [f'{{"n": {n}}}'.encode() for n in range(120)]
            return await asyncio.gather(
                *(client.post(shop.path, content=b, headers=shop.signed(b)) for b in bodies)
            )

    answers = asyncio.run(everybody())

    assert {answer.status_code for answer in answers} == {200}
    bodies = {str(one.id): bytes(one.body) for one in staged(shop)}
    assert [bodies[answer.json()["delivery"]] for answer in answers] == [
        f'{{"n": {n}}}'.encode() for n in range(120)
    ]
