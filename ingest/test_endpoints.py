"""Addresses and secrets of a source: encrypted at rest, several at once, rotated with overlap."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.crypto import token_digest
from ingest.models import SourceEndpoint, SourceSecret
from integrations.contract import Secret

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def source() -> Source:
    account = Account.objects.create(slug="shop", title="shop")
    with scoped([account.id]):
        return Source.objects.create(account=account, provider="standard", title="till")


def test_tokens_and_secrets_are_never_stored_in_clear(source: Source) -> None:
    with scoped([source.account_id]):
        token = endpoints.add_endpoint(source)
        endpoints.add_secret(source, "canary", kind="bearer")

        endpoint, secret = SourceEndpoint.objects.get(), SourceSecret.objects.get()

        assert endpoints.token_of(source) == token
        assert endpoints.secrets_of(source) == [Secret("canary", "bearer")]
    assert bytes(endpoint.token_hash) == token_digest(token)
    assert token.encode() not in bytes(endpoint.token_encrypted)
    assert b"canary" not in bytes(secret.value_encrypted)


def test_a_rotated_secret_keeps_its_kind_and_the_old_one_ends_after_the_overlap(
    source: Source,
) -> None:
    with scoped([source.account_id]):
        endpoints.add_secret(source, "old", kind="bearer")

        new = endpoints.rotate_secret(source, overlap=HOUR)

        assert len(new) >= 32
        later = timezone.now() + HOUR + timedelta(seconds=1)
        assert endpoints.secrets_of(source) == [Secret(new, "bearer"), Secret("old", "bearer")]
        assert endpoints.secrets_of(source, later) == [Secret(new, "bearer")]


def test_a_second_rotation_never_makes_an_old_secret_last_longer(source: Source) -> None:
    with scoped([source.account_id]):
        endpoints.add_secret(source, "first")
        endpoints.rotate_secret(source, value="second", overlap=timedelta(0))

        endpoints.rotate_secret(source, value="third", overlap=HOUR)

        assert [one.value for one in endpoints.secrets_of(source)] == ["third", "second"]


def test_a_rotated_address_is_another_and_the_old_one_ends(source: Source) -> None:
    with scoped([source.account_id]):
        assert endpoints.token_of(source) is None
        old = endpoints.add_endpoint(source)

        new = endpoints.rotate_endpoint(source, overlap=timedelta(0))

        assert old != new == endpoints.token_of(source)
        assert SourceEndpoint.objects.filter(valid_until=None).count() == 1


def test_the_secret_of_an_api_proves_no_delivery_and_only_the_newest_is_used(
    source: Source,
) -> None:
    with scoped([source.account_id]):
        endpoints.add_secret(source, "door", kind="bearer")
        endpoints.give_api_secret(source, "old key")
        endpoints.give_api_secret(source, "new key")

        assert endpoints.secrets_of(source) == [Secret("door", "bearer")]
        assert endpoints.api_secret_of(source) == "new key"
        endpoints.rotate_secret(source, value="other door", overlap=timedelta(0))
        assert endpoints.secrets_of(source) == [Secret("other door", "bearer")]
        assert endpoints.api_secret_of(source) == "new key"
