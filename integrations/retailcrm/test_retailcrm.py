"""What each recorded request and answer must become; worked out by hand from the texts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal as D
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrations import answers, samples
from integrations.cases import (
    IGNORED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import Answered, Delivery, Read
from integrations.samples import SENT
from sales.drafts import (
    CustomerLink,
    Header,
    Line,
    Mention,
    Money,
    OrderedBy,
    Payment,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    SaleDraft,
    Version,
)

from . import PROVIDER

SAMPLES, ANSWERS = samples.load("retailcrm"), samples.load_answers("retailcrm")
READ = Version(Rank.FULL, SENT, 0, OrderedBy.READ)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=ZoneInfo("Europe/Moscow"))


def clock(hour: int, minute: int, second: int = 0) -> int:
    """Microseconds of Moscow time on 14 September 2026, 20 710 days after 1970."""
    return (20_710 * 86_400 + (hour - 3) * 3_600 + minute * 60 + second) * 1_000_000


COFFEE = Line(
    key="11301",
    product=Mention(external_id="61121", name="Кофе в зёрнах, 250 г"),
    name="Кофе в зёрнах, 250 г",
    sku="C-250",
    quantity=D(2),
    unit_price=D(250),
    # 2 × 250 = 500; 2 × 25.5 = 51 off; 449 left
    gross=D("500.00"),
    discount=D("51.00"),
    total=D("449.00"),
    tax_code="none",
)
CARD = Line(
    key="11302",
    name="Открытка",
    quantity=D(1),
    unit_price=D(120),
    gross=D("120.00"),
    discount=D("0.00"),
    total=D("120.00"),
    tax_code="20",
    tax_rate=D(20),
)
PAID = Payment(
    external_id="4554",
    method="card",
    amount=D("500.00"),
    currency="RUB",
    provider_method="bank-card",
    paid_at=at(14, 5, 6),
)
OWED = Payment(
    external_id="4555",
    method="other",
    status="pending",
    amount=D("369.00"),
    currency="RUB",
    provider_method="podeli",
)
HEADER = Header(
    kind="deal",
    number="412C",
    occurred_at=at(15, 8, 44),
    provider_at=at(9, 37, 48),
    currency="RUB",
    location=Mention(external_id="shop-1"),
    employee=Mention(external_id="28"),
    channel="crm",
    # 500 + 120 = 620; 51 + 0; 620 − 51 + 300 = 869
    gross_total=D("620.00"),
    discount_total=D("51.00"),
    delivery_total=D("300.00"),
    total=D("869.00"),
)
WON = SaleDraft(
    external_id="5012",
    version=READ,
    header=HEADER,
    lines=(COFFEE, CARD),
    money=Money(payments=(PAID, OWED)),
    customer=CustomerLink(customer=Mention(external_id="4924")),
)
ANNA = ReferenceDraft(
    kind=ReferenceKind.CUSTOMER,
    external_id="4924",
    version=READ,
    content={"name": "Иванова Анна", "phone": "+79000000001", "email": "anna@example.org"},
)


def order(number: str = "5012", *, header: Mapping[str, Any], **draft: Any) -> SaleDraft:
    return replace(WON, external_id=number, header=replace(HEADER, **header), **draft)


NOTHING = dict.fromkeys(("gross_total", "discount_total"), D("0.00"))
ASKED = [Read("order", "5012", settle=10.0)]
GONE = SaleDraft(
    external_id="5012",
    # To the end of the second of the answer's own date.
    version=Version(Rank.FULL, SENT + 999_999, SENT, OrderedBy.READ),
    gone=True,
)
CASES: dict[str, Case] = {
    "order__won": ASKED,
    "order__changed": ASKED,
    "order__by_get": ASKED,
    "order__as_json": ASKED,
    "order__external_alone": [Read("order_by_external_id", "А-1042/7", settle=10.0)],
    "order__without_number": Unrecognised("id"),
    "order__number_of_words": Unrecognised("id"),
    "order__id_twice": Unrecognised("id"),
    "order__not_utf8": Unrecognised("status"),
    "customer__later": UNSUPPORTED,
    "ping__by_hand": IGNORED,
    "order.read__won": [WON, ANNA],
    # No longer won, so dated by its creation; the coffee is gone, and 120 + 300 are owed in cash.
    "order.read__changed": [
        order(
            header={
                "status": "open",
                "occurred_at": at(9, 37, 48),
                "gross_total": D("120.00"),
                "discount_total": D("0.00"),
                "total": D("420.00"),
            },
            lines=(CARD,),
            money=Money(
                payments=(
                    replace(
                        OWED,
                        external_id="4554",
                        method="cash",
                        provider_method="cash",
                        amount=D("420.00"),
                    ),
                )
            ),
        ),
        ANNA,
    ],
    "order.read__bare": [
        order(
            "5013",
            header={
                "status": "open",
                "number": "413C",
                "occurred_at": at(9, 37, 48),
                "location": None,
                "employee": None,
                "delivery_total": None,
                "total": None,
                **NOTHING,
            },
            lines=(),
            money=Money(),
            customer=CustomerLink(customer=None),
        )
    ],
    # A company is linked, and not stated: its people are contacts of their own.
    "order.read__of_a_company": [
        order(
            "5014",
            header={"delivery_total": None, "total": D("0.00"), **NOTHING},
            lines=(),
            money=Money(),
            customer=CustomerLink(customer=Mention(external_id="77")),
        )
    ],
    "order.read__total_of_words": Unrecognised("answers[0].order.totalSumm"),
    # 2 × 150 + 120 = 420; 2 × 15 + 12 = 42
    "order.read__same_sale": [
        order(
            "5020",
            header={
                "number": "420C",
                "provider_at": at(12, 0),
                "gross_total": D("420.00"),
                "discount_total": D("42.00"),
                "delivery_total": None,
                "total": D("378.00"),
            },
            lines=(
                replace(
                    COFFEE,
                    key="1",
                    product=Mention(external_id="101", name="Кофе"),
                    name="Кофе",
                    sku=None,
                    unit_price=D(150),
                    gross=D("300.00"),
                    discount=D("30.00"),
                    total=D("270.00"),
                ),
                replace(
                    CARD,
                    key="2",
                    product=Mention(external_id="102", name="Круассан"),
                    name="Круассан",
                    discount=D("12.00"),
                    total=D("108.00"),
                    tax_code="none",
                    tax_rate=None,
                ),
            ),
            money=Money(
                payments=(
                    replace(
                        PAID,
                        external_id="1",
                        method="cash",
                        provider_method="cash",
                        amount=D("200.00"),
                        paid_at=at(12, 0),
                    ),
                    replace(PAID, external_id="2", amount=D("178.00"), paid_at=at(12, 0)),
                )
            ),
        ),
        ANNA,
    ],
    "order.missing__not_found": [GONE],
    # As new as the last change of each; a change of a customer names no order.
    "order.listed__page": [
        Read("order", "5012", clock=clock(15, 8, 44)),
        Read("order", "5013", clock=clock(15, 5)),
        Read("order", "5011", clock=clock(15, 10), deleted=True),
    ],
    "order_by_external_id.read__won": [WON, ANNA],
    "order_by_external_id.missing__not_found": IGNORED,
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    answered = name in ANSWERS
    found = (
        outcome_of_answer(PROVIDER, ANSWERS[name]) if answered else outcome(PROVIDER, SAMPLES[name])
    )

    assert found == CASES[name]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ({}, "completed"),
        ({"won": ["paid", "complete"]}, "completed"),
        ({"won": ["paid"]}, "open"),
        ({"won": ["paid"], "lost": ["complete"]}, "voided"),
    ],
)
def test_which_statuses_are_won_and_lost_is_the_merchants_to_say(
    statuses: Mapping[str, Any], status: str
) -> None:
    (event,) = answers.split(samples.answered(ANSWERS["order.read__won"]))
    context = replace(context_of(PROVIDER), settings=statuses)

    sale, _ = PROVIDER.normalisers["order.read"](event, context) or ()

    assert isinstance(sale, SaleDraft)
    assert sale.header is not None
    assert sale.header.status == status


def key(body: bytes = b"", query: str = "") -> str:
    (event,) = PROVIDER.split(Delivery("POST", "", query, {}, body, ""))
    return event.key


def test_a_request_is_known_by_what_the_template_says_and_by_nothing_else() -> None:
    told = key(b"id=5012&status=complete&at=1&secret=one")

    assert key(b"id=5012&status=complete&at=1&secret=another&prevStatus=new") == told
    assert key(query="id=5012&status=complete&at=1") == told
    assert key(b"id=5012&status=complete&at=2") != told
    assert key(b"id=5012&status=new&at=1") != told
    assert key(b"event=customer&id=5012&status=complete&at=1") != told


def test_a_change_that_seems_to_come_is_as_of_the_question() -> None:
    (event,) = answers.split(samples.answered(ANSWERS["order.listed__page"]))
    context = replace(
        context_of(PROVIDER), timezone="America/Los_Angeles", answered=Answered(SENT, SENT)
    )

    reads = PROVIDER.normalisers["order.listed"](event, context) or ()

    # Ten hours behind Moscow, all of it seems to have been after 22:00 UTC.
    assert {read.clock for read in reads if isinstance(read, Read)} == {SENT}
