"""Settling with the real providers: every recorded delivery, in any order, gives the same sales."""

import hashlib
import random
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from accounts.models import Source
from accounts.rls import scoped
from ingest.headers import encode
from ingest.staging import Row, stage
from integrations import samples
from integrations.registry import PROVIDERS
from sales.models import Refund, Sale
from tasks.models import Attempt, Fetch, Outcome
from tasks.pipeline import settle
from tests.settling import inbox_rows, make_source

pytestmark = pytest.mark.django_db(transaction=True)

_READ = ("kind", "external_id")
_COLUMNS = ("external_id", "kind", "status", "total", "paid_total", "refunded_total", "net_total")


def put_samples(source: Source) -> list[UUID]:
    """Stage every recorded delivery of the source's provider, one commit each, by name."""
    ids = []
    connection.ensure_connection()
    for one in samples.load(source.provider).values():
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
            "refunds": list(Refund.objects.order_by("external_id").values("external_id", "total")),
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
