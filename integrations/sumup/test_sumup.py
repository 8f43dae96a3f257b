"""What merchants of SumUp state, worked out by hand from its notices and recorded answers.

A transaction of 14 September 2026, 12:08:44.818 UTC, over 12.50 EUR.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from integrations import samples
from integrations.asking import Asked, Reply, Window
from integrations.cases import (
    IGNORED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    outcome,
    outcome_of_answer,
)
from integrations.contract import Read
from sales.drafts import (
    Header,
    Line,
    Mention,
    Money,
    OrderedBy,
    Payment,
    Rank,
    Refund,
    SaleDraft,
    Version,
)

from . import PROVIDER
from .asking import API, read_merchant

SAMPLES = samples.load("sumup")
ANSWERS = samples.load_answers("sumup")
CHECKOUT, NEWER = "123e4567-e89b-12d3-a456-426614174000", "e24bab0f-1464-4ffe-b6a2-dc33eca5e1e9"
PAID, TRIED = "410fc44a-5956-44e1-b5cc-19c6f8d727a4", "510fc44a-5956-44e1-b5cc-19c6f8d727a4"
#: Asked for at 17:59:58 on the 20 710th day since 1970.
SENT = (20_710 * 86_400 + 17 * 3600 + 59 * 60 + 58) * 1_000_000
AS_READ = Version(Rank.FULL, SENT, 0, OrderedBy.READ)
ABSENT = Version(Rank.FULL, SENT + 999_999, SENT, OrderedBy.READ)
AT = datetime(2026, 9, 14, 12, 8, 44, 818_000, tzinfo=UTC)
BACK_AT = datetime(2026, 9, 14, 12, 30, tzinfo=UTC)


def ask(name: str) -> Read:
    return Read("checkout", name, settle=10.0)


HEADER = Header(
    number="TEENSK4W2K",
    occurred_at=AT,
    provider_at=AT,
    currency="EUR",
    employee=Mention(external_id="bar@example.com"),
    channel="online",
    total=D("12.50"),
)
PAYMENT = Payment(
    external_id=PAID,
    method="online",
    provider_method="ECOM",
    amount=D("12.50"),
    currency="EUR",
    paid_at=AT,
)


def transaction(
    header: Header = HEADER,
    payment: Payment = PAYMENT,
    *refunds: Refund,
    lines: tuple[Line, ...] | None = None,
) -> SaleDraft:
    money = Money(payments=(payment,), refunds=refunds)
    return SaleDraft(
        external_id=payment.external_id or "",
        version=AS_READ,
        header=header,
        lines=lines,
        money=money,
    )


def back(name: str, total: str, at: datetime | None = BACK_AT, **more: Any) -> Refund:
    told: dict[str, Any] = {"currency": "EUR", "payment_external_id": PAID, **more}
    return Refund(external_id=name, total=D(total), occurred_at=at, **told)


CARD = replace(PAYMENT, method="card", provider_method="POS")
CASES: dict[str, Case] = {
    "CHECKOUT_STATUS_CHANGED__paid": [ask(CHECKOUT)],
    "CHECKOUT_STATUS_CHANGED__path": Unrecognised("id"),
    "CHECKOUT_STATUS_CHANGED__no_id": Unrecognised("id"),
    "checkout.status.updated__paid": [ask(NEWER)],
    "checkout.status.updated__failed": [ask(NEWER)],
    "checkout.status.updated__no_checkout": Unrecognised("payload.checkout_id"),
    "solo.transaction.updated__later": UNSUPPORTED,
    "checkout.read__paid": [Read("transaction", TRIED), Read("transaction", PAID)],
    "checkout.read__pending": IGNORED,
    "checkout.missing__unknown": IGNORED,
    "transaction.read__paid": [
        transaction(
            replace(HEADER, tax_included=True, tax_total=D("2.00"), tip_total=D("1.50")),
            replace(PAYMENT, tip=D("1.50"), fee=D("0.31"), last4="3456"),
        )
    ],
    # 2 × 5.00 + 2.50 = 12.50
    "transaction.read__part_back": [
        transaction(
            replace(HEADER, channel="pos", gross_total=D("12.50"), discount_total=D("0.00")),
            CARD,
            back("7", "2.50"),
            back("9", "1.00", None, status="failed"),
            lines=(
                Line(
                    name="Kaffee",
                    quantity=D(2),
                    unit_price=D(5),
                    gross=D("10.00"),
                    discount=D("0.00"),
                    total=D("10.00"),
                    tax_amount=D("1.60"),
                    tax_included=True,
                ),
                Line(
                    name="Kuchen",
                    quantity=D(1),
                    unit_price=D("2.5"),
                    gross=D("2.50"),
                    discount=D("0.00"),
                    total=D("2.50"),
                ),
            ),
        )
    ],
    "transaction.read__all_back": [
        transaction(
            HEADER,
            replace(PAYMENT, method="card", provider_method="MOTO"),
            back("11", "12.50", kind="chargeback", status="pending"),
        )
    ],
    "transaction.read__failed": [
        transaction(replace(HEADER, status="voided"), replace(PAYMENT, status="failed"))
    ],
    "transaction.read__cash_pending": [
        transaction(
            replace(HEADER, status="open", channel="pos", employee=None),
            replace(PAYMENT, method="cash", provider_method="CASH", status="pending"),
        )
    ],
    "transaction.read__cancelled": [
        transaction(
            replace(HEADER, status="voided"),
            replace(PAYMENT, method="other", provider_method="SEASHELLS", status="cancelled"),
        )
    ],
    "transaction.read__negative": Unrecognised("answers[0].amount"),
    "transaction.read__odd_refund": Unrecognised("answers[0].events[0].status"),
    # Products of 420.00, of which 378.00 were asked for: what was taken off each is not said.
    "transaction.read__same_sale": [
        transaction(
            replace(
                HEADER,
                channel="pos",
                currency="RUB",
                occurred_at=datetime(2026, 9, 14, 9, tzinfo=UTC),
                provider_at=datetime(2026, 9, 14, 9, tzinfo=UTC),
                total=D("378.00"),
                tip_total=D("0.00"),
                tax_total=D("0.00"),
                tax_included=True,
            ),
            replace(
                CARD,
                external_id="210fc44a-5956-44e1-b5cc-19c6f8d727a4",
                amount=D("378.00"),
                currency="RUB",
                tip=D("0.00"),
                paid_at=datetime(2026, 9, 14, 9, tzinfo=UTC),
            ),
            back(
                "21",
                "108.00",
                datetime(2026, 9, 14, 9, 30, tzinfo=UTC),
                currency="RUB",
                payment_external_id="210fc44a-5956-44e1-b5cc-19c6f8d727a4",
            ),
            lines=(
                Line(name="Кофе", quantity=D(2), unit_price=D(150), gross=D("300.00")),
                Line(name="Круассан", quantity=D(1), unit_price=D(120), gross=D("120.00")),
            ),
        )
    ],
    "transaction.missing__gone": [SaleDraft(external_id=PAID, version=ABSENT, gone=True)],
    "transaction.listed__page": [Read("transaction", PAID)],
    "transaction.listed__nothing": IGNORED,
}


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_two_notices_of_one_checkout_in_the_newer_form_are_two_events() -> None:
    first, second = (
        PROVIDER.split(samples.bare(SAMPLES[f"checkout.status.updated__{name}"]))[0]
        for name in ("paid", "failed")
    )

    assert first.key != second.key
    assert first.occurred_at == AT


ASKED = Asked("checkout", CHECKOUT, {"merchant": "MH4H92C7"}, "sup_sk_1")


def reply(body: Any) -> Reply:
    return Reply(200, {}, body)


def test_a_checkout_and_a_transaction_are_one_call_each() -> None:
    checkout, transaction = API.reads["checkout"](ASKED, []), API.reads["transaction"](ASKED, [])

    assert checkout is not None
    assert transaction is not None
    assert checkout.path == f"/v0.1/checkouts/{CHECKOUT}"
    assert checkout.headers == {"Authorization": "Bearer sup_sk_1"}
    assert transaction.path == "/v2.1/merchants/MH4H92C7/transactions"
    assert transaction.query == (("id", CHECKOUT),)
    assert all(API.reads[kind](ASKED, [reply({})]) is None for kind in API.reads)
    assert API.host(ASKED.settings) == "api.sumup.com"


def test_transactions_are_listed_by_their_change_behind_the_reference_of_a_link() -> None:
    listing = API.lists["transaction"]
    window = Window(datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC))

    first, second = (listing.call(ASKED, window, cursor) for cursor in (None, "090df9bf"))

    assert first.path == "/v2.1/merchants/MH4H92C7/transactions/history"
    assert first.query == (
        ("changes_since", "2026-09-14T00:00:00.000Z"),
        ("order", "ascending"),
        ("limit", "100"),
    )
    assert second.query == (*first.query, ("oldest_ref", "090df9bf"))
    link = {"rel": "next", "href": "limit=100&oldest_ref=090df9bf&order=ascending"}
    assert listing.cursor(reply({"links": [{"rel": "self"}, link]}), None) == "090df9bf"
    nothing: list[Any] = [[], {"links": None}, {"links": []}, {"links": [7, {"rel": "next"}]}, {}]
    for last in nothing:
        assert listing.cursor(reply(last), None) is None
    assert listing.cursor(reply({"links": [link]}), "090df9bf") is None  # it does not go on


def test_a_merchant_is_named_by_its_code() -> None:
    assert read_merchant(" MH4H92C7 ") == "MH4H92C7"
    for wrong in ("../me", "М1", "X" * 21):
        with pytest.raises(ValueError, match=wrong):
            read_merchant(wrong)
