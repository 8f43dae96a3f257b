"""Edits by hand become deliveries of the account's source ``manual``, settled at once.

It implements the port ``sales.writing``: everything runs in the request's own transaction, under
its scope, so a refusal leaves nothing behind.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.db import DataError, IntegrityError, connection

from accounts.models import Source
from ingest.models import Origin
from ingest.staging import Row, stage
from integrations.contract import Context, Event, PayloadUnrecognised
from integrations.edits import normalise_edit
from integrations.manual import PROVIDER
from integrations.reading import parse_json
from sales.drafts import Rank, entity_id
from sales.models import REFERENCES, Refund, Sale
from sales.models.base import Entity
from sales.writing import Exists, Rejected

from .pipeline import settle_inside

_PREFIXES = ("data.fields.", "data.")


def read(body: bytes) -> dict[str, Any]:
    """Parse a body strictly into one object, numbers exact. Raises Rejected."""
    try:
        found = parse_json(body)
    except PayloadUnrecognised as error:
        raise Rejected("", f"{error.path}: {error.reason}") from error
    if not isinstance(found, dict):
        raise Rejected("", "not an object")
    return found


def create(kind: str, account_id: int, data: Mapping[str, Any]) -> UUID:
    """State a whole record of the source ``manual`` and return its id.

    Raises Rejected, and Exists where the record is there already.
    """
    source = source_of(account_id)
    name = data.get("external_id") or data.get("id") or uuid4().hex
    key = entity_id(source.pk, kind, str(name))
    if _is_stated(kind, key):
        raise Exists(key)
    _settle(source, f"{kind}.created", {**data, "external_id": name})
    return key


def canonical(kind: str, row: Entity, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of an edit in their one form. Raises Rejected."""
    payload = _edit(kind, row, fields, 0)
    context = Context(
        currency=getattr(row, "currency", None) or row.source.currency, timezone="UTC", received=0
    )
    try:
        (edit,) = normalise_edit(Event("", "entity.edited", {"data": payload}), context)
    except PayloadUnrecognised as error:
        raise _rejected(error) from error
    return dict(edit.fields)


def edit(kind: str, row: Entity, fields: Mapping[str, Any]) -> None:
    """Lay fields over a row that the caller has locked. Raises Rejected."""
    last = max((entry["t"] for entry in row.hand.values()), default=0)
    at = max(_now(), last + 1)
    _settle(source_of(row.account_id), "entity.edited", _edit(kind, row, fields, at))


def source_of(account_id: int) -> Source:
    """Return the account's source of what people write, made at the first use."""
    rows = Source.objects.filter(account_id=account_id, provider=PROVIDER.slug).order_by("pk")
    found = rows.first()
    if found is not None:
        return found
    with connection.cursor() as cursor:
        # Two first edits at once must not make two sources.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('manual'), %s)", [account_id])
    return rows.first() or Source.objects.create(
        account_id=account_id, provider=PROVIDER.slug, title=PROVIDER.title
    )


def _is_stated(kind: str, key: UUID) -> bool:
    """Say whether more is known of the row than that somebody mentioned it."""
    model: Any = {"sale": Sale, "refund": Refund, **REFERENCES}[kind]
    column = "header_stamp" if kind == "sale" else "content_stamp"
    stamp = model.objects.filter(pk=key).values_list(column, flat=True).first()
    return bool(stamp) and bytes(stamp)[0] > Rank.MENTION


def _edit(kind: str, row: Entity, fields: Mapping[str, Any], at: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "source_id": row.source_id,
        "external_id": row.external_id,
        "at": at,
        "fields": dict(fields),
    }


def _now() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        row = cursor.fetchone()
    return int(row[0]) if row else time.time_ns() // 1000


def _settle(source: Source, event: str, data: Mapping[str, Any]) -> None:
    stamp = datetime.fromtimestamp(_now() / 1_000_000, UTC).isoformat()
    envelope = {"type": event, "timestamp": stamp, "data": data}
    body = json.dumps(envelope, ensure_ascii=False, default=_plain).encode()
    try:
        with connection.wrap_database_errors, connection.cursor() as cursor:
            staged = stage(cursor, [_row(source, body)])
        settle_inside(staged)
    except PayloadUnrecognised as error:
        raise _rejected(error) from error
    except (DataError, IntegrityError) as error:
        raise Rejected("", "an amount, a time or a text out of range") from error


def _row(source: Source, body: bytes) -> Row:
    return Row(
        account_id=source.account_id,
        source_id=source.pk,
        origin=Origin.MANUAL.value,
        method="POST",
        path="",
        query=b"",
        content_type="application/json",
        headers=b"",
        body=body,
        sha256=hashlib.sha256(body).digest(),
    )


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(type(value))


def _rejected(error: PayloadUnrecognised) -> Rejected:
    path = error.path
    for prefix in _PREFIXES:
        path = path.removeprefix(prefix)
    return Rejected(path, error.reason)
