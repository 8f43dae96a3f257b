"""The HTTP policy, case by case, over real HTTP into a real database."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.hearing import (
    SECRET,
    Address,
    Running,
    make_source,
    receiver,
    rotate,
    staged,
)

pytestmark = pytest.mark.django_db(transaction=True)

BODY = json.dumps({"type": "sale.created", "data": {"total": "1.00"}}).encode()


@pytest.fixture
def shop() -> Address:
    return make_source()


@pytest.fixture
def server(tmp_path: Path, db: None) -> Iterator[Running]:
    # The source cache must not carry one step of a test into the next.
    with receiver(tmp_path, GJANGO_SOURCE_CACHE_SECONDS="0.01") as running:
        yield running


def test_a_signed_delivery_is_answered_200_with_its_id_and_staged_byte_for_byte(
    server: Running, shop: Address
) -> None:
    path = f"{shop.path}/more/x?q=%00"
    headers = {**shop.signed(BODY, path), "authorization": "Basic x", "x-password": "secret"}
    answer = httpx.post(server.url + path, content=BODY, headers=headers)

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


def test_tampering_with_any_byte_is_401_and_stages_nothing(server: Running, shop: Address) -> None:
    headers = shop.signed(BODY)

    with httpx.Client(base_url=server.url) as client:
        for position in range(len(BODY)):
            changed = bytearray(BODY)
            changed[position] ^= 1
            assert (
                client.post(shop.path, content=bytes(changed), headers=headers).status_code == 401
            )

    assert staged(shop) == []


def test_old_and_new_secret_hold_during_the_overlap(server: Running, shop: Address) -> None:
    rotate(shop, "the new one", timedelta(hours=1))
    new = Address(shop.source_id, shop.account_id, shop.token, "the new one")

    for address in (shop, new):
        answer = httpx.post(server.url + shop.path, content=BODY, headers=address.signed(BODY))
        assert answer.status_code == 200

    assert shop.secret == SECRET
