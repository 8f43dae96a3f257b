"""Receipts («Чеки»): a poorer view of a document under its id, with one way to pay for it all."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from integrations import parts, sums
from integrations.clocks import EPOCH, version
from integrations.contract import Context
from integrations.reading import Reader
from sales.drafts import (
    Header,
    Line,
    Money,
    Payment,
    Rank,
    Refund,
    RefundDraft,
    SaleDraft,
    Version,
)

from . import words
from .documents import refund_line

_LATEST = 4_102_444_800_000  # milliseconds: the year 2100


def sale(message: Reader, context: Context) -> SaleDraft:
    """Read a receipt SELL; raises PayloadUnrecognised."""
    receipt = _receipt(message)
    lines = _lines(receipt, context.currency)
    return SaleDraft(
        external_id=_either(receipt, "id", "uuid").id(),
        version=_version(message, context),
        header=Header(
            provider_at=_sent(message),
            currency=context.currency,
            tax_included=True,
            gross_total=sums.added(receipt, (line.gross for line in lines)),
            discount_total=words.optional_amount(receipt, "totalDiscount", context.currency),
            tax_total=words.optional_amount(receipt, "totalTax", context.currency),
            total=words.amount(receipt, "totalAmount", context.currency),
            **_circumstances(receipt, context),
        ),
        lines=lines,
        money=Money(payments=_payments(receipt, context.currency)),
    )


def refund(message: Reader, context: Context) -> RefundDraft:
    """Read a receipt PAYBACK: it never names its sale. Raises PayloadUnrecognised."""
    receipt = _receipt(message)
    return RefundDraft(
        external_id=_either(receipt, "id", "uuid").id(),
        version=_version(message, context),
        content=Refund(
            total=words.amount(receipt, "totalAmount", context.currency),
            currency=context.currency,
            provider_at=_sent(message),
            tax_total=words.optional_amount(receipt, "totalTax", context.currency),
            lines=tuple(map(refund_line, _lines(receipt, context.currency))),
            payments=_payments(receipt, context.currency),
            **_circumstances(receipt, context),
        ),
    )


def _receipt(message: Reader) -> Reader:
    """Return the receipt: version 2 wraps it in an event, version 1 sends it bare in a list."""
    return message.get("data") or message


def _either(receipt: Reader, key: str, older: str) -> Reader:
    """Return the field under its name of version 2 or of version 1; raises where both miss."""
    return receipt.get(older) or receipt[key]


def _version(message: Reader, context: Context) -> Version:
    clock = _sent(message) or message["dateTime"].time()
    return version(Rank.PARTIAL, clock, context)


def _sent(message: Reader) -> datetime | None:
    """Return when the cloud sent the event; version 1 does not say."""
    sent = message.get("timestamp")
    if sent is None:
        return None
    if not 0 <= sent.integer() < _LATEST:
        raise sent.refuse("no such time in milliseconds")
    return EPOCH + timedelta(milliseconds=sent.integer())


def _circumstances(receipt: Reader, context: Context) -> dict[str, Any]:
    closed = receipt["dateTime"].time()
    return {
        "occurred_at": closed,
        "location": words.mention(receipt, "storeId")
        or words.location(receipt, "storeUuid", context),
        "device": words.mention(receipt, "deviceId") or words.mention(receipt, "deviceUuid"),
        "employee": words.mention(receipt, "employeeId") or words.mention(receipt, "employeeUuid"),
        "shift_number": receipt.maybe("shiftId", Reader.id),
        "is_test": context.is_test,
        "anomalies": words.clock_anomalies(closed, context),
    }


def _lines(receipt: Reader, currency: str) -> tuple[Line, ...]:
    return tuple(_line(item, currency) for item in receipt["items"])


def _line(item: Reader, currency: str) -> Line:
    """Read a position. Whether ``sumPrice`` is before the discount is not documented: unused."""
    name = item.maybe("name", Reader.label)
    quantity = abs(item["quantity"].fine())
    price = abs(item["price"].fine())
    gross = sums.times(item, price, quantity, currency)
    discount = words.optional_amount(item, "discount", currency) or Decimal("0.00")
    cost = words.unit_cost(item, "costPrice")
    return Line(
        kind="service" if item.maybe("itemType", Reader.text) == "SERVICE" else "good",
        product=words.product(item, "uuid", name) or words.product(item, "id", name),
        name=name,
        barcode=item.maybe("barcode", Reader.label),
        unit=item.maybe("measureName", Reader.label) or item.maybe("mesuareName", Reader.label),
        quantity=quantity,
        unit_price=price,
        gross=gross,
        discount=discount,
        total=gross - discount,
        tax_included=True,
        unit_cost=cost,
        cost=None if cost is None else sums.times(item, cost, quantity, currency),
        **_tax(item, gross - discount, currency),
    )


def _tax(item: Reader, total: Decimal, currency: str) -> dict[str, Any]:
    """Read the tax: 0 per cent is said of goods without VAT too, so it names no code."""
    amount = words.optional_amount(item, "tax", currency)
    percent = item.maybe("taxPercent", parts.percent)
    if not percent:
        return {"tax_amount": amount}
    code, rate = words.tax_of(f"VAT_{percent.normalize():f}", amount, total)
    return {"tax_code": code, "tax_rate": percent if rate is None else rate, "tax_amount": amount}


def _payments(receipt: Reader, currency: str) -> tuple[Payment, ...]:
    source = receipt["paymentSource"].text()
    return (
        Payment(
            method=words.METHODS.get(source, "other"),
            amount=words.amount(receipt, "totalAmount", currency),
            currency=currency,
            provider_method=source,
            paid_at=receipt["dateTime"].time(),
        ),
    )
