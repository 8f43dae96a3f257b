"""``Idempotency-Key``: a repeated POST finds what the first one made."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar, cast
from uuid import UUID

from django.db import connection
from django.utils import timezone

from .errors import ApiError
from .models import IdempotencyKey

#: How long a key is remembered.
KEPT = timedelta(hours=48)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_Answer = TypeVar("_Answer")

#: A second request with the key waits here until the first one's transaction has ended.
_TAKE = """
INSERT INTO accounts_idempotencykey (account_id, key, sha256) VALUES (%s, %s, %s)
ON CONFLICT (account_id, key) DO NOTHING RETURNING id
"""


def once(
    account_id: int,
    key: str | None,
    content: bytes,
    *,
    first: Callable[[], tuple[UUID, _Answer]],
    again: Callable[[UUID], _Answer],
) -> _Answer:
    """Make the object, or answer with the one that this key made of the same content.

    Runs in the transaction of the write: a refusal forgets the key. Raises ApiError.
    """
    if key is None:
        return first()[1]
    if not _KEY.fullmatch(key):
        raise ApiError("header_unusable", field="Idempotency-Key")
    rows = IdempotencyKey.objects.filter(account_id=account_id)
    rows.filter(created_at__lt=timezone.now() - KEPT).delete()
    digest = hashlib.sha256(content).digest()
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [account_id, key, digest])
        taken = cursor.fetchone()
    if taken is None:
        known = rows.get(key=key)
        if bytes(known.sha256) != digest:
            raise ApiError("key_reused", field="Idempotency-Key")
        # Never null here: the first transaction has written it, or has left no key.
        return again(cast("UUID", known.object_id))
    made, answer = first()
    rows.filter(pk=taken[0]).update(object_id=made)
    return answer
