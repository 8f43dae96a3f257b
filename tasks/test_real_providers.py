"""Settling with the real providers: every recorded delivery, in any order, gives the same sales."""

import hashlib
import json
import random
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Source
from accounts.rls import scoped
from ingest.headers import encode
from ingest.staging import Row, stage
from integrations import samples
from integrations.registry import PROVIDERS
from sales.models import Customer, Refund, Sale
from tasks.models import Attempt, Fetch, Outcome
from tasks.pipeline import settle
from tests.settling import dead_letters, inbox_rows, make_source

pytestmark = pytest.mark.django_db(transaction=True)

_READ = ("kind", "external_id")
_COLUMNS = ("external_id", "kind", "status", "total", "paid_total", "refunded_total", "net_total")


def put_samples(source: Source, *names: str) -> list[UUID]:
    """Stage recorded deliveries of the source's provider, one commit each; all of them by name."""
    ids = []
    connection.ensure_connection()
    recorded = samples.load(source.provider)
    for one in map(recorded.__getitem__, names or recorded):
        pairs = [(key.encode(), value.encode("latin-1")) for key, value in one.headers.items()]
        row = Row(
            *(source.account_id, source.id, "push", one.method, one.path, one.query.encode(), ""),
            encode(pairs),
            one.body,
            hashlib.sha256(one.body).digest(),
        )
        with connection.cursor() as cursor:
            ids += stage(cursor, [row])
    return ids


def connected(account: str, slug: str) -> Source:
    """Make a source that its provider's samples can be sent to."""
    source = make_source(account, slug)
    source.settings = samples.settings(slug)
    with scoped([source.account_id]):
        source.save(update_fields=["settings"])
    return source


def figures(source: Source) -> dict[str, list[Any]]:
    with scoped([source.account_id]):
        return {
            "sales": list(Sale.objects.order_by("external_id").values(*_COLUMNS, "anomalies")),
            # What is taken back inside a sale need not have an id of its own.
            "refunds": list(
                Refund.objects.order_by("external_id", "total").values("external_id", "total")
            ),
            "reads": list(Fetch.objects.order_by("kind", "external_id").values(*_READ)),
        }


def outcomes(source: Source) -> list[str]:
    with scoped([source.account_id]):
        return list(Attempt.objects.values_list("outcome", flat=True))


@pytest.mark.parametrize("slug", sorted(slug for slug in PROVIDERS if samples.load(slug)))
def test_F37_recorded_deliveries_settle_alike_in_any_order_and_repetition(slug: str) -> None:
    straight, shuffled = connected("straight", slug), connected("shuffled", slug)
    settle(put_samples(straight))
    ids = put_samples(shuffled)
    order = random.Random(7)

    for one in order.sample(ids, len(ids)):
        settle([one])
    settle(put_samples(shuffled))

    assert figures(shuffled) == figures(straight)
    assert figures(straight)["sales"] or figures(straight)["reads"]
    assert inbox_rows() == []
    assert set(outcomes(straight)) <= set(Outcome.values)


@pytest.mark.parametrize("turn", [1, -1])
def test_who_asked_to_be_forgotten_is_nobody_in_either_order_and_a_person_is_told(
    turn: int, capsys: pytest.CaptureFixture[str]
) -> None:
    source = connected("shop", "shopify")
    names = ("customers_update__known", "customers_redact__known")[::turn]

    for one in put_samples(source, *names):
        settle([one])

    with scoped([source.account_id]):
        (row,) = Customer.objects.values("external_id", "name", "phone", "email", "deleted")
    assert list(row.values()) == ["191167", None, None, None, True]
    (letter,) = dead_letters(source)
    assert (letter.type, letter.path) == ("customers/redact:stored", "")
    assert "erased" in letter.reason
    capsys.readouterr()
    call_command("rebuild", "--check", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["differs"], found["unread"]) == (False, {"PersonNeeded": 1})
