"""The door for what we asked a provider for: what it takes, and what it makes of it."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Account, Source, SourceState
from accounts.rls import scoped
from ingest.models import Delivery
from ingest.staging import AnswerRow, stage_answer

pytestmark = pytest.mark.django_db(transaction=True)

READ_AT = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)


def make_source(slug: str = "shop", state: SourceState = SourceState.ACTIVE) -> Source:
    account = Account.objects.create(slug=slug, title=slug)
    with scoped([account.pk]):
        return Source.objects.create(account=account, provider="toy", title="Toy", state=state)


def row(source: Source, **changes: Any) -> AnswerRow:
    plain = AnswerRow(source.account_id, source.pk, "fetched", b"{}", READ_AT)
    return plain._replace(**changes)


def staged(source: Source, **changes: Any) -> Delivery:
    with scoped([source.account_id]):
        with connection.wrap_database_errors, connection.cursor() as cursor:
            identifier = stage_answer(cursor, row(source, **changes))
        return Delivery.objects.get(pk=identifier)


def test_an_answer_is_staged_with_when_and_over_what_it_was_asked_for() -> None:
    source = make_source()
    first = staged(source)

    found = staged(source, body=b'{"a": 1}', date=READ_AT, over=2**50, cause=first.pk)

    assert (found.read_at, found.date, found.over) == (READ_AT, READ_AT, 2**50)
    assert (found.cause, found.origin) == (first.pk, "fetched")
    assert bytes(found.sha256) == hashlib.sha256(b'{"a": 1}').digest()
    assert abs(found.received_at - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("state", "held"), [(SourceState.ACTIVE, False), (SourceState.PAUSED, True)]
)
def test_a_paused_source_holds_its_answers_too(state: SourceState, held: bool) -> None:
    found = staged(make_source(state=state))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT due_at = 'infinity' FROM ingest_inbox WHERE delivery_id = %s", [found.pk]
        )
        assert cursor.fetchone() == (held,)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "push"},
        {"origin": "manual"},
        {"read_at": None},
        {"read_at": datetime(2999, 1, 1, tzinfo=UTC)},
        {"source_id": 999_999},
    ],
    ids=str,
)
def test_what_is_no_answer_stays_outside(changes: dict[str, Any]) -> None:
    source = make_source()

    with pytest.raises(DatabaseError):
        staged(source, **changes)

    with scoped([source.account_id]):
        assert not Delivery.objects.exists()


def test_no_answer_is_staged_for_another_accounts_source() -> None:
    mine, yours = make_source("mine"), make_source("yours")

    with pytest.raises(DatabaseError):
        staged(mine, source_id=yours.pk)


def test_the_application_has_no_other_way_in() -> None:
    source = make_source()

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingest_delivery (account_id, source_id, origin, method, path, query,"
            " content_type, headers, body, sha256, redacted, read_at)"
            " VALUES (%s, %s, 'fetched', 'GET', '', '', '', '', '', '', '', now())",
            [source.account_id, source.pk],
        )
