"""Payments, refunds and order hints of Square (developer.squareup.com, read 2026-11).

``updated_at`` orders the states of an object, never ``version``: that is absent for orders that
were not made through the API. Amounts are integers of minor units, each with its currency.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from integrations.clocks import is_plausible, version
from integrations.contract import Context, Delivery, Event, Normaliser, Read
from integrations.reading import Reader, parse_json
from sales.drafts import Mention, Payment, PaymentDraft, Rank, Refund, RefundDraft
from sales.money import is_currency

IGNORED = frozenset({"webhooks.test_notification"})

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


def split(delivery: Delivery) -> list[Event]:
    """Return the one event of a notification; its key is ``event_id``, the same on every retry."""
    body = Reader(parse_json(delivery.body))
    return [
        Event(
            key=body["event_id"].id(),
            type=body["type"].text(100),
            payload=body.value,
            occurred_at=body.maybe("created_at", Reader.time),
            merchant=body.maybe("merchant_id", Reader.id),
        )
    ]


def _object(event: Event, name: str) -> Reader:
    return Reader(event.payload)["data"]["object"][name]


def _currency(money: Reader) -> str:
    currency = money["currency"]
    if not is_currency(currency.text(3)):
        raise currency.refuse("not a currency of ISO-4217")
    return currency.text(3)


def _money(money: Reader, expected: str) -> Decimal:
    """Return a positive amount in the document's currency; another currency is refused."""
    if _currency(money) != expected:
        raise money["currency"].refuse(f"not {expected} like the rest of the document")
    found = money["amount"].minor(expected)
    if found < 0:
        raise money["amount"].refuse("a negative amount")
    return found


def _link(reader: Reader) -> Mention:
    return Mention(external_id=reader.id())


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
    return details.maybe(name, _money, currency)


def _fee(payment: Reader, currency: str) -> Decimal | None:
    """Return the sum of the fees; an empty list is not known yet, and no zero."""
    fees = [
        item["amount_money"]["amount"].minor(currency) for item in payment.items("processing_fee")
    ]
    return sum(fees, Decimal(0)) if fees else None


def payment_draft(event: Event, context: Context) -> Sequence[PaymentDraft]:
    """State a payment. It belongs to its order; without one, to a sale of the payment's own id."""
    payment = _object(event, "payment")
    name = payment["id"].id()
    currency = _currency(payment["total_money"])
    method, own_method = _method(payment)
    content = Payment(
        external_id=name,
        method=method,
        provider_method=own_method,
        status=_PAYMENT_STATUS[payment["status"].one_of(frozenset(_PAYMENT_STATUS))],
        amount=_money(payment["total_money"], currency),  # amount_money and tip_money together
        currency=currency,
        tip=payment.maybe("tip_money", _money, currency),
        tendered=payment.maybe("cash_details", _cash, "buyer_supplied_money", currency),
        change=payment.maybe("cash_details", _cash, "change_back_money", currency),
        paid_at=payment["created_at"].time(),
        last4=payment.maybe("card_details", _last4),
        fee=_fee(payment, currency),
        location=payment.maybe("location_id", _link),
        device=payment.maybe("device_details", _device),
        employee=payment.maybe("team_member_id", _link),
        customer=payment.maybe("customer_id", _link),
        is_test=context.is_test,
    )
    return (
        PaymentDraft(
            external_id=name,
            version=version(Rank.FULL, payment["updated_at"].time(), context),
            sale_external_id=payment.maybe("order_id", Reader.id) or name,
            content=content,
        ),
    )


def refund_draft(event: Event, context: Context) -> Sequence[RefundDraft]:
    """State a refund. Its ``order_id`` is a new, return order: the sale is found by the payment."""
    refund = _object(event, "refund")
    name = refund["id"].id()
    currency = _currency(refund["amount_money"])
    occurred_at = refund["created_at"].time()
    content = Refund(
        external_id=name,
        payment_external_id=refund.maybe("payment_id", Reader.id),
        status=_REFUND_STATUS[refund["status"].one_of(frozenset(_REFUND_STATUS))],
        total=_money(refund["amount_money"], currency),
        currency=currency,
        occurred_at=occurred_at,
        location=refund.maybe("location_id", _link),
        employee=refund.maybe("team_member_id", _link),
        reason=refund.maybe("reason", Reader.label),
        is_test=context.is_test,
        anomalies=() if is_plausible(occurred_at, context) else ("clock",),
    )
    return (
        RefundDraft(
            external_id=name,
            version=version(Rank.FULL, refund["updated_at"].time(), context),
            content=content,
        ),
    )


def _order_hint(name: str) -> Normaliser:
    """Return the normaliser of a thin event: it names an order, which has to be read."""

    def normalise(event: Event, context: Context) -> Sequence[Read]:
        return (Read("order", _object(event, name)["order_id"].id()),)

    return normalise


NORMALISERS: Mapping[str, Normaliser] = {
    "payment.created": payment_draft,
    "payment.updated": payment_draft,
    "refund.created": refund_draft,
    "refund.updated": refund_draft,
    "order.created": _order_hint("order_created"),
    "order.updated": _order_hint("order_updated"),
    "order.fulfillment.updated": _order_hint("order_fulfillment_updated"),
}
