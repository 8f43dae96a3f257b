"""Evotor as an app: one address, and each user's token names whose till it is."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from accounts.commandline import every_account
from accounts.models import Account, Source
from ingest.models import Inbox
from integrations.contract import Secret
from integrations.evotor import PROVIDER
from integrations.samples import load
from integrations.schemes import user_token
from tasks.children import add_child
from tasks.pipeline import settle

from .hearing import SECRET, Address, make_source, receiver, rotate, staged
from .settling import make_due, sales

pytestmark = pytest.mark.django_db(transaction=True)

ANNA, BORIS = "01-000000000000001", "01-000000000000002"


def bearer(user: str, secret: str = SECRET) -> dict[str, str]:
    return {"authorization": f"Bearer {user_token(user, Secret(secret))}"}


def receipt() -> bytes:
    return load("evotor")["document_sell__cash"].body


def connect(app: Address, user: str) -> Source:
    account = Account.objects.create(slug=f"of-{user}", title=user)
    with every_account():
        return add_child(account, PROVIDER, Source.objects.get(pk=app.source_id), merchant=user)


def settle_all() -> None:
    with every_account():
        ids = list(Inbox.objects.values_list("pk", flat=True))
    make_due()
    settle(ids)


def test_a_users_token_brings_his_receipt_into_his_account_alone(tmp_path: Path) -> None:
    app = make_source("evotor", slug="operator", is_app=True)
    anna, boris = connect(app, ANNA), connect(app, BORIS)

    with receiver(tmp_path, application="backend_gjango.asgi:application") as running:
        forged = {**bearer(ANNA), "x-gjango-merchant": BORIS}
        answer = running.http.put(app.path + "/documents", content=receipt(), headers=forged)
        assert answer.status_code == 200
        wrong = user_token(ANNA, Secret(SECRET)).replace(ANNA, BORIS)
        refused = {"authorization": f"Bearer {wrong}"}
        assert running.http.put(app.path, content=b"{}", headers=refused).status_code == 401
    settle_all()
    settle_all()

    (kept,) = staged(app)
    assert bytes(kept.headers).count(b"x-gjango-merchant: " + ANNA.encode()) == 1
    assert user_token(ANNA, Secret(SECRET)).encode() not in bytes(kept.headers)
    assert BORIS.encode() not in bytes(kept.headers)
    assert (len(sales(anna)), sales(boris)) == (1, [])
    assert json.loads(bytes(kept.body)) == json.loads(receipt())


def test_the_tokens_of_both_secrets_hold_while_the_secret_is_rotated(tmp_path: Path) -> None:
    app = make_source("evotor", slug="operator", is_app=True)
    rotate(app, "another-secret-of-the-app", timedelta(hours=1))

    with receiver(tmp_path, application="backend_gjango.asgi:application") as running:
        codes = [
            running.http.put(app.path, content=b"[]", headers=bearer(ANNA, secret)).status_code
            for secret in (SECRET, "another-secret-of-the-app", "nobody-knows-this-one")
        ]

    assert codes == [200, 200, 401]
