"""Two accounts with a token each, and rows of sales made straight in the tables."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, Role, Source
from accounts.rls import scoped
from accounts.tokens import issue

from ..models import Fiscal, Payment, Refund, Sale, SaleLine

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass
class House:
    """One account with a source, and a token for each role."""

    account: Account
    source: Source
    tokens: Mapping[str, str]
    client: Client = field(default_factory=Client)

    def call(
        self, method: str, path: str, body: Any = None, *, role: str = "editor", **headers: str
    ) -> Any:
        """Ask the API with the bearer token of a role; headers are like ``If_Match``."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.generic(
            method,
            path,
            b"" if body is None else raw,
            "application/json",
            headers={
                "Authorization": f"Bearer {self.tokens[role]}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )

    def get(self, path: str, **headers: str) -> Any:
        """Ask for JSON that must be there."""
        answer = self.call("GET", path, **headers)
        if answer.status_code != 200:
            pytest.fail(answer.content.decode())
        return answer.json()

    def sale(self, ago: int = 0, *, lines: int = 0, **columns: Any) -> Sale:
        """Insert a sale, ``ago`` minutes before noon."""
        row = Sale(
            **{
                "id": uuid.uuid4(),
                "account": self.account,
                "source": self.source,
                "external_id": f"s-{uuid.uuid4()}",
                "currency": "RUB",
                "occurred_at": NOON - timedelta(minutes=ago),
                "business_date": NOON.date(),
                "status": "completed",
                "known": "stated",
                "counts": True,
                "visible": True,
                "total": Decimal("125.5"),
                **columns,
            }
        )
        with scoped([self.account.pk]):
            row.save(force_insert=True)
            SaleLine.objects.bulk_create(self._line(row, pos) for pos in range(lines))
        return row

    def _line(self, sale: Sale, pos: int) -> SaleLine:
        return SaleLine(
            sale_id=sale.id,
            pos=pos,
            account=self.account,
            key=str(pos),
            product_id=uuid.uuid4(),
            product_external_id=f"p-{pos}",
            name="Капучино",
            sku="CAP",
            quantity=Decimal("1.5"),
            unit_price=Decimal("83.666667"),
            gross=Decimal("125.5"),
            discount=Decimal(0),
            total=Decimal("125.5"),
            tax_code="none",
        )

    def payment(self, sale: Sale, **columns: Any) -> Payment:
        """Insert a payment of a sale."""
        row = Payment(
            **{
                "id": uuid.uuid4(),
                "account": self.account,
                "source": self.source,
                "external_id": f"p-{uuid.uuid4()}",
                "sale": sale,
                "method": "cash",
                "status": "completed",
                "amount": sale.total,
                "currency": "RUB",
                **columns,
            }
        )
        with scoped([self.account.pk]):
            row.save(force_insert=True)
        return row

    def refund(self, sale: Sale | None = None, **columns: Any) -> Refund:
        """Insert a refund."""
        row = Refund(
            **{
                "id": uuid.uuid4(),
                "account": self.account,
                "source": self.source,
                "external_id": f"r-{uuid.uuid4()}",
                "sale": sale,
                "status": "completed",
                "currency": "RUB",
                "occurred_at": NOON,
                "business_date": NOON.date(),
                "total": Decimal("10"),
                "visible": True,
                **columns,
            }
        )
        with scoped([self.account.pk]):
            row.save(force_insert=True)
        return row

    def fiscal(self, owner: Sale | Refund) -> None:
        """Insert a printed receipt."""
        kind = "sale" if isinstance(owner, Sale) else "refund"
        with scoped([self.account.pk]):
            Fiscal.objects.create(
                owner_id=owner.id, pos=0, owner_kind=kind, account=self.account, fn="0123", fd="7"
            )

    def reference(self, model: Any, code: str, **columns: Any) -> Any:
        """Insert a location, product or customer."""
        row = model(
            id=uuid.uuid4(),
            account=self.account,
            source=self.source,
            external_id=code,
            name=code.title(),
            **columns,
        )
        with scoped([self.account.pk]):
            row.save(force_insert=True)
        return row


def open_house(slug: str) -> House:
    """Make an account with one source."""
    account = Account.objects.create(slug=slug, title=slug.title())
    with scoped([account.pk]):
        source = Source.objects.create(account=account, provider="standard", title="Касса")
    tokens = {role: issue(account, role)[0] for role in Role.values}
    return House(account, source, tokens)


@pytest.fixture
def cafe(db: None) -> House:
    """The account under test."""
    return open_house("cafe")


@pytest.fixture
def bakery(db: None) -> House:
    """Somebody else's account."""
    return open_house("bakery")
