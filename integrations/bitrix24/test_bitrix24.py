"""What a portal of Bitrix24 states, worked out by hand from recorded forms and answers.

Order 412 of a coffee bar on 14 September 2026: two cappuccinos with 20 roubles off each and a
croissant, won at 15:08:44 in Moscow (12:08:44 UTC). The answers were asked for at 17:59:58 UTC.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest

from integrations import samples
from integrations.cases import (
    IGNORED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import PayloadUnrecognised, Read
from sales.drafts import (
    CustomerLink,
    Header,
    Line,
    Mention,
    OrderedBy,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    SaleDraft,
    Version,
)

from . import PROVIDER

SAMPLES = samples.load("bitrix24")
ANSWERS = samples.load_answers("bitrix24")
#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in microseconds.
MIDNIGHT = 20_710 * 86_400 * 1_000_000
#: 17:59:58, when every answer was asked for.
SENT = MIDNIGHT + (17 * 3600 + 59 * 60 + 58) * 1_000_000
MOSCOW = timezone(timedelta(hours=3))


def at(hour: int, minute: int, second: int = 0) -> datetime:
    """Return a time in Moscow, as the portal writes it."""
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=MOSCOW)


def clock(hour: int, minute: int, second: int = 0) -> int:
    """Return a time of Moscow on our clock: three hours earlier in UTC."""
    return MIDNIGHT + (((hour - 3) * 60 + minute) * 60 + second) * 1_000_000


def modified(hour: int, minute: int, second: int = 0) -> Version:
    return Version(Rank.FULL, clock(hour, minute, second), SENT)


AS_READ = Version(Rank.FULL, SENT, 0, OrderedBy.READ)
#: The answer's second to its end: nothing of that second outlives it.
ABSENT = Version(Rank.FULL, SENT + 999_999, SENT, OrderedBy.READ)
ANNA = Read("contact", "84")

# 2 × 220 = 440, 2 × 200 = 400 to pay: 40 off. Without VAT: 400 − 2 × 200 = 0 of tax.
CAPPUCCINO = Line(
    key="1182",
    product=Mention(external_id="321", name="Капучино 300 мл"),
    name="Капучино 300 мл",
    unit="шт",
    quantity=D(2),
    unit_price=D(220),
    gross=D("440.00"),
    discount=D("40.00"),
    total=D("400.00"),
    tax_code="none",
    tax_amount=D("0.00"),
    tax_included=True,
)
CROISSANT = replace(
    CAPPUCCINO,
    key="1183",
    product=Mention(external_id="322", name="Круассан"),
    name="Круассан",
    quantity=D(1),
    gross=D("220.00"),
    discount=D("0.00"),
    total=D("220.00"),
)
# 440 + 220 = 660, less 40 + 0 = 620.
WON = Header(
    kind="deal",
    status="completed",
    number="Заказ 412",
    occurred_at=at(15, 8, 44),
    provider_at=at(14, 51, 2),
    utc_offset=180,
    business_date=date(2026, 9, 14),
    currency="RUB",
    employee=Mention(external_id="1"),
    channel="crm",
    tax_included=True,
    gross_total=D("660.00"),
    discount_total=D("40.00"),
    tax_total=D("0.00"),
    total=D("620.00"),
)
OPEN = replace(WON, status="open", occurred_at=at(14, 51, 2), business_date=None)


def deal(
    header: Header,
    version: Version,
    *lines: Line,
    name: str = "6641",
    contact: str | None = "84",
) -> list[Any]:
    customer = CustomerLink(customer=Mention(external_id=contact) if contact else None)
    stated: list[Any] = [
        SaleDraft(external_id=name, version=version, header=header, customer=customer),
        SaleDraft(external_id=name, version=AS_READ, lines=lines),
    ]
    return [*stated, Read("contact", contact)] if contact else stated


def without_sums(header: Header, total: D | None) -> Header:
    return replace(
        header,
        total=total,
        tax_included=None,
        gross_total=None,
        discount_total=None,
        tax_total=None,
    )


def espresso(number: int) -> Line:
    return replace(
        CAPPUCCINO,
        key=str(number),
        product=Mention(external_id="321", name="Эспрессо"),
        name="Эспрессо",
        quantity=D(1),
        unit_price=D(10),
        gross=D("10.00"),
        discount=D("0.00"),
        total=D("10.00"),
    )


HINT = [Read("deal", "6641", settle=10.0)]

CASES: dict[str, Case] = {
    "ONAPPINSTALL__installed": IGNORED,
    "ONAPPTEST__probe": IGNORED,
    "ONAPPUNINSTALL__removed": IGNORED,
    "ONCRMCOMPANYUPDATE__later": UNSUPPORTED,
    "ONCRMCONTACTADD__new": [ANNA],
    "ONCRMCONTACTUPDATE__phone": [ANNA],
    # Sent at 14:08:46 UTC, which is 17:08:46 in Moscow, to the end of that second.
    "ONCRMCONTACTDELETE__deleted": [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id="84",
            version=Version(Rank.FULL, clock(17, 8, 46) + 999_999),
            gone=True,
        )
    ],
    "ONCRMDEALADD__open": HINT,
    "ONCRMDEALUPDATE__won": HINT,
    "ONCRMDEALUPDATE__another_won": [Read("deal", "6652", settle=10.0)],
    "ONCRMDEALMOVETOCATEGORY__moved": HINT,
    "ONCRMDEALDELETE__deleted": [
        SaleDraft(
            external_id="6641",
            version=Version(Rank.FULL, clock(16, 8, 46) + 999_999),
            gone=True,
        )
    ],
    "ONCRMDEALUPDATE__as_json": Unrecognised("event"),
    "ONCRMDEALUPDATE__no_number": Unrecognised("data.FIELDS.ID"),
    "ONCRMDEALUPDATE__not_utf8": Unrecognised("data.FIELDS.TITLE"),
    "ONCRMDEALUPDATE__undated": Unrecognised("ts"),
    "ONCRMDEALUPDATE__without_number": Unrecognised("data"),
    "deal.read__won": deal(WON, modified(15, 8, 44), CAPPUCCINO, CROISSANT),
    # No word of when it was won: the day is CLOSEDATE's all the same.
    "deal.read__won_without_moved_time": deal(
        replace(WON, occurred_at=at(14, 51, 2)), modified(15, 8, 44), CAPPUCCINO, CROISSANT
    ),
    # The sum was overwritten by hand: 660 stands, 40 more than the rows say.
    "deal.read__changed_after_won": deal(
        replace(WON, total=D("660.00")), modified(16, 0), CAPPUCCINO, CROISSANT
    ),
    "deal.read__reopened": deal(OPEN, modified(16, 30), CAPPUCCINO, CROISSANT),
    "deal.read__lost": deal(replace(OPEN, status="voided"), modified(17, 0), CAPPUCCINO, CROISSANT),
    "deal.read__open_without_rows": deal(
        replace(
            without_sums(OPEN, D("0.00")),
            number=None,
            occurred_at=at(14, 0),
            provider_at=at(14, 0),
            currency="KZT",
            employee=Mention(external_id="7"),
        ),
        modified(14, 0),
        name="6650",
        contact=None,
    ),
    # An answer without CONTACT_ID states nothing of the customer, one without a sum no sum.
    "deal.read__planned_day_to_come": [
        SaleDraft(
            external_id="6651",
            version=modified(15, 8, 44),
            header=replace(without_sums(WON, None), business_date=None),
        ),
        SaleDraft(external_id="6651", version=AS_READ, lines=()),
    ],
    # 3 × 1800 = 5400, 3 × 1770 = 5310: 90 off, and 5310 − 3 × 1500 = 810 of VAT (18 % of 4500).
    # Delivery was raised from 50 to 60: 60 is its price; 60 − 52.86 = 7.14 of tax.
    # 5400 + 60 = 5460, less 90 = 5370; 810 + 7.14 = 817.14.
    "deal.read__with_vat": deal(
        replace(
            WON,
            gross_total=D("5460.00"),
            discount_total=D("90.00"),
            tax_total=D("817.14"),
            total=D("5370.00"),
        ),
        modified(15, 8, 44),
        replace(
            CAPPUCCINO,
            key="1190",
            kind="service",
            product=Mention(external_id="330", name="Кофемашина, аренда"),
            name="Кофемашина, аренда",
            quantity=D(3),
            unit_price=D(1800),
            gross=D("5400.00"),
            discount=D("90.00"),
            total=D("5310.00"),
            tax_code="18",
            tax_rate=D(18),
            tax_amount=D("810.00"),
        ),
        replace(
            CAPPUCCINO,
            key="1191",
            product=None,
            name="Доставка",
            quantity=D(1),
            unit_price=D(60),
            gross=D("60.00"),
            discount=D("0.00"),
            total=D("60.00"),
            tax_code="other",
            tax_rate=D("13.5"),
            tax_amount=D("7.14"),
        ),
        name="6652",
        contact=None,
    ),
    # 51 rows were promised on the first page and 1 on the second: they say nothing of the deal.
    "deal.read__rows_changed_meanwhile": [
        SaleDraft(
            external_id="6641",
            version=modified(15, 8, 44),
            header=without_sums(WON, D("620.00")),
            customer=CustomerLink(customer=Mention(external_id="84")),
        ),
        ANNA,
    ],
    # 51 × 10 = 510.
    "deal.read__two_pages": deal(
        replace(WON, gross_total=D("510.00"), discount_total=D("0.00"), total=D("510.00")),
        modified(15, 8, 44),
        *(espresso(number) for number in range(2000, 2051)),
        name="6653",
        contact=None,
    ),
    # 2 × 150 + 120 = 420; a tenth off each: 30 + 12 = 42; 270 + 108 = 378.
    "deal.read__same_sale": deal(
        replace(
            WON,
            number="Заказ 700",
            gross_total=D("420.00"),
            discount_total=D("42.00"),
            total=D("378.00"),
        ),
        modified(15, 8, 44),
        replace(
            CAPPUCCINO,
            key="1201",
            product=Mention(external_id="321", name="Кофе"),
            name="Кофе",
            unit_price=D(150),
            gross=D("300.00"),
            discount=D("30.00"),
            total=D("270.00"),
        ),
        replace(
            CROISSANT,
            key="1202",
            unit_price=D(120),
            gross=D("120.00"),
            discount=D("12.00"),
            total=D("108.00"),
        ),
        name="6700",
    ),
    "deal.read__unknown_group": Unrecognised("answers[0].result.STAGE_SEMANTIC_ID"),
    "deal.read__negative_price": Unrecognised("answers[1].result.productRows[0].price"),
    "deal.missing__not_found": [SaleDraft(external_id="6641", version=ABSENT, gone=True)],
    "deal.listed__page": [
        Read("deal", "6641", clock=clock(15, 8, 44)),
        Read("deal", "6650", clock=clock(14, 0)),
    ],
    "contact.read__full": [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id="84",
            version=modified(15, 8, 51),
            content={
                "name": "Анна Иванова",
                "phone": "+7 900 000-00-01",
                "email": "anna@example.org",
            },
        )
    ],
    "contact.read__bare": [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id="85",
            version=modified(14, 50, 56),
            content={"name": None, "phone": None, "email": None},
        )
    ],
    "contact.missing__not_found": [
        ReferenceDraft(kind=ReferenceKind.CUSTOMER, external_id="84", version=ABSENT, gone=True)
    ],
}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_the_key_is_what_was_said_of_which_deal_and_when() -> None:
    (event,) = PROVIDER.split(samples.signed(SAMPLES["ONCRMDEALUPDATE__won"], PROVIDER))

    assert event.key == "ONCRMDEALUPDATE:6641:1789387726"
    assert event.merchant == "a223c6b3710f85df22e9377d6c4f7553"
    assert event.occurred_at == datetime(2026, 9, 14, 12, 8, 46, tzinfo=UTC)


@pytest.mark.parametrize(
    ("portal", "accepted"),
    [("some-domain.bitrix24.ru", True), ("other.bitrix24.ru", False), (None, True)],
)
def test_an_event_of_another_portal_is_a_dead_letter_that_names_it(
    portal: str | None, accepted: bool
) -> None:
    (event,) = PROVIDER.split(samples.signed(SAMPLES["ONCRMDEALUPDATE__won"], PROVIDER))
    context = replace(context_of(PROVIDER), settings={"portal": portal} if portal else {})

    if accepted:
        assert PROVIDER.normalisers[event.type](event, context) == tuple(HINT)
    else:
        with pytest.raises(PayloadUnrecognised, match=r"auth\.domain: not other\.bitrix24\.ru"):
            PROVIDER.normalisers[event.type](event, context)


def test_an_older_answer_does_not_go_behind_what_was_known_when_it_was_asked_for() -> None:
    known = clock(18, 0)

    stated = outcome_of_answer(PROVIDER, ANSWERS["deal.read__won"], over=known)

    assert isinstance(stated, list)
    assert stated[0].version == Version(Rank.FULL, known, SENT)
