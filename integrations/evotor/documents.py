"""Documents of the second form: one object with ``body`` and ``version: "V2"``."""

from datetime import datetime, timedelta, timezone
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
    RefundLine,
    SaleDraft,
)

from . import words

_DAY_MINUTES = 24 * 60


def sale(document: Reader, context: Context) -> SaleDraft:
    """Read a document SELL; raises PayloadUnrecognised."""
    body = document["body"]
    lines = tuple(_line(position, context.currency) for position in body["positions"])
    payments = _payments(document, context.currency)
    return SaleDraft(
        external_id=document["id"].id(),
        version=version(Rank.FULL, document["created_at"].time(), context),
        header=Header(
            kind=words.kind_of(lines),
            utc_offset=_offset(document),
            currency=context.currency,
            tax_included=True,
            total=words.amount(body, "result_sum", context.currency),
            change_total=sums.added(document, (payment.change for payment in payments)),
            discounts=tuple(_discount(one, context) for one in body.items("doc_discounts")),
            fiscal=_fiscal(document, context.currency, 1),
            **line_totals(document, lines),
            **_circumstances(document, context),
        ),
        lines=lines,
        money=Money(payments=payments),
    )


def refund(document: Reader, context: Context) -> RefundDraft:
    """Read a document PAYBACK; its sale may be named nowhere. Raises PayloadUnrecognised."""
    body = document["body"]
    lines = tuple(_line(position, context.currency) for position in body["positions"])
    return RefundDraft(
        external_id=document["id"].id(),
        version=version(Rank.FULL, document["created_at"].time(), context),
        content=Refund(
            total=words.amount(body, "result_sum", context.currency),
            currency=context.currency,
            sale_external_id=body.maybe("base_document_id", Reader.id),
            tax_total=sums.total_of(document, (line.tax_amount for line in lines)),
            lines=tuple(map(refund_line, lines)),
            payments=_payments(document, context.currency),
            fiscal=_fiscal(document, context.currency, 2),
            **_circumstances(document, context),
        ),
    )


def refund_line(line: Line) -> RefundLine:
    """Return the line of a refund: Evotor writes it as a position of a sale."""
    return RefundLine(
        sale_line_key=line.key,
        product=line.product,
        name=line.name,
        quantity=line.quantity,
        total=line.total,
        tax=line.tax_amount,
        cost=line.cost,
    )


def _circumstances(document: Reader, context: Context) -> dict[str, Any]:
    """Read when, where and by whom: the fields that a header and a refund share."""
    closed = document["close_date"].time()
    return {
        "number": document.maybe("number", Reader.id),
        "occurred_at": closed,
        "provider_at": document["created_at"].time(),
        "location": words.location(document, "store_id", context),
        "device": words.mention(document, "device_id"),
        "employee": words.mention(document, "close_user_id"),
        "shift_id": document.maybe("session_id", Reader.id),
        "shift_number": document.maybe("session_number", Reader.id),
        "is_test": context.is_test,
        "anomalies": words.clock_anomalies(closed, context),
    }


def line_totals(document: Reader, lines: tuple[Line, ...]) -> dict[str, Any]:
    """Return the totals of a header that are sums of its lines."""
    return {
        "gross_total": sums.added(document, (line.gross for line in lines)),
        "discount_total": sums.added(document, (line.discount for line in lines)),
        "tax_total": sums.total_of(document, (line.tax_amount for line in lines)),
        "cost_total": sums.total_of(document, (line.cost for line in lines)),
    }


def _line(position: Reader, currency: str) -> Line:
    name = position.maybe("product_name", Reader.label)
    quantity = abs(position["quantity"].fine())
    gross = words.amount(position, "sum", currency)
    total = words.amount(position, "result_sum", currency)
    cost = words.unit_cost(position, "cost_price")
    mark = position.maybe("mark", Reader.label)
    return Line(
        key=position.maybe("uuid", Reader.id),
        kind="service" if position.maybe("product_type", Reader.text) == "SERVICE" else "good",
        product=words.product(position, "product_id", name),
        name=name,
        sku=position.maybe("code", Reader.label),
        barcode=position.maybe("bar_code", Reader.label),
        unit=position.maybe("measure_name", Reader.label),
        quantity=quantity,
        unit_price=abs(position["price"].fine()),
        gross=gross,
        discount=gross - total,
        total=total,
        tax_included=True,
        unit_cost=cost,
        cost=None if cost is None else sums.times(position, cost, quantity, currency),
        settlement_method=_settlement(position),
        marking=() if mark is None else (mark,),
        **_tax(position, total, currency),
    )


def _tax(position: Reader, total: Decimal, currency: str) -> dict[str, Any]:
    tax = position.get("tax")
    if tax is None:
        return {}
    amount = words.optional_amount(tax, "result_sum", currency)
    code, rate = words.tax_of(tax["type"].text(), amount, total)
    return {"tax_code": code, "tax_rate": rate, "tax_amount": amount}


def _settlement(position: Reader) -> str | None:
    method = position.get("settlement_method")
    word = None if method is None else method.maybe("type", Reader.label)
    return None if word is None else words.SETTLEMENTS.get(word, word)


def _discount(discount: Reader, context: Context) -> Discount:
    coupon = discount.maybe("coupon", Reader.label)
    return Discount(
        kind="manual" if coupon is None else "coupon",
        name=coupon,
        percent=discount.maybe("discount_percent", Reader.fine, 10),
        amount=words.optional_amount(discount, "discount_sum", context.currency),
    )


def _payments(document: Reader, currency: str) -> tuple[Payment, ...]:
    closed = document["close_date"].time()
    return tuple(_payment(one, currency, closed) for one in document["body"]["payments"])


def _payment(payment: Reader, currency: str, closed: datetime) -> Payment:
    """Read a payment: its ``sum`` is money tendered, what was paid is each part less its change."""
    kind = payment["type"].text()
    parts = list(payment.items("parts"))
    tendered = words.amount(payment, "sum", currency)
    if parts:
        tendered = sums.added(payment, (words.amount(part, "part_sum", currency) for part in parts))
    change = sums.added(
        payment, (words.optional_amount(part, "change", currency) for part in parts)
    )
    cash = words.METHODS.get(kind) == "cash"
    return Payment(
        method=words.METHODS.get(kind, "other"),
        amount=tendered - change,
        currency=currency,
        external_id=payment.maybe("id", Reader.id),
        provider_method=_named(payment, "app_info") or _named(payment, "app_payment") or kind,
        tendered=tendered if cash else None,
        change=change if cash else None,
        paid_at=closed,
    )


def _named(payment: Reader, key: str) -> str | None:
    found = payment.get(key)
    return None if found is None else found.maybe("name", Reader.label)


def _offset(document: Reader) -> int | None:
    """Return the till's minutes east of UTC; what no zone on Earth has is not known."""
    found = document.maybe("time_zone_offset", Reader.integer)
    minutes = None if found is None else found // 60_000
    return None if minutes is None or abs(minutes) >= _DAY_MINUTES else minutes


def _fiscal(document: Reader, currency: str, operation: int) -> tuple[Fiscal, ...]:
    """Read the printed receipts: a document of several print groups prints several."""
    body = document["body"]
    systems = {
        group.maybe("id", Reader.id): group.maybe("taxation_system", Reader.label)
        for group in body.items("print_groups")
    }
    zone = timezone(timedelta(minutes=_offset(document) or 0))
    return tuple(
        Fiscal(
            fn=printed.maybe("fn_serial_number", _trimmed_id),
            fd=printed.maybe("fiscal_document_number", _trimmed_id),
            fp=printed.maybe("fiscal_sign_doc_number", _trimmed_id),
            kkt_reg=printed.maybe("kkt_reg_number", _trimmed_id),
            kkt_serial=printed.maybe("kkt_serial_number", _trimmed_id),
            shift=printed.maybe("session_number", _trimmed_id),
            receipt_no=printed.maybe("receipt_number", _trimmed_id),
            printed_at=_printed_at(printed, zone),
            operation=operation,
            tax_system=systems.get(printed.maybe("print_group_id", Reader.id)),
            total=words.optional_amount(printed, "check_sum", currency),
        )
        for printed in body.items("pos_print_results")
    )


def _trimmed_id(value: Reader) -> str | None:
    """Return a number as text, leading zeros kept: real tills pad it with blanks at the end."""
    return value.id().strip() or None


def _printed_at(printed: Reader, zone: timezone) -> datetime | None:
    """Return the time of printing (``14092026``, ``1508`` at the till), None for no such time."""
    day = printed.maybe("receipt_date", Reader.text)
    time = printed.maybe("receipt_time", Reader.text)
    try:
        found = datetime.strptime(f"{day} {time}", "%d%m%Y %H%M").replace(tzinfo=zone)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None
