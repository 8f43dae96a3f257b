"""Documents of the first form: a list of steps of the till, sums of refunds negative."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from integrations import sums
from integrations.clocks import version
from integrations.contract import Context
from integrations.reading import Reader
from sales.drafts import (
    Discount,
    Fiscal,
    Header,
    Line,
    Money,
    Payment,
    Rank,
    Refund,
    RefundDraft,
    SaleDraft,
)

from . import words
from .documents import line_totals, refund_line


def sale(document: Reader, context: Context) -> SaleDraft:
    """Read a document SELL of the first form; raises PayloadUnrecognised."""
    currency = context.currency
    lines = _lines(document, currency)
    payments = _payments(document, currency, 1)
    return SaleDraft(
        external_id=document["uuid"].id(),
        version=version(Rank.FULL, document["closeDate"].time(), context),
        header=Header(
            utc_offset=_offset(document),
            currency=currency,
            tax_included=True,
            total=words.amount(document, "closeResultSum", currency),
            change_total=sums.added(document, (payment.change for payment in payments)),
            discounts=tuple(
                _discount(step, currency) for step in _steps(document, "DISCOUNT_DOCUMENT")
            ),
            fiscal=_fiscal(document, currency, 1),
            **line_totals(document, lines),
            **_circumstances(document, context),
        ),
        lines=lines,
        money=Money(payments=payments),
    )


def refund(document: Reader, context: Context) -> RefundDraft:
    """Read a document PAYBACK of the first form; raises PayloadUnrecognised."""
    currency = context.currency
    lines = _lines(document, currency)
    opened = _steps(document, "DOCUMENT_OPEN")
    return RefundDraft(
        external_id=document["uuid"].id(),
        version=version(Rank.FULL, document["closeDate"].time(), context),
        content=Refund(
            total=words.amount(document, "closeResultSum", currency),
            currency=currency,
            sale_external_id=_first(step.maybe("baseDocumentUUID", Reader.id) for step in opened),
            tax_total=sums.total_of(document, (line.tax_amount for line in lines)),
            lines=tuple(map(refund_line, lines)),
            payments=_payments(document, currency, -1),
            fiscal=_fiscal(document, currency, 2),
            **_circumstances(document, context),
        ),
    )


def _steps(document: Reader, kind: str) -> list[Reader]:
    return [step for step in document["transactions"] if step["type"].value == kind]


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)


def _circumstances(document: Reader, context: Context) -> dict[str, Any]:
    closed = document["closeDate"].time()
    return {
        "number": document.maybe("number", Reader.id),
        "occurred_at": closed,
        "location": words.location(document, "storeUuid", context),
        "device": words.mention(document, "deviceUuid"),
        "employee": words.mention(document, "closeUserUuid"),
        "shift_id": document.maybe("sessionUUID", Reader.id),
        "shift_number": document.maybe("sessionNumber", Reader.id),
        "is_test": context.is_test,
        "anomalies": words.clock_anomalies(closed, context),
    }


def _lines(document: Reader, currency: str) -> tuple[Line, ...]:
    """Read the positions, each with the first tax step of its product that is still free."""
    taxes = _steps(document, "POSITION_TAX")
    lines = []
    for position in _steps(document, "REGISTER_POSITION"):
        uuid = position.value.get("commodityUuid")
        tax = next((step for step in taxes if step.value.get("commodityUuid") == uuid), None)
        if tax is not None:
            taxes.remove(tax)
        lines.append(_line(position, tax, currency))
    return tuple(lines)


def _line(position: Reader, tax: Reader | None, currency: str) -> Line:
    name = position.maybe("commodityName", Reader.label)
    quantity = abs(position["quantity"].fine())
    gross = words.amount(position, "sum", currency)
    total = words.amount(position, "resultSum", currency)
    cost = words.unit_cost(position, "costPrice")
    mark = position.maybe("mark", Reader.label)
    return Line(
        kind="service" if position.maybe("commodityType", Reader.text) == "SERVICE" else "good",
        product=words.product(position, "commodityUuid", name),
        name=name,
        sku=position.maybe("commodityCode", Reader.label),
        barcode=position.maybe("barcode", Reader.label),
        unit=position.maybe("measureName", Reader.label),
        quantity=quantity,
        unit_price=abs(position["price"].fine()),
        gross=gross,
        discount=gross - total,
        total=total,
        tax_included=True,
        unit_cost=cost,
        cost=None if cost is None else sums.times(position, cost, quantity, currency),
        marking=() if mark is None else (mark,),
        **_tax(tax, total, currency),
    )


def _tax(step: Reader | None, total: Decimal, currency: str) -> dict[str, Any]:
    if step is None:
        return {}
    amount = words.optional_amount(step, "resultTaxSum", currency)
    code, rate = words.tax_of(step["tax"].text(), amount, total)
    return {"tax_code": code, "tax_rate": rate, "tax_amount": amount}


def _discount(step: Reader, currency: str) -> Discount:
    coupon = step.maybe("couponNumber", Reader.id)
    return Discount(
        kind="manual" if coupon is None else "coupon",
        name=coupon,
        percent=step.maybe("percent", Reader.fine, 10),
        amount=words.optional_amount(step, "discountSum", currency),
    )


def _payments(document: Reader, currency: str, sign: int) -> tuple[Payment, ...]:
    """Read the payments: change is a second payment of the other sign, so equal ways are netted.

    ``sign`` is 1 for a sale and -1 for a refund, whose payments are written negative.
    """
    groups: dict[tuple[str, str | None], list[Decimal]] = {}
    for step in _steps(document, "PAYMENT"):
        amount = step["sum"].amount(currency) * sign
        if amount:
            way = step["paymentType"].text(), step.maybe("rrn", Reader.label)
            groups.setdefault(way, []).append(amount)
    closed = document["closeDate"].time()
    return tuple(
        Payment(
            method=words.METHODS.get(kind, "other"),
            amount=sums.added(document, amounts),
            currency=currency,
            provider_method=kind,
            rrn=rrn,
            paid_at=closed,
            **(_handed_over(amounts) if kind == "CASH" else {}),
        )
        for (kind, rrn), amounts in groups.items()
    )


def _handed_over(amounts: list[Decimal]) -> dict[str, Any]:
    return {
        "tendered": sum((amount for amount in amounts if amount > 0), Decimal("0.00")),
        "change": -sum((amount for amount in amounts if amount < 0), Decimal("0.00")),
    }


def _offset(document: Reader) -> int | None:
    for step in document["transactions"]:
        found = step.maybe("timezone", Reader.integer)
        if found is not None and abs(found) < 86_400_000:
            return found // 60_000
    return None


def _fiscal(document: Reader, currency: str, operation: int) -> tuple[Fiscal, ...]:
    """Read the printed receipt: the first form knows neither ФН nor ФД."""
    return tuple(
        Fiscal(
            shift=step.maybe("sessionNumber", Reader.id),
            receipt_no=step.maybe("receiptNumber", Reader.id),
            printed_at=step.maybe("creationDate", Reader.time),
            operation=operation,
            total=words.optional_amount(step, "total", currency),
        )
        for step in _steps(document, "DOCUMENT_CLOSE_FPRINT")
    )
