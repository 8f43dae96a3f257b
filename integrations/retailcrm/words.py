"""What RetailCRM writes in ours: statuses, taxes, payments, and the people of an order."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from integrations.contract import Context
from integrations.reading import Reader
from sales.drafts import Payment

_CODE = re.compile(r"[A-Za-z0-9_-]{1,100}")
#: The status of an order that was won, where the source does not set others.
_WON = ("complete",)
#: Type of payment → method; types are the merchant's own, these two are there from the start.
_METHODS = {"cash": "cash", "bank-card": "card"}
_RATES = frozenset(map(Decimal, (0, 5, 7, 10, 18, 20, 22)))


def status_codes(text: str) -> list[str]:
    """Return the codes of statuses, written with commas between them. Raises ValueError."""
    codes = [code.strip() for code in text.split(",")]
    if not all(map(_CODE.fullmatch, codes)):
        raise ValueError(text)
    return codes


def status_of(order: Reader, context: Context) -> str:
    """Return whether an order is won, lost or on its way: its statuses are the merchant's own."""
    code = order["status"].text(100)
    if code in context.settings.get("won", _WON):
        return "completed"
    return "voided" if code in context.settings.get("lost", ()) else "open"


def items(parent: Reader, key: str) -> Iterator[Reader]:
    """Go over a collection, which PHP writes as a list, or as an object of numbers and items."""
    child = parent.get(key)
    if child is None:
        return iter(())
    if isinstance(child.value, dict):
        return (item for _, item in child.members())
    return iter(child)


def payment(stated: Reader, currency: str, context: Context) -> Payment:
    """Read a payment; one that is not ``paid`` has brought no money yet."""
    kind = stated.maybe("type", Reader.label, 100)
    return Payment(
        external_id=stated["id"].number(),
        method=_METHODS.get(kind or "", "other"),
        status="completed" if stated.maybe("status", Reader.text, 100) == "paid" else "pending",
        amount=stated["amount"].positive(currency),
        currency=currency,
        provider_method=kind,
        paid_at=stated.maybe("paidAt", Reader.time, context.timezone),
    )


def tax_of(item: Reader) -> Mapping[str, Any]:
    """Return the columns of a tax by its percentage; ``none`` is «без НДС», which is not 0 %."""
    written = item.maybe("vatRate", Reader.label, 20)
    if written is None:
        return {}
    if written == "none":
        return {"tax_code": "none"}
    rate = Reader(written, item.path).fine(10)
    return {"tax_code": str(int(rate)) if rate in _RATES else "other", "tax_rate": rate}
