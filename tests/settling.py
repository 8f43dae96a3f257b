"""A till made for tests: its events do what their type says, the worst included."""

import base64
import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg.conninfo import make_conninfo

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest.staging import Row, stage
from integrations.contract import (
    Context,
    Delivery,
    Event,
    PayloadUnrecognised,
    Provider,
    Read,
    Secret,
    SignatureInvalid,
    Statement,
)
from sales.drafts import Header, OrderedBy, Rank, SaleDraft, Version
from sales.models import Sale
from tasks.models import Attempt, DeadLetter
from tasks.models import Event as LedgerEvent


class _NoScheme:
    covers = frozenset[str]()
    headers = frozenset[str]()
    unsigned = frozenset[str]()
    secret_headers = frozenset[str]()
    words = "ничего не принимает / takes nothing"

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        raise SignatureInvalid

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> dict[str, str]:
        return {}


def _split(delivery: Delivery) -> list[Event]:
    try:
        body = json.loads(delivery.body)
    except ValueError as error:
        raise PayloadUnrecognised("$", "not JSON") from error
    events = body if isinstance(body, list) else [body]
    key = delivery.headers.get("x-key")
    return [Event(key or event["id"], event["type"], event) for event in events]


def _sale(event: Event, context: Context) -> list[Statement]:
    payload = event.payload
    clock = payload.get("at") or context.received
    by = OrderedBy.PROVIDER if payload.get("at") else OrderedBy.RECEIPT
    sold = datetime(2026, 11, 2, 12, tzinfo=UTC) + timedelta(seconds=payload.get("at") or 0)
    header = Header(currency="RUB", occurred_at=sold, total=Decimal(payload.get("total", "10.00")))
    version = Version(Rank.FULL, clock, by=by)
    return [SaleDraft(external_id=payload.get("sale", "s1"), version=version, header=header)]


def _unrecognised(event: Event, context: Context) -> list[Statement]:
    raise PayloadUnrecognised("sale.total", "not an amount")


def _bug(event: Event, context: Context) -> list[Statement]:
    raise ValueError("a secret of the customer")


def _kill(event: Event, context: Context) -> list[Statement]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def _hungry(event: Event, context: Context) -> list[Statement]:
    return _sale(Event(event.key, event.type, {"sale": len(bytearray(2**33))}), context)


def _read(event: Event, context: Context) -> list[Statement]:
    return [Read("order", event.payload["sale"])]


TOY = Provider(
    slug="toy",
    title="Toy",
    scheme=_NoScheme(),
    split=_split,
    normalisers={
        "sale": _sale,
        "unrecognised": _unrecognised,
        "bug": _bug,
        "sigkill": _kill,
        "hungry": _hungry,
        "read": _read,
        "nothing": lambda event, context: None,
    },
    ignored=frozenset({"shift"}),
)
TOYS = {"toy": TOY}


def make_source(slug: str = "shop", provider: str = "toy") -> Source:
    """Make an account with one source."""
    account = Account.objects.create(slug=slug, title=slug)
    with scoped([account.id]):
        return Source.objects.create(account=account, provider=provider, title="Toy")


def put(source: Source, *bodies: Any, headers: bytes = b"") -> list[UUID]:
    """Stage bodies (JSON values, or bytes as they are) in one commit."""
    raw = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
    rows = [
        Row(
            source.account_id, source.id, "push", "POST", "", b"", "application/json",
            headers, body, hashlib.sha256(body).digest(),
        )
        for body in raw
    ]  # fmt: skip
    connection.ensure_connection()
    with connection.cursor() as cursor:
        return stage(cursor, rows)


def put_apart(source: Source, *bodies: Any) -> list[UUID]:
    """Stage bodies one commit each, so that each has a receipt of its own."""
    return [put(source, body)[0] for body in bodies]


def sale_event(key: str, **fields: Any) -> dict[str, Any]:
    return {"id": key, "type": "sale", **fields}


def outcomes_of(source: Source, *ids: UUID) -> list[str]:
    """Return the outcomes of deliveries in the order they were appended."""
    with scoped([source.account_id]):
        found = Attempt.objects.filter(source=source).order_by("id")
        if ids:
            found = found.filter(delivery_id__in=ids)
        return list(found.values_list("outcome", flat=True))


def dead_letters(source: Source) -> list[DeadLetter]:
    with scoped([source.account_id]):
        return list(DeadLetter.objects.filter(source=source, closed_at=None).order_by("id"))


def ledger(source: Source) -> list[LedgerEvent]:
    with scoped([source.account_id]):
        return list(LedgerEvent.objects.filter(source=source).order_by("id"))


def sales(source: Source) -> list[dict[str, Any]]:
    """Return all pure columns of a source's sales."""
    impure = {"updated_at", "tied", "ties"}
    with scoped([source.account_id]):
        rows = list(Sale.objects.filter(source=source).order_by("external_id").values())
    return [{key: value for key, value in row.items() if key not in impure} for row in rows]


def inbox_rows() -> list[tuple[UUID, int, bool]]:
    """Return id, attempts and whether it is due, of everything in the inbox."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT delivery_id, attempts, due_at <= now() FROM ingest_inbox ORDER BY delivery_id"
        )
        return list(cursor.fetchall())


def make_due(ids: Iterable[UUID] = ()) -> None:
    """Let all leases and pauses of the inbox be over."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ingest_inbox SET due_at = now() - interval '1 minute'")


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Say whether something became true in time."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def child_environment(**more: str) -> dict[str, str]:
    """Return the environment in which a process of its own finds the test's database."""
    parameters = connection.get_connection_params()
    given = {name: parameters.get(name) for name in ("dbname", "user", "password", "host", "port")}
    url = make_conninfo(**{name: value for name, value in given.items() if value})
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "backend_gjango.settings",
        "DATABASE_URL": url,
        "DATABASE_DIRECT_URL": url,
        "DJANGO_SECRET_KEY": "of-the-tests",
        "GJANGO_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
        **more,
    }
