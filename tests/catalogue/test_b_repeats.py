"""What is sent again, changed, out of order or late: stored, told apart, of one effect."""

import asyncio
import itertools
from dataclasses import replace
from urllib.parse import urlencode

import httpx
import pytest
from django.db import connection

from accounts.rls import scoped
from backend_gjango.roles import as_owner
from integrations.envelope import NORMALISERS
from integrations.registry import PROVIDERS
from tasks import inbox, replays, selection

from .inprocess import counted
from .till import Till, envelope, proof, refund, sale

pytestmark = pytest.mark.django_db(transaction=True)


def test_F33_a_form_of_5000_fields_is_taken_whatever_djangos_parser_thinks(till: Till) -> None:
    """Django answers 400 at 1 001 fields; no Django is in front of staging."""
    form = urlencode([(f"deal[FIELD_{n}]", "значение") for n in range(5000)]).encode()

    answer = till.post(form, headers={"content-type": "application/x-www-form-urlencoded"})

    assert answer.status_code == 200
    assert till.staged() == [form]


def test_F34_twenty_identical_deliveries_at_once_are_one_event(till: Till) -> None:
    body, total = sale(), 20
    headers = proof(body)

    async def everybody() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=till.server.http.base_url) as client:
            return await asyncio.gather(
                *(client.post(till.path, content=body, headers=headers) for _ in range(total))
            )

    answers = asyncio.run(everybody())
    till.settle()

    assert [one.status_code for one in answers] == [200] * total
    assert till.staged() == [body] * total
    assert sorted(till.outcomes()) == ["duplicate"] * (total - 1) + ["recorded"]
    assert (till.events(), till.sold().total) == (1, 10)


def test_F35_a_repetition_after_400_days_is_a_duplicate(till: Till) -> None:
    """The first receipt is a row of its owner's making; nothing forgets the ledger."""
    body = sale()
    with as_owner(), connection.cursor() as owner:
        owner.execute(
            "INSERT INTO ingest_delivery (id, received_at, account_id, source_id, origin, method,"
            " path, query, content_type, headers, body, sha256, redacted)"
            " SELECT uuid_floor(t.past), t.past, %s, %s, 'push', 'POST', '', '', '', %s, %s,"
            " sha256(%s), '' FROM (SELECT now() - interval '400 days' AS past) t",
            [till.source.account_id, till.source.pk, b"webhook-id: msg_a\r\n", body, body],
        )
    with scoped([till.source.account_id]), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM ingest_delivery")
        inbox.enlist([cursor.fetchone()[0]])
    till.settle()
    assert till.outcomes() == ["recorded"]

    till.take(body, name="msg_a")

    assert till.outcomes() == ["recorded", "duplicate"]
    assert (till.events(), len(till.sales())) == (1, 1)


def test_F36_one_key_with_another_body_is_stored_counted_and_told(
    till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    before = counted("gjango_conflicts_total", by="key")

    till.take(sale(at=1), sale(at=2, total="12.00"), name="msg_a")

    assert (len(till.staged()), till.events()) == (2, 2)
    assert till.sold().total == 12
    assert counted("gjango_conflicts_total", by="key") == before + 1
    assert "facts_contradicted" in "".join(capsys.readouterr())


def test_F36_both_bodies_in_one_batch_are_a_conflict_too_and_a_repetition_is_none(
    till: Till,
) -> None:
    before = counted("gjango_conflicts_total", by="key")

    for body in (sale(at=1), sale(at=1), sale(at=2)):
        till.post(body, name="msg_a")
    till.settle()
    till.take(sale(at=2), name="msg_a")

    assert counted("gjango_conflicts_total", by="key") == before + 1


def test_F37_every_order_of_create_update_refund_and_void_ends_alike(till: Till) -> None:
    def story(name: str) -> list[bytes]:
        return [
            sale(name, at=1),
            sale(name, at=2, kind="sale.updated", total="12.00"),
            refund(f"r{name}", of=name, at=3),
            sale(name, at=4, kind="sale.voided", total="12.00"),
        ]

    orders = list(itertools.permutations(range(4)))
    for number, order in enumerate(orders):
        for index in order:
            till.post(story(str(number))[index])
    till.settle()

    ends = {(one.status, one.total, one.refunded_total, one.net_total) for one in till.sales()}
    assert len(till.sales()) == len(orders) == 24
    assert ends == {("voided", 12, 4, 0)}


def test_F38_an_update_that_comes_before_its_creation_is_not_overwritten(till: Till) -> None:
    till.take(sale(at=2, kind="sale.updated", total="12.00"))
    till.take(sale(at=1))

    assert till.outcomes() == ["recorded", "superseded"]
    assert till.sold().total == 12


def test_F39_a_deletion_outlives_the_update_that_comes_later_and_happened_before(
    till: Till,
) -> None:
    till.take(sale(at=1), envelope("sale.deleted", {"id": "s1"}, at=3))
    till.take(sale(at=2, kind="sale.updated", total="12.00"))

    assert (till.sold().deleted, till.sold().visible) == (True, False)
    till.take(sale(at=4, kind="sale.updated"))
    assert (till.sold().deleted, till.sold().visible) == (False, True)


def test_F40_equal_versions_with_other_content_are_decided_by_digest_and_counted(
    till: Till,
) -> None:
    before = counted("gjango_conflicts_total", by="version")
    bodies = [sale("a", at=1), sale("a", at=1, total="12.00")]
    other = [body.replace(b'"a"', b'"b"') for body in reversed(bodies)]

    till.take(*bodies)
    till.take(*other)
    till.take(*bodies)

    first, second = till.sales()
    assert first.total == second.total
    assert (first.tied, second.tied) == (True, True)
    assert till.marks()["a"] == ["tied"]
    assert counted("gjango_conflicts_total", by="version") == before + 2


def test_F44_an_unknown_type_is_kept_counted_and_settled_once_there_is_support(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    drift = {"provider": "standard", "finding": "unsupported"}
    before = counted("gjango_attempts_total", outcome="unsupported")
    drifted = counted("gjango_drift_total", **drift)

    till.take(sale(kind="sale.parked"))

    assert (till.outcomes(), till.letters(), till.sales()) == (["unsupported"], [], [])
    assert counted("gjango_attempts_total", outcome="unsupported") == before + 1
    assert counted("gjango_drift_total", **drift) == drifted + 1
    able = {**NORMALISERS, "sale.parked": NORMALISERS["sale.created"]}
    newer = {**PROVIDERS, "standard": replace(PROVIDERS["standard"], normalisers=able)}
    chosen = selection.Filter(source=till.source.pk, outcome="unsupported")
    for found in selection.looks(chosen, limit=10):
        replays.replay(found.ids, providers=newer)

    assert till.outcomes() == ["unsupported", "recorded"]
    assert till.sold().total == 10


def test_F45_new_fields_are_kept_and_a_missing_one_is_a_dead_letter_that_is_counted(
    till: Till,
) -> None:
    drift = {"provider": "standard", "finding": "unrecognised"}
    before = counted("gjango_drift_total", **drift)
    novel = sale(loyalty_v2={"tier": "gold"})

    till.take(novel)
    till.take(sale("s2").replace(b'"total"', b'"total_v2"'))

    assert till.outcomes() == ["recorded", "dead"]
    assert till.staged()[0] == novel
    assert [one.path for one in till.letters()] == ["data.total"]
    assert counted("gjango_drift_total", **drift) == before + 1
