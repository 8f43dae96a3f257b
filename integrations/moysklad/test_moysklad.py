"""What notices and answers of MoySklad state, worked out by hand from their texts.

One day of a coffee shop, 14 September 2026, Moscow time (three hours east): two cappuccinos, a
croissant, 9.0909091 % off the cups, the croissant given back. Amounts are floats of kopecks.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

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
from integrations.contract import Delivery, Read
from integrations.samples import SENT
from sales.drafts import (
    CustomerLink,
    Fiscal,
    Header,
    Line,
    Mention,
    Money,
    OrderedBy,
    Payment,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    RefundDraft,
    RefundLine,
    SaleDraft,
    Version,
)

from . import PROVIDER
from .payload import split


def uid(tail: str) -> str:
    return f"0b71daec-9157-11f1-0a80-0f1a0000{tail}"


def at(hour: int, minute: int, second: int = 0, millis: int = 0) -> datetime:
    """Return a moment of that day; the hours are those of UTC, three less than in the texts."""
    return datetime(2026, 9, 14, hour, minute, second, millis * 1000, UTC)


#: Midnight of the day in microseconds: 20 710 days × 86 400 s = 1 789 344 000 s.
MIDNIGHT = 1_789_344_000_000_000


def clock(hour: int, minute: int, second: int = 0, millis: int = 0) -> int:
    return MIDNIGHT + ((hour * 60 + minute) * 60 + second) * 1_000_000 + millis * 1000


def answered(hour: int, minute: int, second: int = 0, millis: int = 0) -> Version:
    return Version(Rank.FULL, clock(hour, minute, second, millis), SENT)


#: 17:59:58, when every answer was asked for and is dated, to the end of that second.
ABSENT = Version(Rank.FULL, clock(17, 59, 58) + 999_999, SENT, OrderedBy.READ)

SHOP = Mention(external_id="851f8576-f504-11e5-8a84-bae50000016c", name="Кофейня на Мясницкой")
CASHIER = Mention(external_id="faba7f37-2e58-11e6-8a84-bae500000028", name="Петрова А.")
SHIFT = "0b2b2caf-055e-11e6-9464-e4de0000007c"
WALK_IN = CustomerLink(customer=Mention(external_id="8518d001-f504-11e5-8a84-bae50000016a"))
ANNA = "8518d001-f504-11e5-8a84-bae500000777"
CAPPUCCINO = Mention(external_id="4f8a2c11-7d52-11e4-7a40-e89700000a01", name="Капучино 300 мл")
CROISSANT = Mention(external_id="4f8a2c11-7d52-11e4-7a40-e89700000a02", name="Круассан (миндаль)")
CAKE = Mention(external_id="4f8a2c11-7d52-11e4-7a40-e89700000a03", name="Чизкейк весовой")
PACKING = Mention(external_id="4f8a2c11-7d52-11e4-7a40-e89700000a04", name="Упаковка")

# 2 × 22 000 kopecks are 440.00; less 9.0909091 % are 399.99999996, which is 400.00.
CUPS = Line(
    key=uid("b011"),
    product=CAPPUCCINO,
    name="Капучино 300 мл",
    sku="101",
    barcode="2000000000015",
    category="Напитки/Кофе",
    quantity=D(2),
    unit_price=D(220),
    gross=D("440.00"),
    discount=D("40.00"),
    total=D("400.00"),
    tax_code="none",
    tax_amount=D("0.00"),
)
BUN = Line(
    key=uid("b012"),
    product=CROISSANT,
    name="Круассан (миндаль)",
    sku="00102",
    quantity=D(1),
    unit_price=D(220),
    gross=D("220.00"),
    discount=D("0.00"),
    total=D("220.00"),
    tax_code="none",
    tax_amount=D("0.00"),
)
PRINTED = Fiscal(
    fn="9282000100000001",
    fd="1042",
    fp="0712345678",  # a text: the zero belongs to it
    kkt_reg="0000000001012345",
    printed_at=at(12, 8, 44),
    operation=1,
    tax_system="PATENT_BASED",
)
CASH = Payment(
    method="cash",
    provider_method="cashSum",
    amount=D("620.00"),
    currency="RUB",
    paid_at=at(12, 8),
)
# 440 + 220 = 660, less 40 is 620.
HEADER = Header(
    number="00042",
    occurred_at=at(12, 8),
    provider_at=at(12, 8, 50, 990),
    currency="RUB",
    location=SHOP,
    employee=CASHIER,
    shift_id=SHIFT,
    shift_number="00012",
    gross_total=D("660.00"),
    discount_total=D("40.00"),
    tax_total=D("0.00"),
    total=D("620.00"),
    fiscal=(PRINTED,),
)
SALE = SaleDraft(
    external_id=uid("b001"),
    version=answered(12, 8, 51, 204),
    header=HEADER,
    lines=(CUPS, BUN),
    money=Money(payments=(CASH,)),
    customer=WALK_IN,
)
WITHOUT_BUN = replace(
    SALE,
    version=answered(12, 31, 5),
    header=replace(HEADER, gross_total=D("440.00"), discount_total=D("40.00"), total=D("400.00")),
    lines=(CUPS,),
    money=Money(payments=(replace(CASH, amount=D("400.00")),)),
)
NOT_POSTED = replace(
    SALE,
    external_id=uid("b003"),
    header=replace(HEADER, number="00043", status="voided"),
    money=Money(payments=(replace(CASH, status="pending"),)),
)
NOTHING_EXPANDED = replace(
    SALE,
    external_id=uid("b006"),
    header=replace(
        HEADER,
        number="00046",
        location=replace(SHOP, name=None),
        employee=replace(CASHIER, name=None),
        shift_number=None,
        fiscal=(),
    ),
    lines=tuple(
        replace(
            line,
            product=Mention(external_id=line.product.external_id),
            name=None,
            sku=None,
            barcode=None,
            category=None,
        )
        for line in (CUPS, BUN)
        if line.product
    ),
)

# A mark-up of 10 %: 220 × 1.1 = 242. 0.35 × 899.90 = 314.965, rounded 314.97. 12 550.5 kopecks are
# 125.505, rounded 125.51. Together 682.48, where MoySklad says 682.47: its total stands.
# VAT inside: 242 × 22/122 = 43.64, 314.97 × 10/110 = 28.63, together 72.27 as stated.
# Paid: 82.47 by card and 600.00 in advance, of which 500.00 by a certificate: 100.00 are left.
CERTIFICATE = SaleDraft(
    external_id=uid("b004"),
    version=answered(12, 40, 12),
    header=replace(
        HEADER,
        number="00044",
        occurred_at=at(12, 40, 10),
        tax_included=True,
        gross_total=D("682.48"),
        discount_total=D("0.00"),
        tax_total=D("72.27"),
        total=D("682.47"),
        fiscal=(
            replace(
                PRINTED,
                fd="1045",
                fp="3019284513",
                shift="12",
                receipt_no="28",
                printed_at=at(12, 40, 11),
                tax_system="GENERAL_TAX_SYSTEM",
                total=D("682.47"),
            ),
        ),
    ),
    lines=(
        replace(
            CUPS,
            key=uid("b041"),
            quantity=D(1),
            unit_price=D(242),
            gross=D("242.00"),
            discount=D("0.00"),
            total=D("242.00"),
            tax_code="22",
            tax_rate=D(22),
            tax_amount=None,
            tax_included=True,
        ),
        Line(
            key=uid("b042"),
            product=CAKE,
            name="Чизкейк весовой",
            sku="00103",
            quantity=D("0.35"),
            unit_price=D("899.9"),
            gross=D("314.97"),
            discount=D("0.00"),
            total=D("314.97"),
            tax_code="10",
            tax_rate=D(10),
            tax_included=True,
        ),
        Line(
            key=uid("b043"),
            kind="service",
            product=PACKING,
            name="Упаковка",
            sku="00104",
            quantity=D(1),
            unit_price=D("125.505"),
            gross=D("125.51"),
            discount=D("0.00"),
            total=D("125.51"),
            tax_code="0",  # VAT of 0 %, which is not «без НДС»
            tax_rate=D(0),
            tax_amount=D("0.00"),
            tax_included=True,
        ),
    ),
    money=Money(
        payments=tuple(
            replace(
                CASH, method=method, provider_method=slot, amount=amount, paid_at=at(12, 40, 10)
            )
            for method, slot, amount in (
                ("card", "noCashSum", D("82.47")),
                ("advance", "advancePaymentSum", D("100.00")),
                ("gift_card", "giftCards", D("500.00")),
            )
        )
    ),
    customer=CustomerLink(customer=Mention(external_id=ANNA)),
)
CUSTOMER = ReferenceDraft(
    kind=ReferenceKind.CUSTOMER,
    external_id=ANNA,
    # 1 September 10:00:00.500 in Moscow is 07:00:00.500: thirteen days before.
    version=Version(Rank.FULL, clock(7, 0, 0, 500) - 13 * 86_400_000_000, SENT),
    content={"name": "Анна Н.", "phone": "+7 900 000-00-07", "email": "anna@example.com"},
)

# 22 000.00000000004 kopecks are 220.00: a float, no part of a kopeck.
QR = SaleDraft(
    external_id=uid("b007"),
    version=answered(12, 45),
    header=replace(
        HEADER,
        number="00047",
        occurred_at=at(12, 44, 59),
        gross_total=D("220.00"),
        discount_total=D("0.00"),
        total=D("220.00"),
        fiscal=(),
    ),
    lines=(replace(BUN, key=uid("b071")),),
    money=Money(
        payments=(
            replace(
                CASH,
                method="sbp",
                provider_method="qrSum",
                amount=D("200.00"),
                paid_at=at(12, 44, 59),
            ),
            replace(
                CASH,
                method="prepaid",
                provider_method="prepaymentQrSum",
                amount=D("20.00"),
                paid_at=at(12, 44, 59),
            ),
        )
    ),
    customer=WALK_IN,
)
# The third position, another croissant, is on the second page: 440 + 220 + 220 = 880, less 40.
TWO_PAGES = replace(
    SALE,
    header=replace(HEADER, gross_total=D("880.00"), total=D("840.00")),
    lines=(CUPS, BUN, replace(BUN, key=uid("b013"))),
    money=Money(payments=(replace(CASH, amount=D("840.00")),)),
)
POSITIONS_CUT = replace(
    TWO_PAGES,
    header=replace(HEADER, gross_total=None, discount_total=None, total=D("840.00")),
    lines=None,
)
# 10 % off everything: 300 − 30 = 270 and 120 − 12 = 108, together 378 of 420; 200 in cash, 178
# by card.
SAME_SALE = SaleDraft(
    external_id=uid("b0aa"),
    version=answered(9, 0, 5),
    header=replace(
        HEADER,
        number="00100",
        occurred_at=at(9, 0),
        provider_at=at(9, 0, 4),
        gross_total=D("420.00"),
        discount_total=D("42.00"),
        total=D("378.00"),
        fiscal=(replace(PRINTED, fd="2001", fp="0000002001", printed_at=at(9, 0, 2)),),
    ),
    lines=(
        replace(
            CUPS,
            key=uid("baa1"),
            product=replace(CAPPUCCINO, name="Кофе"),
            name="Кофе",
            unit_price=D(150),
            gross=D("300.00"),
            discount=D("30.00"),
            total=D("270.00"),
        ),
        replace(
            BUN,
            key=uid("baa2"),
            product=replace(CROISSANT, name="Круассан"),
            name="Круассан",
            unit_price=D(120),
            gross=D("120.00"),
            discount=D("12.00"),
            total=D("108.00"),
        ),
    ),
    money=Money(
        payments=(
            replace(CASH, amount=D("200.00"), paid_at=at(9, 0)),
            replace(
                CASH,
                method="card",
                provider_method="noCashSum",
                amount=D("178.00"),
                paid_at=at(9, 0),
            ),
        )
    ),
    customer=WALK_IN,
)

# A position of a return names no line of the sale.
BUN_BACK = RefundLine(
    product=CROISSANT,
    name="Круассан (миндаль)",
    quantity=D(1),
    total=D("220.00"),
    tax=D("0.00"),
)
CUPS_BACK = replace(
    BUN_BACK, product=CAPPUCCINO, name="Капучино 300 мл", quantity=D(2), total=D("400.00")
)
PARTIAL = RefundDraft(
    external_id=uid("c001"),
    version=answered(12, 20, 33, 415),
    content=Refund(
        total=D("220.00"),
        currency="RUB",
        occurred_at=at(12, 20),
        provider_at=at(12, 20, 32),
        sale_external_id=uid("b001"),
        number="00007",
        tax_total=D("0.00"),
        lines=(BUN_BACK,),
        payments=(replace(CASH, amount=D("220.00"), paid_at=at(12, 20)),),
        location=SHOP,
        employee=CASHIER,
        shift_id=SHIFT,
        shift_number="00012",
    ),
)


def returned(tail: str, version: Version, **changed: object) -> RefundDraft:
    content = replace(PARTIAL.content, **changed)  # type: ignore[type-var]
    return RefundDraft(external_id=uid(tail), version=version, content=content)


FULL = returned(
    "c002",
    answered(12, 50),
    total=D("620.00"),
    occurred_at=at(12, 49),
    number="00008",
    lines=(CUPS_BACK, BUN_BACK),
    payments=(replace(CASH, paid_at=at(12, 49)),),
)
# VAT inside: 220 × 10/110 = 20.00 of the whole; the position states none.
WITHOUT_SALE = returned(
    "c003",
    answered(12, 55),
    sale_external_id=None,
    occurred_at=at(12, 54),
    number="00009",
    tax_total=D("20.00"),
    lines=(replace(BUN_BACK, tax=None),),
    payments=(
        replace(
            CASH,
            method="card",
            provider_method="noCashSum",
            amount=D("220.00"),
            paid_at=at(12, 54),
        ),
    ),
)
RETURN_NOT_POSTED = returned(
    "c001",
    answered(12, 58),
    status="pending",
    payments=(replace(CASH, amount=D("220.00"), status="pending", paid_at=at(12, 20)),),
)
# The croissant of 120.00 less 10 %.
SAME_SALE_BACK = returned(
    "c0aa",
    answered(9, 30, 5),
    total=D("108.00"),
    occurred_at=at(9, 30),
    provider_at=at(9, 30, 4),
    sale_external_id=uid("b0aa"),
    number="00101",
    lines=(
        replace(
            BUN_BACK,
            product=replace(CROISSANT, name="Круассан"),
            name="Круассан",
            total=D("108.00"),
        ),
    ),
    payments=(replace(CASH, amount=D("108.00"), paid_at=at(9, 30)),),
)

# 16:00:05 and 16:10:00 in Moscow, to the last microsecond of their seconds.
SALE_GONE = Version(Rank.FULL, clock(13, 0, 5) + 999_999)
RETURN_GONE = Version(Rank.FULL, clock(13, 10) + 999_999)

CASES: dict[str, Case] = {
    "customerorder.create__wholesale": UNSUPPORTED,
    "empty__no_events": IGNORED,
    "product.update__directory": UNSUPPORTED,
    "retaildemand.create__batch": [
        Read("retaildemand", uid("b001")),
        Read("retaildemand", uid("b002")),
    ],
    # The address leads elsewhere: nobody goes there, the id is asked for at MoySklad.
    "retaildemand.create__elsewhere": [Read("retaildemand", uid("b005"))],
    "retaildemand.create__no_uuid": Unrecognised("event.meta.href"),
    "retaildemand.delete__gone": [
        SaleDraft(external_id=uid("b001"), version=SALE_GONE, gone=True),
        Read("retaildemand", uid("b001"), clock=SALE_GONE.clock, deleted=True),
    ],
    "retaildemand.delete__undated": [Read("retaildemand", uid("b001"), deleted=True)],
    "retaildemand.processed__asynchronous": [Read("retaildemand", uid("b004"))],
    "retaildemand.update__not_posted": [Read("retaildemand", uid("b003"))],
    "retailsalesreturn.create__three_changes": [Read("retailsalesreturn", uid("c001"))] * 3,
    "retailsalesreturn.delete__gone": [
        RefundDraft(external_id=uid("c001"), version=RETURN_GONE, gone=True),
        Read("retailsalesreturn", uid("c001"), clock=RETURN_GONE.clock, deleted=True),
    ],
    "retailshift.create__no_sales": IGNORED,
    "stock__report": IGNORED,
    # --- answers
    "retaildemand.listed__page": [SALE, Read("retaildemand", uid("b008"), clock(12, 8, 51, 204))],
    "retaildemand.missing__gone": [SaleDraft(external_id=uid("b001"), version=ABSENT, gone=True)],
    "retaildemand.read__cash": [SALE],
    "retaildemand.read__changed": [WITHOUT_BUN],
    "retaildemand.read__deleted_between_pages": [POSITIONS_CUT],
    "retaildemand.read__half_off_too_much": Unrecognised("answers[0].positions.rows[0].discount"),
    "retaildemand.read__in_the_bin": [replace(SALE, gone=True)],
    "retaildemand.read__markup_vat_certificate": [CERTIFICATE, CUSTOMER],
    "retaildemand.read__not_posted": [NOT_POSTED],
    "retaildemand.read__nothing_expanded": [NOTHING_EXPANDED],
    "retaildemand.read__part_of_a_kopeck": Unrecognised("answers[0].sum"),
    "retaildemand.read__positions_cut": [POSITIONS_CUT],
    "retaildemand.read__qr": [QR],
    "retaildemand.read__same_sale": [SAME_SALE],
    "retaildemand.read__taken_out_of_the_bin": [replace(SALE, version=answered(13, 20))],
    "retaildemand.read__two_pages": [TWO_PAGES],
    "retailsalesreturn.listed__page": [PARTIAL],
    "retailsalesreturn.missing__gone": [
        RefundDraft(external_id=uid("c001"), version=ABSENT, gone=True)
    ],
    "retailsalesreturn.read__full": [FULL],
    "retailsalesreturn.read__not_posted": [RETURN_NOT_POSTED],
    "retailsalesreturn.read__partial": [PARTIAL],
    "retailsalesreturn.read__same_sale": [SAME_SALE_BACK],
    "retailsalesreturn.read__without_sale": [WITHOUT_SALE],
}
NOTICES, ANSWERS = samples.load("moysklad"), samples.load_answers("moysklad")


@pytest.mark.parametrize("name", sorted(NOTICES))
def test_a_recorded_notice_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, NOTICES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def notice(query: str, body: bytes) -> Delivery:
    return Delivery("POST", "", query, {}, body, samples.TEST_URL)


def test_a_retry_has_the_keys_of_the_first_notice_and_another_notice_has_others() -> None:
    body = NOTICES["retaildemand.create__batch"].body

    first = [event.key for event in split(notice("requestId=640569eb-522d", body))]

    assert first == ["640569eb-522d:0", "640569eb-522d:1"]
    assert first == [event.key for event in split(notice("a=1&requestId=640569eb-522d", body))]
    assert first != [event.key for event in split(notice("requestId=640569eb-522e", body))]


@pytest.mark.parametrize("query", ["", "requestId=", "requestId=%00", "requestId=" + "a" * 5000])
def test_a_request_id_that_is_none_names_nothing(query: str) -> None:
    found = split(notice(query, NOTICES["retaildemand.create__batch"].body))

    assert [event.key for event in found] == [":0", ":1"]


def test_an_answer_is_never_older_than_what_was_heard_before_it_was_asked_for() -> None:
    deleted = SALE_GONE.clock

    (sale,) = outcome_of_answer(PROVIDER, ANSWERS["retaildemand.read__in_the_bin"], over=deleted)  # type: ignore[misc]

    assert isinstance(sale, SaleDraft)
    assert sale.version == Version(Rank.FULL, deleted, SENT)
    assert sale.gone
