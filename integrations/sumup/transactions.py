"""Transactions: one payment, what it was for where there is a catalogue, and what went back.

A transaction is the sale: the list that has card readers' payments and refunds knows no checkouts.
Amounts are major units; tip and VAT are out of ``amount`` (developer.sumup.com, read 2026-11).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from integrations.answers import answers_of
from integrations.clocks import is_plausible, version_of_answer
from integrations.contract import Context, Event
from integrations.parts import quantity, shop_of
from integrations.reading import Reader
from integrations.schema import currency_of
from integrations.sums import added
from sales.drafts import Header, Line, Mention, Money, Payment, Refund, SaleDraft

#: ``status`` → of the sale, of the payment.
_STATUSES = {
    "SUCCESSFUL": ("completed", "completed"),
    "PENDING": ("open", "pending"),
    "CANCELLED": ("voided", "cancelled"),
    "FAILED": ("voided", "failed"),
}
_METHODS = {
    "CASH": "cash",
    "POS": "card",
    "MOTO": "card",
    "ECOM": "online",
    "RECURRING": "online",
    "APM": "online",
    "BOLETO": "online",
    "BITCOIN": "online",
    "DIRECT_DEBIT": "account",
    "BALANCE": "account",
}
#: What is paid by at a counter; the rest comes from afar.
_COUNTER = frozenset({"CASH", "POS"})
_BACK = {"REFUND": "refund", "CHARGE_BACK": "chargeback"}
_REFUNDED = {
    "REFUNDED": "completed",
    "SUCCESSFUL": "completed",
    "PAID_OUT": "completed",
    "RECONCILED": "completed",
    "PENDING": "pending",
    "SCHEDULED": "pending",
    "FAILED": "failed",
}


def stated(event: Event, context: Context, /) -> Sequence[SaleDraft]:
    """State a transaction: it has no time of its changes, so its reading dates it."""
    return [_sale(answer, context) for answer in answers_of(event)]


def _sale(told: Reader, context: Context) -> SaleDraft:
    currency = currency_of(told, context.currency)
    amount = told["amount"].positive(currency)
    tip = told.maybe("tip_amount", Reader.positive, currency)
    status, payment_status = _STATUSES[told["status"].one_of(frozenset(_STATUSES))]
    lines, occurred_at = _lines(told, currency, amount - (tip or 0)), told["timestamp"].time()
    kind = told.maybe("payment_type", Reader.text, 50) or "UNKNOWN"
    tax = told.maybe("vat_amount", Reader.positive, currency)
    return SaleDraft(
        external_id=told["id"].id(),
        version=version_of_answer(None, context),
        header=Header(
            status=status,
            number=told.maybe("transaction_code", Reader.label),
            occurred_at=occurred_at,
            provider_at=occurred_at,
            currency=currency,
            location=shop_of(context),
            employee=_employee(told),
            channel="pos" if kind in _COUNTER else "online",
            is_test=context.is_test,
            tax_included=None if tax is None else True,
            tip_total=tip,
            tax_total=tax,
            total=amount,
            anomalies=() if is_plausible(occurred_at, context) else ("clock",),
            **_sums(told, lines),
        ),
        lines=lines or None,
        money=Money(
            payments=(
                Payment(
                    external_id=told["id"].id(),
                    method=_METHODS.get(kind, "other"),
                    provider_method=kind,
                    status=payment_status,
                    amount=amount,
                    currency=currency,
                    tip=tip,
                    paid_at=occurred_at,
                    last4=_last4(told),
                    fee=told.maybe("fee_amount", Reader.positive, currency),
                ),
            ),
            refunds=_refunds(told, currency, context),
        ),
    )


def _employee(told: Reader) -> Mention | None:
    """Return who took the payment: known by the address of the login."""
    found = told.maybe("username", Reader.id)
    return None if found is None else Mention(external_id=found)


def _last4(told: Reader) -> str | None:
    card = told.get("card")
    return None if card is None else card.maybe("last_4_digits", Reader.id, 4)


def _lines(told: Reader, currency: str, asked: Decimal) -> tuple[Line, ...]:
    """Return what was paid for. Nothing says what was taken off: each line costs what it says where
    all of them are what was asked for, and it is left open else."""
    products = list(told.items("products"))
    grosses = [_gross(one, currency) for one in products]
    whole = None not in grosses and added(told, grosses) == asked
    return tuple(
        Line(
            name=one.maybe("name", Reader.label),
            quantity=one.maybe("quantity", quantity),
            unit_price=_price(one),
            gross=gross,
            discount=Decimal(0) if whole else None,
            total=gross if whole else None,
            tax_amount=one.maybe("vat_amount", Reader.positive, currency),
            tax_included=None if one.get("total_with_vat") is None else True,
        )
        for one, gross in zip(products, grosses, strict=True)
    )


def _gross(product: Reader, currency: str) -> Decimal | None:
    """Return what so many of a product cost, with VAT where that is said."""
    with_vat = product.maybe("total_with_vat", Reader.positive, currency)
    return product.maybe("total_price", Reader.positive, currency) if with_vat is None else with_vat


def _price(product: Reader) -> Decimal | None:
    with_vat = product.maybe("price_with_vat", quantity)
    return product.maybe("price", quantity) if with_vat is None else with_vat


def _sums(told: Reader, lines: Sequence[Line]) -> dict[str, Any]:
    """Return what the lines cost, where they are what was asked for."""
    if not lines or any(line.total is None for line in lines):
        return {}
    return {
        "gross_total": added(told, (line.gross for line in lines)),
        "discount_total": Decimal("0.00"),
    }


def _refunds(told: Reader, currency: str, context: Context) -> tuple[Refund, ...]:
    """Return what went back: the detailed list of what happened, else the short one."""
    detailed = told.get("transaction_events") is not None
    happened, key = ("transaction_events", "event_type") if detailed else ("events", "type")
    return tuple(
        _refund(one, one[key].text(50), told, currency, context)
        for one in told.items(happened)
        if one[key].text(50) in _BACK
    )


def _refund(event: Reader, kind: str, told: Reader, currency: str, context: Context) -> Refund:
    occurred_at = event.maybe("timestamp", Reader.time)
    possible = occurred_at is None or is_plausible(occurred_at, context)
    return Refund(
        external_id=event["id"].id(),
        kind=_BACK[kind],
        status=_REFUNDED[event["status"].one_of(frozenset(_REFUNDED))],
        payment_external_id=told["id"].id(),
        total=event["amount"].positive(currency),
        currency=currency,
        occurred_at=occurred_at,
        location=shop_of(context),
        is_test=context.is_test,
        anomalies=() if possible else ("clock",),
    )
