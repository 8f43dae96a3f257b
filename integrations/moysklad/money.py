"""How a receipt of MoySklad was paid: seven sums of the document, and certificates among them."""

from datetime import datetime
from decimal import Decimal

from integrations.reading import Reader
from integrations.sums import kopecks
from sales.drafts import Payment

_ADVANCE = "advancePaymentSum"
#: Sum of the document → method. A return has the first three alone.
_SLOTS = {
    "cashSum": "cash",
    "noCashSum": "card",
    "qrSum": "sbp",
    "prepaymentCashSum": "prepaid",
    "prepaymentNoCashSum": "prepaid",
    "prepaymentQrSum": "prepaid",
    _ADVANCE: "advance",
}


def payments(document: Reader, currency: str, paid_at: datetime | None) -> tuple[Payment, ...]:
    """Read the payments; those of a document that is not posted are pending."""
    posted = document["applicable"].boolean()
    sums = {slot: document.maybe(slot, kopecks, currency) or Decimal(0) for slot in _SLOTS}
    cards = _gift_cards(document, currency)
    # The seven sums are the whole, so that a certificate can only be inside the advance.
    cards = cards if sum(cards) <= sums[_ADVANCE] else []
    sums[_ADVANCE] -= sum(cards)
    found = [(slot, _SLOTS[slot], amount) for slot, amount in sums.items() if amount]
    found += [("giftCards", "gift_card", amount) for amount in cards if amount]
    return tuple(
        Payment(
            method=method,
            status="completed" if posted else "pending",
            amount=amount,
            currency=currency,
            provider_method=slot,
            paid_at=paid_at,
        )
        for slot, method, amount in found
    )


def _gift_cards(document: Reader, currency: str) -> list[Decimal]:
    return [kopecks(one["paymentSum"], currency) for one in document.items("giftCards")]
