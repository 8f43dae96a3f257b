"""A source's address and secrets: made, shown, rotated. Runs in a scope of the source's account.

What is replaced stays valid for the overlap, so that the sender can be switched without a gap.
"""

from datetime import datetime, timedelta
from operator import itemgetter

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Source
from integrations.contract import API, Delivery, Provider, Secret

from .brought import sealed
from .crypto import Vault, new_token, token_digest
from .models import SourceEndpoint, SourceSecret
from .quarantine import Came, unpack


def add_endpoint(source: Source) -> str:
    """Make one more address for the source and return its token in clear."""
    token = new_token()
    SourceEndpoint.objects.create(
        account_id=source.account_id,
        source=source,
        token_hash=token_digest(token),
        token_encrypted=_vault().encrypt(token),
    )
    return token


def token_of(source: Source) -> str | None:
    """Return the token of the newest valid address; None where there is none."""
    valid = SourceEndpoint.objects.filter(_valid(timezone.now()), source=source)
    endpoint = valid.order_by("-id").first()
    return None if endpoint is None else _vault().decrypt(endpoint.token_encrypted)


def rotate_endpoint(source: Source, *, overlap: timedelta) -> str:
    """Make a new address, let the old ones end after the overlap, return the new token."""
    until = timezone.now() + overlap
    _end(SourceEndpoint.objects.filter(source=source), until)
    return add_endpoint(source)


def add_secret(source: Source, value: str, *, kind: str = "signing") -> None:
    """Add a secret beside those that are valid."""
    SourceSecret.objects.create(
        account_id=source.account_id,
        source=source,
        kind=kind,
        value_encrypted=_vault().encrypt(value),
    )


def rotate_secret(source: Source, *, value: str | None = None, overlap: timedelta) -> str:
    """Replace the newest secret by another of its kind; the old ones end after the overlap.

    Without a value a random one is made. Returns the new secret in clear.
    """
    held = SourceSecret.objects.filter(source=source).exclude(kind=API)
    newest = held.order_by("-id").first()
    value = new_token() if value is None else value
    _end(held, timezone.now() + overlap)
    add_secret(source, value, kind="signing" if newest is None else newest.kind)
    return value


def secrets_of(source: Source, at: datetime | None = None) -> list[Secret]:
    """Return the secrets that prove deliveries now, or at another time, newest first."""
    return _opened(SourceSecret.objects.exclude(kind=API), source.pk, at)


def ended_secrets_of(source: Source) -> list[Secret]:
    """Return the secrets that proved deliveries once, newest first."""
    ended = SourceSecret.objects.exclude(kind=API).filter(source=source)
    ended = ended.filter(valid_until__lte=timezone.now())
    return _decrypted(ended)


def tokens_of(source: Source) -> list[str]:
    """Return the tokens of all addresses that the source ever had, newest first."""
    vault = _vault()
    found = SourceEndpoint.objects.filter(source=source).order_by("-id")
    return [vault.decrypt(one.token_encrypted) for one in found]


def sealed_of(provider: Provider, delivery: Delivery) -> tuple[str, bytes] | tuple[()]:
    """Return whose secret a delivery brings, encrypted, as the receiver would keep it."""
    return sealed(provider, delivery, _vault())


def unsealed(blob: bytes | memoryview) -> Came:
    """Return what the sender of a rejected delivery wrote. Raises VaultError."""
    return unpack(_vault().unseal(blob))


def api_secret_of(source: Source) -> str | None:
    """Return the secret that opens the provider's API: the newest, whether a person gave it or a
    delivery brought it. None where there is none.

    A merchant of an app has one of his own, or else the app's. Needs the scope of both. Raises
    VaultError.
    """
    for holder in (source.pk, source.parent_id):
        if holder is not None and (found := _newest_api_secret(holder)) is not None:
            return found
    return None


def _newest_api_secret(source_id: int) -> str | None:
    given = SourceSecret.objects.filter(_valid(timezone.now()), source_id=source_id, kind=API)
    rows = [*given.order_by("-id").values_list("value_encrypted", "valid_from")[:1]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, at FROM brought_secrets(%s) LIMIT 1", [source_id])
        rows += cursor.fetchall()
    newest = max(rows, key=itemgetter(1), default=None)
    return None if newest is None else _vault().decrypt(newest[0])


def give_api_secret(source: Source, value: str) -> None:
    """Set the secret of the provider's API at once: we ask with the newest one only."""
    _end(SourceSecret.objects.filter(source=source, kind=API), timezone.now())
    add_secret(source, value, kind=API)


def _opened(rows: QuerySet[SourceSecret], source: int, at: datetime | None = None) -> list[Secret]:
    moment = timezone.now() if at is None else at
    return _decrypted(rows.filter(_valid(moment), source_id=source, valid_from__lte=moment))


def _decrypted(rows: QuerySet[SourceSecret]) -> list[Secret]:
    vault = _vault()
    return [Secret(vault.decrypt(one.value_encrypted), one.kind) for one in rows.order_by("-id")]


def _vault() -> Vault:
    return Vault(settings.GJANGO_KEYS)


def _valid(moment: datetime) -> Q:
    return Q(valid_until=None) | Q(valid_until__gt=moment)


def _end(rows: QuerySet[SourceEndpoint] | QuerySet[SourceSecret], until: datetime) -> None:
    """Let rows end at a time, never later than they would have."""
    rows.filter(_valid(until)).update(valid_until=until)
