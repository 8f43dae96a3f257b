"""What the recorded deliveries of Stripe state, worked out by hand from their payloads.

A card reader on 14 September 2026: 1387 cents are 13.87, of which 323, 3.23, go back.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from integrations import samples
from integrations.cases import IGNORED, UNSUPPORTED, Case, Unrecognised, outcome
from integrations.clocks import micros
from sales.drafts import (
    Mention,
    Payment,
    PaymentDraft,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    RefundDraft,
    Version,
)

from . import PROVIDER


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=UTC)


def clock(hour: int, minute: int, second: int = 0, *, seq: int = 0) -> Version:
    return Version(Rank.FULL, micros(at(hour, minute, second)), seq)


JANE = "cus_9s6XKzkNRiz8i3"
INTENT = "pi_3Pq0ZZ2eZvKYlo2C1qwerty"
BY_CARD = Payment(
    external_id="ch_3Pq0ZZ2eZvKYlo2C1aBcDeFg",
    method="card",
    provider_method="card_present",
    amount=D("13.87"),
    currency="USD",
    paid_at=at(12, 8, 44),
    last4="4242",
    refunded_cum=D("0.00"),
)
# Held are 5000 cents, and taken of them 4200: 42.00.
HELD = replace(
    BY_CARD, external_id="ch_held", status="approved", amount=D("50.00"), paid_at=at(13, 0)
)
CROISSANT_BACK = Refund(
    external_id="re_3Pq0ZZ2eZvKYlo2C1back01",
    sale_external_id=INTENT,
    payment_external_id="ch_3Pq0ZZ2eZvKYlo2C1aBcDeFg",
    total=D("3.23"),
    currency="USD",
    occurred_at=at(12, 20, 32),
    reason="requested_by_customer",
)
ALL_BACK = Refund(
    external_id="re_full",
    sale_external_id="pi_held",
    payment_external_id="ch_held",
    total=D("42.00"),
    currency="USD",
    occurred_at=at(13, 30),
)
UNLINKED = replace(
    CROISSANT_BACK,
    external_id="re_alone",
    sale_external_id=None,
    payment_external_id=None,
    occurred_at=at(12, 21, 40),
)


def payment(sale: str, version: Version, content: Payment) -> Case:
    counted_at = datetime.fromtimestamp(version.clock // 1_000_000, UTC)
    return [
        PaymentDraft(
            external_id=str(content.external_id),
            version=version,
            sale_external_id=sale,
            content=replace(content, counted_at=counted_at),
        )
    ]


def refund(version: Version, content: Refund) -> Case:
    stated = replace(content, provider_at=datetime.fromtimestamp(version.clock // 1_000_000, UTC))
    return [RefundDraft(external_id=str(content.external_id), version=version, content=stated)]


def jane(version: Version, name: str) -> Case:
    content = {"name": name, "phone": None, "email": "jane@shop.example"}
    return [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER, external_id=JANE, version=version, content=content
        )
    ]


CASES: dict[str, Case] = {
    "charge.succeeded__terminal": payment(INTENT, clock(12, 8, 45, seq=1), BY_CARD),
    "charge.updated__settled": payment(
        INTENT,
        clock(12, 9, seq=1),
        replace(
            BY_CARD,
            location=Mention(external_id="tml_FKy1"),
            device=Mention(external_id="tmr_P40"),
            customer=Mention(external_id=JANE),
        ),
    ),
    "charge.succeeded__held": payment("pi_held", clock(13, 0), HELD),
    # Taken in the very second in which it was held: what is captured comes after what is not.
    "charge.captured__less": payment(
        "pi_held", clock(13, 0, seq=1), replace(HELD, status="completed", amount=D("42.00"))
    ),
    "charge.failed__declined": payment(
        "pi_declined",
        clock(12, 8, 45),
        replace(BY_CARD, external_id="ch_declined", status="failed"),
    ),
    # Yen have no minor unit. Without an intent the charge's own id stands for its sale.
    "charge.succeeded__yen_test": payment(
        "ch_yen",
        clock(12, 8, 45, seq=1),
        replace(
            BY_CARD,
            external_id="ch_yen",
            method="other",
            provider_method="konbini",
            amount=D("1500"),
            currency="JPY",
            last4=None,
            is_test=True,
        ),
    ),
    "charge.succeeded__same_sale": payment(
        "pi_same",
        clock(9, 0, 1, seq=1),
        replace(
            BY_CARD,
            external_id="ch_same",
            amount=D("378.00"),
            currency="RUB",
            paid_at=at(9, 0),
        ),
    ),
    "charge.succeeded__text_amount": Unrecognised("data.object.amount_captured"),
    "charge.succeeded__unsettled_currency": Unrecognised("data.object.currency"),
    # The seq is twice the 323 cents that went back, and one for captured.
    "charge.refunded__partial": payment(
        INTENT, clock(12, 20, 32, seq=647), replace(BY_CARD, refunded_cum=D("3.23"))
    ),
    "charge.dispute.created__later": UNSUPPORTED,
    "v2.core.event__thin": UNSUPPORTED,
    "refund.created__partial": refund(clock(12, 20, 32), replace(CROISSANT_BACK, status="pending")),
    "refund.updated__partial": refund(clock(12, 20, 33, seq=1), CROISSANT_BACK),
    "charge.refund.updated__partial": refund(clock(12, 20, 33, seq=1), CROISSANT_BACK),
    "refund.failed__partial": refund(
        clock(12, 30, seq=2), replace(CROISSANT_BACK, status="failed")
    ),
    "refund.created__full": refund(clock(13, 30), ALL_BACK),
    # It fails in the second in which it was made, and the failure comes after.
    "refund.failed__full": refund(clock(13, 30, seq=2), replace(ALL_BACK, status="failed")),
    "refund.created__without_sale": refund(clock(12, 21, 40), UNLINKED),
    "refund.created__same_sale": refund(
        clock(9, 30, 1),
        replace(
            CROISSANT_BACK,
            external_id="re_same",
            sale_external_id="pi_same",
            payment_external_id="ch_same",
            total=D("108.00"),
            currency="RUB",
            occurred_at=at(9, 30),
        ),
    ),
    # 1789387000, then each 100 s later.
    "customer.created__jane": jane(clock(11, 56, 40), "Jane Roe"),
    "customer.updated__jane": jane(clock(11, 58, 20, seq=1), "Jane Doe"),
    "customer.deleted__jane": [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=JANE,
            version=Version(Rank.FULL, micros(at(12, 0)) + 999_999),
            gone=True,
        )
    ],
    "payment_intent.canceled__terminal": IGNORED,
    "payment_intent.created__terminal": IGNORED,
    "payment_intent.payment_failed__terminal": IGNORED,
    "payment_intent.succeeded__terminal": IGNORED,
    "account.updated__no_sale": IGNORED,
    "balance.available__no_sale": IGNORED,
    "payout.paid__no_sale": IGNORED,
    "terminal.reader.action_failed__no_sale": IGNORED,
    "terminal.reader.action_succeeded__no_sale": IGNORED,
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, samples.load("stripe")[name]) == CASES[name]


def test_the_key_is_the_event_id_and_a_connected_account_is_the_merchant() -> None:
    recorded = samples.load("stripe")
    names = ("charge.updated__settled", "charge.succeeded__terminal", "v2.core.event__thin")

    connected, own, thin = (
        PROVIDER.split(samples.signed(recorded[name], PROVIDER))[0] for name in names
    )

    assert connected.key == "evt_3Pq0ZZ2eZvKYlo2C1evt0002"
    assert connected.occurred_at == at(12, 9)
    assert (connected.merchant, own.merchant) == ("acct_1Connected", None)
    assert (thin.type, thin.occurred_at) == ("v2.core.account.updated", None)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (b'"amount_captured":1387', b'"amount_captured":-1387', "amount_captured"),
        (b'"amount_refunded":0', b'"amount_refunded":-1', "amount_refunded"),
        (b'"currency":"usd"', b'"currency":"us"', "currency"),
        (b'"status":"succeeded"', b'"status":"settled"', "status"),
        (b'"captured":true', b'"captured":1', "captured"),
    ],
)
def test_what_stripe_does_not_document_is_a_dead_letter(old: bytes, new: bytes, path: str) -> None:
    sample = samples.load("stripe")["charge.succeeded__terminal"]
    assert old in sample.body

    mended = replace(sample, body=sample.body.replace(old, new))

    assert outcome(PROVIDER, mended) == Unrecognised(f"data.object.{path}")
