"""Evotor's words in ours: ways to pay, taxes, tag 1214, and what documents of both forms share."""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from integrations.clocks import is_plausible
from integrations.contract import Context
from integrations.reading import Reader
from sales.drafts import Line, Mention
from sales.money import round_money

#: «Позиция по свободной цене»: sold without an article, so it is no product.
FREE_PRICE = "390067bf-e8d3-4fcc-8c30-fbfd77a0a70d"

METHODS = {
    "CASH": "cash",
    "ELECTRON": "card",
    "CARD": "card",
    "ADVANCE": "advance",
    "CREDIT": "credit",
    "COUNTEROFFER": "barter",
    "PAY_CASH": "cash",
    "PAY_CASHBACK": "cash",
    "PAY_CARD": "card",
}
#: Tag 1214. Only CHECKOUT_FULL was seen in a capture; a word not listed here is kept as it came.
SETTLEMENTS = {
    "CHECKOUT_FULL": "full_payment",
    "CHECKOUT_PARTIAL": "partial_payment",
    "PREPAYMENT_FULL": "full_prepayment",
    "PREPAYMENT_PARTIAL": "prepayment",
    "ADVANCE": "advance",
    "CREDIT_PASS": "credit",
    "CREDIT_CHECKOUT": "credit_payment",
}
#: What a document is where all its lines are settled in this way; anything else is a sale.
KINDS = {
    "full_prepayment": "prepayment",
    "prepayment": "prepayment",
    "advance": "advance",
    "credit_payment": "credit_payment",
}
_RATES = (0, 5, 7, 10, 18, 20, 22)
_LABEL = re.compile(r"VAT_([0-9]{1,2})(_1[0-9]{2})?")
_KOPECK = Decimal("0.01")


def tax_of(label: str, amount: Decimal | None, total: Decimal) -> tuple[str, Decimal | None]:
    """Return the tax code and the rate in percent of a line.

    The label is believed where the sums agree with it. Tills sold at 20 % under the label VAT_18:
    then the rate that gives ``amount`` out of ``total`` stands, in the form of the label.
    """
    if label == "NO_VAT":
        return "none", None
    match = _LABEL.fullmatch(label)
    if match is None:
        return "other", None
    rate = _rate(int(match[1]), amount, total)
    if rate not in _RATES:
        return "other", Decimal(rate)
    return (f"{rate}/{100 + rate}" if match[2] else str(rate)), Decimal(rate)


def _rate(labelled: int, amount: Decimal | None, total: Decimal) -> int:
    if amount is None:
        return labelled
    fitting = (
        rate
        for rate in (labelled, *_RATES)
        if abs(round_money(total * rate / (100 + rate), "RUB") - amount) <= _KOPECK
    )
    return next(fitting, labelled)


def kind_of(lines: Iterable[Line]) -> str:
    """Return what a document is by how its lines are settled: an advance is no revenue."""
    kinds = {KINDS.get(line.settlement_method or "", "sale") for line in lines}
    return kinds.pop() if len(kinds) == 1 else "sale"


def amount(parent: Reader, key: str, currency: str) -> Decimal:
    """Return an amount without its sign: v1 writes refunds negative, v2 positive."""
    return abs(parent[key].amount(currency))


def optional_amount(parent: Reader, key: str, currency: str) -> Decimal | None:
    """Return an amount without its sign, None where it is missing or null."""
    found = parent.maybe(key, Reader.amount, currency)
    return None if found is None else abs(found)


def location(parent: Reader, key: str, context: Context) -> Mention | None:
    """Return the shop, else the one that the source is set to."""
    default = Mention(external_id=context.location) if context.location else None
    return mention(parent, key) or default


def mention(parent: Reader, key: str, name: str | None = None) -> Mention | None:
    """Return the entity that is named under the key; an empty text names nothing."""
    found = parent.get(key)
    if found is None or found.value == "":
        return None
    return Mention(external_id=found.id(), name=name)


def product(parent: Reader, key: str, name: str | None) -> Mention | None:
    """Return the product of a position, None for one of a free price."""
    found = mention(parent, key, name)
    return None if found is not None and found.external_id == FREE_PRICE else found


def unit_cost(position: Reader, key: str) -> Decimal | None:
    """Return the purchase price of a unit; the till writes 0 where it knows none."""
    return abs(position.maybe(key, Reader.fine) or Decimal(0)) or None


def clock_anomalies(time: datetime, context: Context) -> tuple[str, ...]:
    """Return the anomaly of a till whose clock is wrong: it still sold."""
    return () if is_plausible(time, context) else ("clock",)
