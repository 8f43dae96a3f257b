"""Payments and refunds: entities of their own, inside an order and by themselves.

``amount`` is without the tip (Clover's own OrderCalc adds tips to the total); a refund's is with it
(com.clover.sdk.v3.payments.Refund, read 2026-11).
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from integrations.answers import answers_of
from integrations.clocks import is_plausible, version_of_answer
from integrations.contract import Context, Event, Read, Statement
from integrations.parts import shop_of
from integrations.reading import Reader
from integrations.schema import currency_of
from sales.drafts import Line, Mention, Payment, PaymentDraft, Refund, RefundDraft, RefundLine

from .words import amount, changed_at, elements, link, money, rung_at

#: ``result`` → status (com.clover.sdk.v3.payments.Result).
_STATUSES = {
    "SUCCESS": "completed",
    "AUTH_COMPLETED": "completed",
    "VOID_FAILED": "completed",
    "AUTH": "approved",
    "INITIATED": "pending",
    "OFFLINE_RETRYING": "pending",
    "PENDING": "pending",
    "FAIL": "failed",
    "VOIDED": "cancelled",
    "VOIDING": "cancelled",
}
PAID = frozenset({"SUCCESS", "AUTH_COMPLETED", "VOID_FAILED"})
#: The end of a tender's ``labelKey`` → method; a merchant's own tenders have none.
_METHODS = {
    "cash": "cash",
    "credit_card": "card",
    "debit_card": "card",
    "gift_card": "gift_card",
    "external_gift_card": "gift_card",
    "check": "other",
    "external_payment": "other",
}


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a payment and its refunds, and ask for its order, which has the sale."""
    payment = answers_of(event)[0]
    order = link(payment, "order")
    currency = currency_of(payment, context.currency)
    found: list[Statement] = [draft(payment, currency, context, order)]
    for one in elements(payment, "refunds"):
        found.append(refund_draft(one, currency, context))
    return found if order is None else [*found, Read("order", order.external_id)]


def draft(payment: Reader, currency: str, context: Context, order: Mention | None) -> PaymentDraft:
    """State a payment. Without an order it belongs to a sale of its own id."""
    name = payment["id"].id()
    tip, tendered = (money(payment, key, currency) for key in ("tipAmount", "cashTendered"))
    whole = amount(payment["amount"], currency) + (tip or Decimal(0))
    method, own_method = _method(payment)
    content = Payment(
        external_id=name,
        method=method,
        provider_method=own_method,
        status=_STATUSES[payment["result"].one_of(frozenset(_STATUSES))],
        amount=whole,
        currency=currency,
        tip=tip,
        tendered=tendered,
        change=None if tendered is None or tendered < whole else tendered - whole,
        paid_at=rung_at(payment),
        last4=_last4(payment),
        device=link(payment, "device"),
        employee=link(payment, "employee"),
        location=shop_of(context),
        is_test=context.is_test,
    )
    return PaymentDraft(
        external_id=name,
        version=version_of_answer(changed_at(payment), context),
        sale_external_id=name if order is None else order.external_id,
        content=content,
    )


def _method(payment: Reader) -> tuple[str, str | None]:
    """Return the method, and Clover's own words for it."""
    tender = payment.get("tender")
    if tender is None:
        return "other", None
    key = tender.maybe("labelKey", Reader.text, 100) or ""
    return _METHODS.get(key.rpartition(".")[2], "other"), tender.maybe("label", Reader.label)


def _last4(payment: Reader) -> str | None:
    card = payment.get("cardTransaction")
    return None if card is None else card.maybe("last4", Reader.id, 4)


def refunds(
    order: Reader, currency: str, context: Context, sold: Sequence[Line]
) -> Iterator[RefundDraft]:
    """State the refunds of an order, each with the names of the lines that came back."""
    lines = {line.key: line for line in sold if line.key is not None}
    for one in elements(order, "refunds"):
        yield refund_draft(one, currency, context, order["id"].id(), lines)


def refund_draft(
    refund: Reader,
    currency: str,
    context: Context,
    order: str | None = None,
    lines: Mapping[str, Line] | None = None,
) -> RefundDraft:
    """State a refund; it has no time of a change, so a later read of it is the newer one."""
    occurred_at, payment = rung_at(refund), link(refund, "payment")
    own = link(refund, "orderRef")
    content = Refund(
        external_id=refund["id"].id(),
        sale_external_id=order or (None if own is None else own.external_id),
        payment_external_id=None if payment is None else payment.external_id,
        status="failed" if _is_void(refund) else "completed",
        total=amount(refund["amount"], currency),
        currency=currency,
        occurred_at=occurred_at,
        tax_total=money(refund, "taxAmount", currency),
        tip_total=money(refund, "tipAmount", currency),
        lines=tuple(_back(one, lines or {}) for one in elements(refund, "lineItems")),
        location=shop_of(context),
        device=link(refund, "device"),
        employee=link(refund, "employee"),
        reason=refund.maybe("reason", Reader.label),
        is_test=context.is_test,
        anomalies=() if is_plausible(occurred_at, context) else ("clock",),
    )
    return RefundDraft(
        external_id=refund["id"].id(),
        version=version_of_answer(refund["createdTime"].millis(), context),
        content=content,
    )


def _is_void(refund: Reader) -> bool:
    return bool(refund.maybe("voided", Reader.boolean)) or refund.get("deletedTime") is not None


def _back(reference: Reader, lines: Mapping[str, Line]) -> RefundLine:
    """Return a line that came back: of it the refund has the id alone."""
    name = reference["id"].id()
    line = lines.get(name)
    if line is None:
        return RefundLine(sale_line_key=name)
    return RefundLine(
        sale_line_key=name, product=line.product, name=line.name, quantity=line.quantity
    )
