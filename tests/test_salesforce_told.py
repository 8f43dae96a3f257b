"""Messages of Salesforce against the real receiver: what is acknowledged, what nobody sees."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.core.management import call_command

from accounts.models import Source
from accounts.rls import scoped
from ingest.models import Rejection
from integrations import samples
from integrations.registry import PROVIDERS
from sales.models import Sale
from tasks.models import DeadLetter
from tasks.sweep import sweep
from tests.hearing import Address, Running, attentive, make_source, owner, staged
from tests.settling import eventually

pytestmark = pytest.mark.django_db(transaction=True)

ACK = b"<Ack>true</Ack>"
SESSION = "AQEAQDemo"
RECORDED = samples.load("salesforce")
ORGANIZATION = {"organization": "00D000000000001"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("receiver")
    with attentive(folder) as running:
        yield running


def send(server: Running, address: Address, body: bytes) -> httpx.Response:
    headers = {"content-type": "text/xml; charset=utf-8", "soapaction": '""'}
    return server.http.post(address.path, content=body, headers=headers)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    call_command(*arguments)
    return "".join(capsys.readouterr())


def test_a_session_is_kept_nowhere_and_shown_to_nobody(
    server: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_GRACE", "0")
    address = make_source("salesforce", settings=ORGANIZATION)
    names = ("Opportunity__changed", "Opportunity__truncated", "Opportunity__doctype")
    bodies = [RECORDED[name].body for name in names]
    bodies.append(bodies[0].decode().replace("UTF-8", "UTF-16").encode("utf-16"))

    answers = [send(server, address, body) for body in bodies]
    sweep()

    assert all(SESSION.encode() in body.replace(b"\0", b"") for body in bodies)
    assert [(one.status_code, ACK in one.content) for one in answers] == [(200, True)] * 4
    kept = staged(address)
    assert [SESSION.encode() in bytes(one.body).replace(b"\0", b"") for one in kept] == [False] * 4
    assert {one.redacted for one in kept} == {"Envelope.Body.notifications.SessionId"}
    with scoped([address.account_id]):
        (sale,) = Sale.objects.all()
        letters = list(DeadLetter.objects.order_by("id"))
    assert (sale.kind, str(sale.total), sale.currency) == ("deal", "580.0000", "EUR")
    assert [one.path for one in letters] == ["$"] * 3
    shown = [run(capsys, "deadletters", "show", str(one.pk)) for one in letters]
    # Of UTF-16 the first bytes are shown, in hex: its session stood behind them.
    assert ["[cut]" in one for one in shown] == [True, True, False]
    assert SESSION not in "".join(shown).replace("\0", "") + server.log.read_text()


def test_what_is_rejected_by_its_address_shows_no_session_and_is_cut_when_it_is_taken_in(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ORGANIZATION | {"allow_ips": ["203.0.113.0/24"]}
    address = make_source("salesforce", settings=settings)

    answer = send(server, address, RECORDED["Opportunity__changed"].body)

    assert (answer.status_code, ACK in answer.content) == (401, False)
    assert staged(address) == []

    def rejected() -> bool:
        with scoped([address.account_id]):
            return Rejection.objects.exists()

    assert eventually(rejected)
    with owner() as own:
        rows = own.execute("SELECT r::text FROM ingest_rejection r").fetchall()
    assert SESSION not in repr(rows)
    assert SESSION not in run(capsys, "doctor", str(address.source_id))
    with scoped([address.account_id]):
        allowed = ORGANIZATION | {"allow_ips": ["127.0.0.0/8"]}
        Source.objects.filter(pk=address.source_id).update(settings=allowed)

    run(capsys, "doctor", str(address.source_id), "--accept")

    (taken,) = staged(address)
    assert SESSION.encode() not in bytes(taken.body)
    assert taken.redacted == PROVIDERS["salesforce"].redacted[0]
    assert SESSION not in server.log.read_text()


def test_what_was_not_stored_is_not_acknowledged_and_comes_again(server: Running) -> None:
    address, body = (
        make_source("salesforce", settings=ORGANIZATION),
        RECORDED["Opportunity__won"].body,
    )

    with owner() as own:
        own.execute("BEGIN")
        own.execute("LOCK TABLE ingest_inbox IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        refused = send(server, address, body)
        took = time.monotonic() - begun
        own.execute("ROLLBACK")

    assert (refused.status_code, took < 5) == (503, True)
    assert b"Ack" not in refused.content
    assert json.loads(refused.content)["code"] == "unavailable"
    assert int(refused.headers["retry-after"]) > 0
    again = send(server, address, body)
    assert (again.status_code, ACK in again.content) == (200, True)
