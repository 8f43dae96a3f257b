"""Bearer tokens of the API: shown once, kept as a sha256."""

import hashlib
import hmac
import secrets
from datetime import datetime

from django.utils import timezone

from .models import Account, ApiToken, Role

PREFIX_LENGTH = 10


def issue(
    account: Account, role: str, title: str = "", *, expires_at: datetime | None = None
) -> tuple[str, ApiToken]:
    """Make a token of an account; the clear text is returned this once.

    Raises ValueError for a role that does not exist.
    """
    token = "gj_" + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        account=account,
        role=Role(role),
        title=title,
        prefix=token[:PREFIX_LENGTH],
        hash=token_hash(token),
        expires_at=expires_at,
    )
    return token, row


def token_hash(token: str) -> bytes:
    """Return the sha256 that stands for a token in the database."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def authenticate(token: str) -> ApiToken | None:
    """Return the valid token that this clear text is, with its account; None for any other."""
    digest = token_hash(token)
    row = ApiToken.objects.select_related("account").filter(hash=digest).first()
    if row is None or not hmac.compare_digest(bytes(row.hash), digest):
        return None
    ended = row.expires_at is not None and row.expires_at <= timezone.now()
    return None if ended or row.revoked_at is not None else row


def revoke(row: ApiToken) -> None:
    """End a token now; a second time changes nothing."""
    if row.revoked_at is None:
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
