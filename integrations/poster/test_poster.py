"""What hooks and answers of Poster state, worked out by hand from their texts.

A coffee shop on 14 September 2026: a cheque opened at 12:05:00 in UTC and closed at 12:08:44. Every
number is a text, amounts are kopecks.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from integrations import samples
from integrations.cases import (
    IGNORED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    outcome,
    outcome_of_answer,
)
from integrations.contract import Read
from integrations.samples import SENT
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    Money,
    OrderedBy,
    Payment,
    Rank,
    SaleDraft,
    Version,
)

from . import PROVIDER

OPENED = datetime(2026, 9, 14, 12, 5, tzinfo=UTC)
CLOSED_AT = datetime(2026, 9, 14, 12, 8, 44, tzinfo=UTC)
#: 17:59:58, when every answer was asked for: a cheque has no clock of its own.
READ = Version(Rank.FULL, SENT, 0, OrderedBy.READ)


def product(tail: str, name: str | None = None) -> Mention:
    return Mention(external_id=tail, name=name)


# 2 × 220 = 440, paid 400; 220. Tax 0 is none.
CUPS = Line(
    product=product("77", "Капучино"),
    name="Капучино",
    sku="101",
    quantity=D(2),
    unit_price=D(220),
    gross=D(440),
    discount=D(40),
    total=D(400),
    tax_code="none",
    tax_amount=D(0),
    tax_included=True,
)
BUN = replace(
    CUPS,
    product=product("78", "Круассан"),
    name="Круассан",
    sku=None,
    barcode="2000000000078",
    quantity=D(1),
    gross=D(220),
    discount=D(0),
    total=D(220),
)


def unpaid(line: Line) -> Line:
    """Return the line of a cheque that is not closed: what it costs in the end is not known."""
    return replace(line, discount=None, total=None)


def paid(method: str, slot: str, amount: str, **more: Any) -> Payment:
    return Payment(method=method, amount=D(amount), currency="RUB", provider_method=slot, **more)


# 440 + 220 = 660; 660 − 400 − 220 = 40 off; 520 + 100 = 620.
CLOSED = SaleDraft(
    external_id="16776",
    version=READ,
    header=Header(
        number="16776",
        occurred_at=CLOSED_AT,
        currency="RUB",
        location=Mention(external_id="1"),
        employee=Mention(external_id="6", name="Мария"),
        tax_included=True,
        gross_total=D(660),
        discount_total=D(40),
        service_total=D(0),
        tip_total=D(0),
        rounding_total=D(0),
        tax_total=D(0),
        total=D(620),
    ),
    lines=(CUPS, BUN),
    money=Money(payments=(paid("cash", "payed_cash", "520"), paid("card", "payed_card", "100"))),
    customer=CustomerLink(customer=None),
)
assert CLOSED.header is not None
OPEN = replace(
    CLOSED,
    header=Header(
        status="open",
        number="16776",
        occurred_at=OPENED,
        currency="RUB",
        location=Mention(external_id="1"),
        employee=Mention(external_id="6", name="Мария"),
        tax_included=True,
        gross_total=D(440),
        tax_total=D(0),
    ),
    lines=(unpaid(CUPS),),
    money=Money(),
)
assert OPEN.header is not None


def closed(number: str, **changes: Any) -> dict[str, Any]:
    """Return what a closed cheque of this number has otherwise than that of the sample."""
    assert CLOSED.header is not None
    return {"external_id": number, "header": replace(CLOSED.header, number=number, **changes)}


def unclosed(number: str, status: str, gross: str, at: datetime = OPENED) -> dict[str, Any]:
    assert OPEN.header is not None
    header = replace(
        OPEN.header, number=number, status=status, gross_total=D(gross), occurred_at=at
    )
    return {"external_id": number, "header": header}


# 600.01 and 50 for the service, 50 for the waiter, a kopeck off: 700.00 = 400 + 300. The VAT is
# inside: 600.01 × 20 / 120 = 100.00.
DELIVERY = replace(
    CLOSED,
    **closed(
        "16781",
        location=Mention(external_id="2"),
        employee=None,
        channel="delivery",
        gross_total=D("600.01"),
        discount_total=D(0),
        service_total=D(50),
        tip_total=D(50),
        rounding_total=D("-0.01"),
        tax_total=D(100),
        total=D(700),
    ),
    lines=(
        replace(
            CUPS,
            product=product("908:68", "Пицца, Сыр, 35 см"),
            name="Пицца, Сыр, 35 см",
            sku="PZ-35",
            quantity=D(1),
            unit_price=D("600.01"),
            gross=D("600.01"),
            discount=D(0),
            total=D("600.01"),
            tax_code="20",
            tax_rate=D(20),
            tax_amount=D(100),
        ),
    ),
    money=Money(
        payments=(
            paid("card", "payed_card", "400", tip=D(50)),
            paid("other", "payed_third_party", "300"),
        )
    ),
)
# 0.5 × 220 = 110 with 5 % on the turnover, 5.24 of it; 140.50 for what nobody names. That a
# fiscal receipt was taken back (2) is no refund that anybody has described.
OLDER = replace(
    CLOSED,
    **closed(
        "16782",
        gross_total=D("250.50"),
        discount_total=D(0),
        tip_total=None,
        tax_total=D("5.24"),
        total=D("250.50"),
    ),
    lines=(
        replace(
            CUPS,
            product=product("77"),
            name=None,
            sku=None,
            quantity=D("0.5"),
            gross=D(110),
            discount=D(0),
            total=D(110),
            tax_code="other",
            tax_rate=D(5),
            tax_amount=D("5.24"),
        ),
        replace(
            BUN,
            product=product("99"),
            name=None,
            barcode=None,
            unit_price=D("140.50"),
            gross=D("140.50"),
            total=D("140.50"),
        ),
    ),
    money=Money(payments=(paid("cash", "payed_cash", "250.50"),)),
    customer=None,
)
# 2 × 150 = 300 for 270, 120 for 108: 420 − 42 = 378.
SAME = replace(
    CLOSED,
    **closed(
        "16800",
        occurred_at=datetime(2026, 9, 14, 9, tzinfo=UTC),
        gross_total=D(420),
        discount_total=D(42),
        total=D(378),
        discounts=(Discount(percent=D(10)),),
    ),
    lines=(
        replace(
            CUPS,
            product=product("101", "Кофе"),
            name="Кофе",
            sku=None,
            unit_price=D(150),
            gross=D(300),
            discount=D(30),
            total=D(270),
        ),
        replace(BUN, unit_price=D(120), gross=D(120), discount=D(12), total=D(108)),
    ),
    money=Money(payments=(paid("cash", "payed_cash", "200"), paid("card", "payed_card", "178"))),
)


def asked(number: str) -> list[Read]:
    return [Read("transaction", number, settle=10.0)]


CASES: dict[str, Case] = {
    "transaction.added__opened": asked("16776"),
    "transaction.changed__item": asked("16776"),
    "transaction.changed__closed": asked("16776"),
    "transaction.changed__without_data": asked("16777"),
    "transaction.removed__deleted": asked("16778"),
    "transaction.changed__no_number": Unrecognised("object_id"),
    "transaction.changed__dated_in_words": Unrecognised("time"),
    "test__console": IGNORED,
    "application.added__token": IGNORED,
    "application.removed__gone": IGNORED,
    "stock.changed__sold": IGNORED,
    "incoming_order.changed__accepted": UNSUPPORTED,
    "client.changed__later": UNSUPPORTED,
    "transaction.read__open": [OPEN],
    "transaction.read__closed": [CLOSED],
    "transaction.read__changed": [
        replace(
            CLOSED,
            money=Money(payments=(paid("card", "payed_card", "620"),)),
            customer=CustomerLink(customer=Mention(external_id="84", name="Анна Иванова")),
        )
    ],
    "transaction.read__deleted": [
        replace(
            CLOSED,
            **unclosed("16778", "voided", "660", CLOSED_AT),
            lines=(unpaid(CUPS), unpaid(BUN)),
            money=Money(payments=(paid("cash", "payed_cash", "620", status="cancelled"),)),
        )
    ],
    # Nobody paid: all of it is off.
    "transaction.read__on_the_house": [
        replace(
            CLOSED,
            **closed("16779", gross_total=D(220), discount_total=D(220), total=D(0)),
            lines=(replace(BUN, discount=D(220), total=D(0)),),
            money=Money(),
        )
    ],
    # 20 in points: whether the lines' 620 are with or without them is not said.
    "transaction.read__points_and_certificate": [
        replace(
            CLOSED,
            **closed(
                "16780",
                discount_total=None,
                total=D(600),
                discounts=(Discount(percent=D(5)), Discount(kind="loyalty", amount=D(20))),
            ),
            money=Money(
                payments=(
                    paid("cash", "payed_cash", "300"),
                    paid("gift_card", "payed_cert", "300"),
                )
            ),
        )
    ],
    "transaction.read__delivery_with_vat": [DELIVERY],
    "transaction.read__older_form": [OLDER],
    "transaction.read__same_sale": [SAME],
    "transaction.read__online_waiting": [
        replace(OPEN, **unclosed("16783", "open", "220"), lines=None)
    ],
    "transaction.read__online_cancelled": [
        replace(OPEN, **unclosed("16784", "voided", "220"), lines=(unpaid(BUN),))
    ],
    "transaction.read__new_status": Unrecognised("answers[0].response[0].status"),
    "transaction.read__sum_of_words": Unrecognised("answers[0].response[0].sum"),
    "transaction.read__negative": Unrecognised("answers[0].response[0].payed_cash"),
    "transaction.read__two_cheques": Unrecognised("answers"),
    # 17:59:58, when it was asked for and is dated, to the end of that second.
    "transaction.missing__no_cheque": [
        SaleDraft(
            external_id="16790",
            version=Version(Rank.FULL, SENT + 999_999, SENT, OrderedBy.READ),
            gone=True,
        )
    ],
    "transaction.listed__page": [Read("transaction", "16777"), Read("transaction", "16776")],
}


@pytest.mark.parametrize("name", sorted(samples.load("poster")))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, samples.load("poster")[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted(samples.load_answers("poster")))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, samples.load_answers("poster")[name]) == CASES[name]


def test_two_actions_of_one_second_are_two_events_and_a_repeat_is_none() -> None:
    recorded = samples.load("poster")
    names = ("transaction.changed__closed", "transaction.removed__deleted")
    events = [
        PROVIDER.split(samples.signed(recorded[name], PROVIDER))[0] for name in (*names, *names)
    ]

    assert [event.key for event in events] == [
        "transaction:16776:1789387724:changed",
        "transaction:16778:1789388000:removed",
    ] * 2
    assert {event.merchant for event in events} == {"mykava6"}
