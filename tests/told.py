"""The shortest way to say something to ``record``, for tests that are worked out by hand."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sales.drafts import (
    Draft,
    Edit,
    Header,
    Payment,
    PaymentDraft,
    Refund,
    RefundDraft,
    SaleDraft,
    Version,
)
from sales.models import Sale
from sales.recording import Recorded, Stated, record

from .universe import NOON, Universe

V1, V2, V3 = (Version(30, 1_770_000_000_000_000 + clock) for clock in (1, 2, 3))


def tell(world: Universe, *drafts: Draft, source: int = 0, received: datetime = NOON) -> Recorded:
    """Record drafts as one batch of one delivery."""
    key = world.sources[source]
    return record([Stated(draft, world.account, key, UUID(int=9), received, 1) for draft in drafts])


def header(total: str | None = "30.00", /, **more: Any) -> Header:
    """Return a completed document in roubles of the first of March."""
    amount = None if total is None else Decimal(total)
    return Header(**{"currency": "RUB", "total": amount, "occurred_at": NOON, **more})


def sale(version: Version = V1, name: str = "s", **facets: Any) -> SaleDraft:
    """State facets of a sale."""
    return SaleDraft(external_id=name, version=version, **facets)


def paid(amount: str, **more: Any) -> Payment:
    """Return a completed payment by card."""
    given = {"method": "card", "amount": Decimal(amount), "currency": "RUB", "paid_at": NOON}
    return Payment(**{**given, **more})


def payment(amount: str, to: str | None = "s", name: str = "p", **more: Any) -> PaymentDraft:
    """State a payment with a life of its own."""
    version = more.pop("version", V1)
    return PaymentDraft(
        external_id=name, version=version, sale_external_id=to, content=paid(amount, **more)
    )


def refund(total: str, name: str = "r", **more: Any) -> RefundDraft:
    """State a completed refund."""
    given = {"total": Decimal(total), "currency": "RUB", "occurred_at": NOON}
    return RefundDraft(external_id=name, version=V1, content=Refund(**{**given, **more}))


def stored(name: str = "s") -> Sale:
    """Read a sale again."""
    return Sale.objects.get(external_id=name)


def edit(world: Universe, at: int, kind: str = "sale", name: str = "s", **fields: Any) -> Edit:
    """Set fields by hand at a time in microseconds."""
    source = world.sources[0]
    return Edit(kind=kind, source_id=source, external_id=name, at=at, fields=fields)
