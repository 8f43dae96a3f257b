"""A till of the standard schema: signs by itself, sends over HTTP, and looks at what became of it.

The signature is made here, in three lines of our own, and not by the product.
"""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.db import connection

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.models import Delivery
from sales.models import Sale
from tasks.models import Attempt, DeadLetter
from tasks.models import Event as LedgerEvent
from tasks.pipeline import settle
from tests.hearing import Running

SECRET = "whsec_" + base64.b64encode(b"the secret of the catalogue test").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"a secret that was made afterwards").decode()
_numbers = itertools.count(1)


def signature(name: str, moment: str, body: bytes, secret: str = SECRET) -> str:
    """Return the value of ``webhook-signature``."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, b".".join((name.encode(), moment.encode(), body)), hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def proof(body: bytes, *, name: str = "", secret: str = SECRET, age: float = 0.0) -> dict[str, str]:
    """Return the headers that prove a body, as signed so many seconds ago."""
    moment = str(int(time.time() - age))
    name = name or f"msg_{next(_numbers)}"
    return {
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": signature(name, moment, body, secret),
    }


def envelope(kind: str, data: Mapping[str, Any], at: int = 0) -> bytes:
    """Return an event that happened so many seconds after noon of 14 September."""
    moment = f"2026-09-14T12:{at // 60:02d}:{at % 60:02d}Z"
    return json.dumps(
        {"type": kind, "timestamp": moment, "data": data}, ensure_ascii=False
    ).encode()


def sale(name: str = "s1", at: int = 0, kind: str = "sale.created", **fields: Any) -> bytes:
    """Return an event that states a sale of 10 roubles."""
    data = {"id": name, "occurred_at": "2026-09-14T12:00:00Z", "currency": "RUB", "total": "10.00"}
    return envelope(kind, {**data, **fields}, at)


def refund(name: str = "r1", of: str = "s1", at: int = 0, **fields: Any) -> bytes:
    """Return an event that states a refund of 4 roubles."""
    data = {"id": name, "sale_id": of, "currency": "RUB", "total": "4.00"}
    return envelope("refund.created", {**data, "occurred_at": "2026-09-14T13:00:00Z", **fields}, at)


def make_source(
    slug: str = "shop", provider: str = "standard", secret: str = SECRET, **columns: Any
) -> tuple[Source, str]:
    """Make an account with one source and return it with its token."""
    account, _ = Account.objects.get_or_create(slug=slug, defaults={"title": slug})
    with scoped([account.id]):
        source = Source.objects.create(account=account, provider=provider, title=slug, **columns)
        token = endpoints.add_endpoint(source)
        endpoints.add_secret(source, secret)
    return source, token


@dataclass(slots=True)
class Till:
    """One source of the standard schema in front of a running receiver."""

    server: Running
    source: Source = field(init=False)
    token: str = field(init=False)
    slug: str = "shop"

    def __post_init__(self) -> None:
        self.source, self.token = make_source(self.slug)

    @property
    def path(self) -> str:
        return f"/hooks/{self.token}"

    def post(self, body: bytes, **how: Any) -> httpx.Response:
        """Send a body once, signed anew."""
        more = how.pop("headers", {})
        headers = {"content-type": "application/json", **proof(body, **how), **more}
        return self.server.http.post(self.path, content=body, headers=headers)

    def request(self, body: bytes, **how: Any) -> bytes:
        """Return a whole request, signed anew, that ends its connection."""
        lines = [f"{name}: {value}" for name, value in proof(body, **how).items()]
        head = [f"POST {self.path} HTTP/1.1", "Host: x", "Connection: close", *lines]
        return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body

    def take(self, *bodies: bytes, **how: Any) -> None:
        """Send bodies that are all to be acknowledged, and settle them."""
        for body in bodies:
            answer = self.post(body, **how)
            assert answer.status_code == 200, answer.text
        self.settle()

    def settle(self) -> None:
        """Settle whatever is in the inbox, whoever owns it."""
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT delivery_id FROM ingest_inbox ORDER BY delivery_id")
            ids = [row[0] for row in cursor.fetchall()]
        settle(ids)

    def staged(self) -> list[bytes]:
        """Return the bodies in staging, oldest first."""
        with scoped([self.source.account_id]):
            rows = Delivery.objects.filter(source=self.source).order_by("id")
            return [bytes(one.body) for one in rows]

    def outcomes(self) -> list[str]:
        """Return the outcomes of all attempts, in their order."""
        with scoped([self.source.account_id]):
            rows = Attempt.objects.filter(source=self.source).order_by("id")
            return list(rows.values_list("outcome", flat=True))

    def letters(self) -> list[DeadLetter]:
        """Return the open dead letters."""
        with scoped([self.source.account_id]):
            rows = DeadLetter.objects.filter(source=self.source, closed_at=None).order_by("id")
            return list(rows)

    def events(self) -> int:
        """Count the events of the ledger."""
        with scoped([self.source.account_id]):
            return LedgerEvent.objects.filter(source=self.source).count()

    def sales(self) -> list[Sale]:
        """Return all sales, by their ids at the provider."""
        with scoped([self.source.account_id]):
            return list(Sale.objects.filter(source=self.source).order_by("external_id"))

    def marks(self) -> dict[str, list[str]]:
        """Return the anomalies of every sale, besides that it states no lines."""
        return {
            one.external_id: [mark for mark in one.anomalies if mark != "lines_missing"]
            for one in self.sales()
        }

    def sold(self) -> Sale:
        """Return the one sale there is."""
        (one,) = self.sales()
        return one
