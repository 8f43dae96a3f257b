"""Payments and refunds of Square: entities of their own, each with a clock of its own."""

from collections.abc import Sequence
from decimal import Decimal

from integrations.clocks import is_plausible, version_of_answer
from integrations.contract import Context, Event
from integrations.reading import Reader
from sales.drafts import Mention, Payment, PaymentDraft, Refund, RefundDraft

from .words import currency_of, link, money, pushed

_PAYMENT_STATUS = {
    "PENDING": "pending",
    "APPROVED": "approved",
    "COMPLETED": "completed",
    "CANCELED": "cancelled",
    "FAILED": "failed",
}
_REFUND_STATUS = {
    "PENDING": "pending",
    "COMPLETED": "completed",
    "REJECTED": "failed",
    "FAILED": "failed",
}
#: ``source_type`` → method; the text itself is kept as the provider's method.
_METHODS = {
    "CARD": "card",
    "CASH": "cash",
    "EXTERNAL": "other",
    "WALLET": "online",
    "BANK_ACCOUNT": "account",
    "BUY_NOW_PAY_LATER": "credit",
    "SQUARE_ACCOUNT": "account",
    "SQUARE_GIFT_CARD": "gift_card",
}
#: ``external_details.type`` of an EXTERNAL payment → method.
_EXTERNAL = {
    "CHECK": "other",
    "BANK_TRANSFER": "account",
    "OTHER_GIFT_CARD": "gift_card",
    "CRYPTO": "other",
    "SQUARE_CASH": "online",
    "SOCIAL": "online",
    "EXTERNAL": "other",
    "EMONEY": "online",
    "CARD": "card",
    "STORED_BALANCE": "prepaid",
    "FOOD_VOUCHER": "prepaid",
    "OTHER": "other",
}


def _device(details: Reader) -> Mention | None:
    """Return the device; one without an id is known by its name alone, and no link."""
    name = details.maybe("device_id", Reader.id)
    if name is None:
        return None
    return Mention(external_id=name, name=details.maybe("device_name", Reader.label))


def _method(payment: Reader) -> tuple[str, str]:
    """Return the method, and Square's own words for it."""
    kind = payment["source_type"].text(50)
    external = payment.get("external_details")
    if kind == "EXTERNAL" and external is not None:
        detail = external["type"].text(50)
        return _EXTERNAL.get(detail, "other"), f"{kind}:{detail}"
    return _METHODS.get(kind, "other"), kind


def _last4(details: Reader) -> str | None:
    card = details.get("card")
    return None if card is None else card.maybe("last_4", Reader.id, 4)


def _cash(details: Reader, name: str, currency: str) -> Decimal | None:
    return details.maybe(name, money, currency)


def _fee(payment: Reader, currency: str) -> Decimal | None:
    """Return the sum of the fees; an empty list is not known yet, and no zero."""
    fees = [
        item["amount_money"]["amount"].minor(currency) for item in payment.items("processing_fee")
    ]
    return sum(fees, Decimal(0)) if fees else None


def payment_pushed(event: Event, context: Context, /) -> Sequence[PaymentDraft]:
    """Read the event of a payment."""
    return (payment_draft(pushed(event, "payment"), context),)


def refund_pushed(event: Event, context: Context, /) -> Sequence[RefundDraft]:
    """Read the event of a refund."""
    return (refund_draft(pushed(event, "refund"), context),)


def payment_draft(payment: Reader, context: Context) -> PaymentDraft:
    """State a payment. It belongs to its order; without one, to a sale of the payment's own id."""
    name = payment["id"].id()
    currency = currency_of(payment["total_money"])
    method, own_method = _method(payment)
    content = Payment(
        external_id=name,
        method=method,
        provider_method=own_method,
        status=_PAYMENT_STATUS[payment["status"].one_of(frozenset(_PAYMENT_STATUS))],
        amount=money(payment["total_money"], currency),  # amount_money and tip_money together
        currency=currency,
        tip=payment.maybe("tip_money", money, currency),
        tendered=payment.maybe("cash_details", _cash, "buyer_supplied_money", currency),
        change=payment.maybe("cash_details", _cash, "change_back_money", currency),
        paid_at=payment["created_at"].time(),
        last4=payment.maybe("card_details", _last4),
        fee=_fee(payment, currency),
        location=payment.maybe("location_id", link),
        device=payment.maybe("device_details", _device),
        employee=payment.maybe("team_member_id", link),
        customer=payment.maybe("customer_id", link),
        is_test=context.is_test,
    )
    return PaymentDraft(
        external_id=name,
        version=version_of_answer(payment["updated_at"].time(), context),
        sale_external_id=payment.maybe("order_id", Reader.id) or name,
        content=content,
    )


def refund_draft(refund: Reader, context: Context) -> RefundDraft:
    """State a refund. Its ``order_id`` is a new, return order: the sale is found by the payment."""
    name = refund["id"].id()
    currency = currency_of(refund["amount_money"])
    occurred_at = refund["created_at"].time()
    content = Refund(
        external_id=name,
        payment_external_id=refund.maybe("payment_id", Reader.id),
        status=_REFUND_STATUS[refund["status"].one_of(frozenset(_REFUND_STATUS))],
        total=money(refund["amount_money"], currency),
        currency=currency,
        occurred_at=occurred_at,
        location=refund.maybe("location_id", link),
        employee=refund.maybe("team_member_id", link),
        reason=refund.maybe("reason", Reader.label),
        is_test=context.is_test,
        anomalies=() if is_plausible(occurred_at, context) else ("clock",),
    )
    return RefundDraft(
        external_id=name,
        version=version_of_answer(refund["updated_at"].time(), context),
        content=content,
    )
