"""What the recorded deliveries of Square state, worked out by hand from their payloads.

A coffee bar on 14 September 2026: a payment of 11.87 with a tip of 2.00 by card, one in cash,
refunds of both. Amounts are cents (and yen, which have none).
"""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from integrations import samples
from integrations.cases import IGNORED, UNSUPPORTED, Case, Unrecognised, outcome
from integrations.contract import Read
from sales.drafts import (
    Mention,
    Payment,
    PaymentDraft,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    RefundDraft,
    Version,
)

from . import PROVIDER
from .test_answers import ANSWERS, IN_CASH, UNLINKED, person
from .test_orders import BAR, JANE, ORDER, ORDERS, at, clock

MERGED = "MERGEDP11H4Z77CTET0RNTGFW8"
BARISTA = Mention(external_id="TMAAAA1111")

# 1187 + 200 cents = 13.87 with the tip. The device has a name and no id: nothing to link to.
BY_CARD = Payment(
    external_id="hYy9pRFVxpDsO1FB05SunFWUe9JZY",
    method="card",
    provider_method="CARD",
    amount=D("13.87"),
    currency="USD",
    tip=D("2.00"),
    paid_at=at(12, 8, 44, 232),
    last4="5858",
    location=BAR,
    employee=BARISTA,
    customer=Mention(external_id=JANE),
)
# 1500 yen are 1500: the yen has no minor unit.
BY_TRANSFER = Payment(
    external_id="eXt1pRFVxpDsO1FB05SunFWUe9JZY",
    method="account",
    provider_method="EXTERNAL:BANK_TRANSFER",
    amount=D("1500"),
    currency="JPY",
    paid_at=at(13, 10),
    location=BAR,
)
BY_WALLET = replace(
    BY_CARD,
    external_id="kAnc1pRFVxpDsO1FB05SunFWUe9JZ",
    method="online",
    provider_method="WALLET",
    status="cancelled",
    paid_at=at(13, 20),
    last4=None,
)
CROISSANT_BACK = Refund(
    external_id="hYy9pRFVxpDsO1FB05SunFWUe9JZY_refund1",
    payment_external_id="hYy9pRFVxpDsO1FB05SunFWUe9JZY",
    status="pending",
    total=D("3.00"),
    currency="USD",
    occurred_at=at(12, 40, 9),
    location=BAR,
    reason="Croissant was cold",
)
ALL_BACK = Refund(
    external_id="cAsh1pRFVxpDsO1FB05SunFWUe9JZ_refund1",
    payment_external_id="cAsh1pRFVxpDsO1FB05SunFWUe9JZ",
    total=D("11.87"),
    currency="USD",
    occurred_at=at(13, 30),
    location=BAR,
)


def payment(order: str, version: Version, content: Payment) -> Case:
    return [
        PaymentDraft(
            external_id=str(content.external_id),
            version=version,
            sale_external_id=order,
            content=content,
        )
    ]


def refund(version: Version, content: Refund) -> Case:
    return [RefundDraft(external_id=str(content.external_id), version=version, content=content)]


def gone(name: str, version: Version) -> ReferenceDraft:
    return ReferenceDraft(kind=ReferenceKind.CUSTOMER, external_id=name, version=version, gone=True)


# 20 000 and 17 800 kopecks are 200.00 and 178.00; 10 800 back are 108.00. What was sold is in the
# order, which is not in a payment.
SAME_ORDER = "sAmE0PaAaFnI6kkwB1JxGgBsUZY"
SAME_CASH = replace(
    IN_CASH,
    external_id="sAmEcAsH",
    amount=D("200.00"),
    currency="RUB",
    tendered=D("200.00"),
    change=D("0.00"),
    paid_at=at(9, 0),
)
SAME_CARD = replace(
    BY_CARD,
    external_id="sAmEcArD",
    amount=D("178.00"),
    currency="RUB",
    tip=None,
    paid_at=at(9, 0, 1),
    customer=None,
)
SAME_BACK = Refund(
    external_id="sAmEcAsH_refund1",
    payment_external_id="sAmEcAsH",
    total=D("108.00"),
    currency="RUB",
    occurred_at=at(9, 30),
    location=BAR,
)


PUSHED: dict[str, Case] = {
    "payment.created__same_sale": payment(SAME_ORDER, clock(9, 0, 0, 500), SAME_CASH),
    "payment.updated__same_sale": payment(SAME_ORDER, clock(9, 0, 1, 500), SAME_CARD),
    "refund.created__same_sale": refund(clock(9, 30, 0, 500), SAME_BACK),
    # The hour before the change: one that is told in the hour's first minute may be of the last.
    "catalog.version.updated__saved": [Read("catalog", "2026-09-14T10:00:00.000Z", settle=60.0)],
    "catalog.version.updated__first_minute": [
        Read("catalog", "2026-09-14T10:00:00.000Z", settle=60.0)
    ],
    "customer.created__jane": [person(clock(12, 0), "Jane", None, None)],
    "customer.updated__named": [
        person(clock(12, 20), "Jane Doe", "+15551230001", "jane@example.com")
    ],
    "customer.deleted__merged": [gone(JANE, clock(14, 0, 0, 800))],
    "customer.created__merged": [
        replace(person(clock(14, 0), "Doe & Co", None, None), external_id=MERGED),
        gone(JANE, clock(14, 0, 1)),
        gone("OTHERWP11H4Z77CTET0RNTGFW8", clock(14, 0, 1)),
    ],
    "inventory.count.updated__stock": IGNORED,
    "invoice.published__later": UNSUPPORTED,
    "order.created__open": [Read("order", ORDER, clock=clock(12, 8, 40, 100).clock)],
    "order.fulfillment.updated__completed": [Read("order", ORDER, clock=clock(12, 20).clock)],
    "order.updated__completed": [Read("order", ORDER, clock=clock(12, 8, 46, 500).clock)],
    "order.updated__returned": [
        Read("order", "rEtUrN0PaAaFnI6kkwB1JxGgBsUZY", clock=clock(12, 40, 10, 500).clock)
    ],
    "payment.created__card_approved": payment(
        ORDER, clock(12, 8, 44, 900), replace(BY_CARD, status="approved")
    ),
    "payment.created__cash": payment("05CASHPaAaFnI6kkwB1JxGgBsUZY", clock(13, 0, 0, 500), IN_CASH),
    # Without an order the payment's own id stands for its sale.
    "payment.created__without_order": payment(
        "eXt1pRFVxpDsO1FB05SunFWUe9JZY", clock(13, 10, 0, 100), BY_TRANSFER
    ),
    "payment.updated__canceled": payment("07CANCPaAaFnI6kkwB1JxGgBsUZY", clock(13, 21), BY_WALLET),
    "payment.updated__card_completed": payment(ORDER, clock(12, 8, 46, 409), BY_CARD),
    # 46 − 4 = 42 cents; what was refunded is told by the refund itself.
    "payment.updated__fee_and_refund": payment(
        ORDER, clock(12, 40, 10, 120), replace(BY_CARD, fee=D("0.42"))
    ),
    "payment.updated__major_units": Unrecognised("data.object.payment.total_money.amount"),
    "refund.created__partial": refund(clock(12, 40, 9, 500), CROISSANT_BACK),
    "refund.created__without_sale": refund(clock(13, 40, 2), UNLINKED),
    "refund.updated__full": refund(clock(13, 30), ALL_BACK),
    "refund.updated__partial_completed": refund(
        clock(12, 40, 11, 250), replace(CROISSANT_BACK, status="completed", employee=BARISTA)
    ),
    "team_member.created__hired": IGNORED,
    "team_member.updated__renamed": IGNORED,
    "team_member.wage_setting.updated__raise": IGNORED,
    "webhooks.test_notification__console": IGNORED,
}


CASES = PUSHED | ORDERS | ANSWERS


@pytest.mark.parametrize("name", sorted(PUSHED))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, samples.load("square")[name]) == PUSHED[name]


def test_the_key_is_the_event_id_and_the_merchant_is_named() -> None:
    sample = samples.load("square")["payment.updated__card_completed"]

    (event,) = PROVIDER.split(samples.signed(sample, PROVIDER))

    assert event.key == "d5c1a2f0-8a4b-4e3c-9c5a-1f1d2e3a4b5c"
    assert event.merchant == "MLEFBHHSJGVHD"
    assert event.occurred_at == at(12, 8, 46, 600)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (
            b'"tip_money": {\n          "amount": 200,\n          "currency": "USD"',
            b'"tip_money": {\n          "amount": 200,\n          "currency": "EUR"',
            "tip_money.currency",
        ),
        (b'"amount": 1387', b'"amount": -1387', "total_money.amount"),
        (b'"COMPLETED"', b'"SETTLED"', "status"),
        (b'"2026-09-14T12:08:46.409Z"', b'"yesterday"', "updated_at"),
    ],
)
def test_what_square_does_not_document_is_a_dead_letter(old: bytes, new: bytes, path: str) -> None:
    sample = samples.load("square")["payment.updated__card_completed"]
    assert old in sample.body

    mended = replace(sample, body=sample.body.replace(old, new))

    assert outcome(PROVIDER, mended) == Unrecognised(f"data.object.payment.{path}")
