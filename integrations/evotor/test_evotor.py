"""What the recorded deliveries of Evotor state, worked out by hand from their payloads.

One day of a coffee shop, 14 September 2026: two cappuccinos, a croissant, one discount, cash and
card, the croissant given back.
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
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import Delivery, PayloadUnrecognised
from sales.drafts import (
    Discount,
    Fiscal,
    Header,
    Line,
    Mention,
    Money,
    Payment,
    Rank,
    Refund,
    RefundDraft,
    RefundLine,
    SaleDraft,
    Version,
)

from . import PROVIDER
from .payload import NO_SALES, split
from .words import tax_of


def at(hour: int, minute: int, second: int = 0, micros: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, micros, UTC)


def document(tail: str) -> str:
    return f"20260914-0B41-40D1-80A1-1F2E3D4C5B{tail}"


def key(tail: str) -> str:
    return f"7d0f1c52-3f0b-4f1f-9a4e-0d1c1b2a3f{tail}"


def paid(tail: int) -> str:
    return f"9b0e6b0c-1111-4222-8333-{tail:012d}"


#: Midnight of the day in microseconds: 20 710 days × 86 400 s = 1 789 344 000 s.
MIDNIGHT = 1_789_344_000_000_000
SHOP = Mention(external_id="20240101-CCCC-4000-8000-000000000001")
TILL = Mention(external_id="20240101-BBBB-4000-8000-000000000001")
CASHIER = Mention(external_id="20240101-AAAA-4000-8000-000000000007")
SHIFT = "20260914-1111-40AA-8011-000000000012"
CAPPUCCINO = Mention(external_id="4f8a2c11-7d52-4ac4-9b86-1b2f9d4f0a01", name="Капучино 300 мл")
CROISSANT = Mention(external_id="4f8a2c11-7d52-4ac4-9b86-1b2f9d4f0a02", name="Круассан")
WATER = Mention(external_id="4f8a2c11-7d52-4ac4-9b86-1b2f9d4f0a03", name="Вода питьевая 0,5 л")


def clock(hour: int, minute: int, second: int = 0, micros: int = 0) -> Version:
    seconds = (hour * 60 + minute) * 60 + second
    return Version(Rank.FULL, MIDNIGHT + seconds * 1_000_000 + micros)


def poorer(version: Version) -> Version:
    return replace(version, rank=Rank.PARTIAL)


CUP = Line(
    product=CAPPUCCINO,
    name="Капучино 300 мл",
    sku="101",
    unit="шт",
    quantity=D(1),
    unit_price=D(220),
    gross=D("220.00"),
    discount=D("0.00"),
    total=D("220.00"),
    tax_code="none",
    tax_amount=D("0.00"),
    tax_included=True,
    settlement_method="full_payment",
)
# Two at 220 are 440; the cashier took off 40.
TWO_CUPS = replace(
    CUP, key=key("4e"), quantity=D(2), gross=D("440.00"), discount=D("40.00"), total=D("400.00")
)
BUN = replace(CUP, product=CROISSANT, name="Круассан", sku="102")
# Bought in for 95.50; the cappuccino's purchase price of 0 means that the till knows none.
BUN_OF_CASH = replace(BUN, key=key("4f"), unit_cost=D("95.5"), cost=D("95.50"))
PRINTED = Fiscal(
    fn="9282000100000001",
    kkt_reg="0000000001012345",
    kkt_serial="00307900000001",
    shift="12",
    operation=1,
)
HEADER = Header(
    utc_offset=180,  # 10 800 000 ms
    currency="RUB",
    location=SHOP,
    device=TILL,
    employee=CASHIER,
    shift_id=SHIFT,
    shift_number="12",
    tax_included=True,
    tax_total=D("0.00"),
    change_total=D("0.00"),
)
CASH = Payment(
    method="cash",
    amount=D("220.00"),
    currency="RUB",
    provider_method="Наличные",
    tendered=D("220.00"),
    change=D("0.00"),
)
CARD = Payment(
    method="card", amount=D("594.00"), currency="RUB", provider_method="Банковская карта"
)

# 440 + 220 = 660; 40 off the cups; 620 to pay; 1000 given, 380 back, so 620 stay.
SALE_IN_CASH = SaleDraft(
    external_id=document("61"),
    version=clock(12, 8, 47, 113_000),
    header=replace(
        HEADER,
        number="412",
        occurred_at=at(12, 8, 44),
        provider_at=at(12, 8, 47, 113_000),
        gross_total=D("660.00"),
        discount_total=D("40.00"),
        total=D("620.00"),
        change_total=D("380.00"),
        fiscal=(
            replace(
                PRINTED,
                fd="1042",
                fp="2712345678",
                receipt_no="25",
                printed_at=at(12, 8),  # 15:08 three hours east
                total=D("620.00"),
            ),
        ),
    ),
    lines=(TWO_CUPS, BUN_OF_CASH),
    money=Money(
        payments=(
            replace(
                CASH,
                external_id=paid(1),
                amount=D("620.00"),
                tendered=D("1000.00"),
                change=D("380.00"),
                paid_at=at(12, 8, 44),
            ),
        )
    ),
)
LARGE = replace(
    TWO_CUPS, name="Капучино большой", product=replace(CAPPUCCINO, name="Капучино большой")
)
SALE_AGAIN = replace(
    SALE_IN_CASH,
    version=clock(12, 31, 5),
    header=replace(SALE_IN_CASH.header, provider_at=at(12, 31, 5)),  # type: ignore[type-var]
    lines=(LARGE, BUN_OF_CASH),
)

# 10 % off the document: 440 − 44 = 396 and 220 − 22 = 198, together 594 of 660.
# VAT inside: 396 × 22 / 122 = 71.4098 and 198 × 10 / 110 = 18, together 89.41.
CARD_CUPS = replace(
    CUP,
    key=key("50"),
    quantity=D(2),
    gross=D("440.00"),
    discount=D("44.00"),
    total=D("396.00"),
    tax_code="22",
    tax_rate=D(22),
    tax_amount=D("71.41"),
)
CARD_BUN = replace(
    BUN,
    key=key("51"),
    discount=D("22.00"),
    total=D("198.00"),
    tax_code="10",
    tax_rate=D(10),
    tax_amount=D("18.00"),
)
SALE_BY_CARD = SaleDraft(
    external_id=document("63"),
    version=clock(12, 15, 4, 250_000),
    header=replace(
        HEADER,
        number="414",
        occurred_at=at(12, 15, 2),
        provider_at=at(12, 15, 4, 250_000),
        gross_total=D("660.00"),
        discount_total=D("66.00"),
        tax_total=D("89.41"),
        total=D("594.00"),
        discounts=(Discount(kind="manual", percent=D(10), amount=D("66.00")),),
        fiscal=(
            replace(
                PRINTED,
                fd="1044",
                fp="0019284512",  # a text: the zeros belong to it
                receipt_no="27",
                printed_at=at(12, 15),
                total=D("594.00"),
            ),
        ),
    ),
    lines=(CARD_CUPS, CARD_BUN),
    money=Money(payments=(replace(CARD, external_id=paid(3), paid_at=at(12, 15, 2)),)),
)

# 220 + 120 + 0.35 × 899.90 = 314.965, which the till rounded to 314.97: 654.97.
# Cash: 600 + 100 given less 65.03 are 634.97; with 20 by card 654.97.
# Receipt A: 220 + 314.97 = 534.97; receipt B: the water, 120, with 20 % (120 × 20 / 120 = 20)
# under the old label of 18 % (120 × 18 / 118 would be 18.31).
SALE_OF_TWO_RECEIPTS = SaleDraft(
    external_id=document("64"),
    version=clock(12, 40, 12),
    header=replace(
        HEADER,
        number="415",
        occurred_at=at(12, 40, 10),
        provider_at=at(12, 40, 12),
        gross_total=D("654.97"),
        discount_total=D("0.00"),
        tax_total=D("20.00"),
        total=D("654.97"),
        change_total=D("65.03"),
        fiscal=(
            replace(
                PRINTED,
                fd="1045",
                fp="0000284513",
                receipt_no="28",
                printed_at=at(12, 40),
                tax_system="SIMPLIFIED_INCOME",
                total=D("534.97"),
            ),
            replace(
                PRINTED,
                fd="1046",
                fp="3019284514",
                receipt_no="29",
                printed_at=at(12, 40),
                tax_system="COMMON",
                total=D("120.00"),
            ),
        ),
    ),
    lines=(
        replace(CUP, key=key("52")),
        replace(
            CUP,
            key=key("53"),
            product=WATER,
            name="Вода питьевая 0,5 л",
            sku="201",
            barcode="4600000000017",
            unit_price=D(120),
            gross=D("120.00"),
            total=D("120.00"),
            tax_code="20",
            tax_rate=D(20),
            tax_amount=D("20.00"),
            marking=("0104600000000017215ABCDEF93dGVz",),
        ),
        replace(
            CUP,
            key=key("54"),
            product=None,  # a free price
            name="Чизкейк весовой",
            sku=None,
            unit="кг",
            quantity=D("0.35"),
            unit_price=D("899.9"),
            gross=D("314.97"),
            total=D("314.97"),
        ),
    ),
    money=Money(
        payments=(
            replace(
                CASH,
                external_id=paid(4),
                amount=D("634.97"),
                tendered=D("700.00"),
                change=D("65.03"),
                paid_at=at(12, 40, 10),
            ),
            replace(CARD, external_id=paid(5), amount=D("20.00"), paid_at=at(12, 40, 10)),
        )
    ),
)
# 220 of which 100 were paid in advance.
SALE_WITH_ADVANCE = SaleDraft(
    external_id=document("65"),
    version=clock(13, 0, 1, 500_000),
    header=replace(
        HEADER,
        number="417",
        occurred_at=at(13, 0),
        provider_at=at(13, 0, 1, 500_000),
        gross_total=D("220.00"),
        discount_total=D("0.00"),
        total=D("220.00"),
        fiscal=(
            replace(
                PRINTED,
                fd="1047",
                fp="1119284515",
                receipt_no="30",
                printed_at=at(13, 0),
                total=D("220.00"),
            ),
        ),
    ),
    lines=(replace(CUP, key=key("55")),),
    money=Money(
        payments=(
            Payment(
                method="advance",
                amount=D("100.00"),
                currency="RUB",
                external_id=paid(6),
                provider_method="По предоплате",
                paid_at=at(13, 0),
            ),
            replace(
                CASH,
                external_id=paid(7),
                amount=D("120.00"),
                tendered=D("120.00"),
                paid_at=at(13, 0),
            ),
        )
    ),
)

BUN_BACK = RefundLine(
    product=CROISSANT,
    name="Круассан",
    quantity=D(1),
    total=D("220.00"),
    tax=D("0.00"),
)
REFUND = Refund(
    total=D("220.00"),
    currency="RUB",
    tax_total=D("0.00"),
    location=SHOP,
    device=TILL,
    employee=CASHIER,
    shift_id=SHIFT,
    shift_number="12",
)
REFUND_OF_BUN = RefundDraft(
    external_id=document("62"),
    version=clock(12, 20, 33, 415_000),
    content=replace(
        REFUND,
        number="413",
        occurred_at=at(12, 20, 31),
        provider_at=at(12, 20, 33, 415_000),
        sale_external_id=document("61"),
        lines=(replace(BUN_BACK, sale_line_key=key("4f"), cost=D("95.50")),),
        payments=(replace(CASH, external_id=paid(2), paid_at=at(12, 20, 31)),),
        fiscal=(
            replace(
                PRINTED,
                fd="1043",
                fp="0919284511",
                receipt_no="26",
                printed_at=at(12, 20),
                operation=2,
                total=D("220.00"),
            ),
        ),
    ),
)
# All of the sale by card: 396 + 198 = 594, VAT 71.41 + 18 = 89.41.
REFUND_OF_ALL = RefundDraft(
    external_id=document("66"),
    version=clock(13, 10, 1),
    content=replace(
        REFUND,
        number="418",
        occurred_at=at(13, 10),
        provider_at=at(13, 10, 1),
        sale_external_id=document("63"),
        total=D("594.00"),
        tax_total=D("89.41"),
        lines=(
            RefundLine(
                sale_line_key=key("50"),
                product=CAPPUCCINO,
                name="Капучино 300 мл",
                quantity=D(2),
                total=D("396.00"),
                tax=D("71.41"),
            ),
            RefundLine(
                sale_line_key=key("51"),
                product=CROISSANT,
                name="Круассан",
                quantity=D(1),
                total=D("198.00"),
                tax=D("18.00"),
            ),
        ),
        payments=(replace(CARD, external_id=paid(8), paid_at=at(13, 10)),),
        fiscal=(
            replace(
                PRINTED,
                fd="1048",
                fp="0219284516",
                receipt_no="31",
                printed_at=at(13, 10),
                operation=2,
                total=D("594.00"),
            ),
        ),
    ),
)
REFUND_OF_NO_SALE = RefundDraft(
    external_id=document("67"),
    version=clock(13, 15, 1),
    content=replace(
        REFUND,
        number="419",
        occurred_at=at(13, 15),
        provider_at=at(13, 15, 1),
        lines=(replace(BUN_BACK, sale_line_key=key("56")),),
        payments=(replace(CASH, external_id=paid(9), paid_at=at(13, 15)),),
        fiscal=(
            replace(
                PRINTED,
                fd="1049",
                fp="0319284517",
                receipt_no="32",
                printed_at=at(13, 15),
                operation=2,
                total=D("220.00"),
            ),
        ),
    ),
)

# The first form: 660 less 40 is 620. Cash 500 given and 80 back are 420; with 200 by card 620.
# It has no keys of lines and no tag 1214, and dates nothing but the till's own close.
OLD_SALE = SaleDraft(
    external_id=document("80"),
    version=clock(12, 50, 10),
    header=replace(
        HEADER,
        number="430",
        occurred_at=at(12, 50, 10),
        gross_total=D("660.00"),
        discount_total=D("40.00"),
        total=D("620.00"),
        change_total=D("80.00"),
        discounts=(Discount(kind="coupon", name="145695", percent=D("6.06"), amount=D("40.00")),),
        fiscal=(
            Fiscal(
                shift="12",
                receipt_no="71",
                printed_at=at(12, 50, 10),
                operation=1,
                total=D("620.00"),
            ),
        ),
    ),
    lines=(
        replace(TWO_CUPS, key=None, settlement_method=None),
        replace(BUN, settlement_method=None),
    ),
    money=Money(
        payments=(
            replace(
                CASH,
                provider_method="CASH",
                amount=D("420.00"),
                tendered=D("500.00"),
                change=D("80.00"),
                paid_at=at(12, 50, 10),
            ),
            replace(
                CARD,
                provider_method="CARD",
                amount=D("200.00"),
                rrn="425612345678",
                paid_at=at(12, 50, 10),
            ),
        )
    ),
)
# Written negative: −1 × 220 = −220, paid out −220. A refund is positive.
OLD_REFUND = RefundDraft(
    external_id=document("81"),
    version=clock(12, 55, 20),
    content=replace(
        REFUND,
        number="431",
        occurred_at=at(12, 55, 20),
        sale_external_id=document("80"),
        lines=(BUN_BACK,),
        payments=(replace(CASH, provider_method="CASH", paid_at=at(12, 55, 20)),),
        fiscal=(
            Fiscal(
                shift="12",
                receipt_no="72",
                printed_at=at(12, 55, 20),
                operation=2,
                total=D("220.00"),
            ),
        ),
    ),
)

assert OLD_REFUND.content is not None
OLD_BACK_IN_NO_SHOP = replace(OLD_REFUND.content, location=None)

# A receipt knows no shift's id, no number, no zone, no change; 0 % may be "without VAT" as well.
PLAIN_HEADER = replace(HEADER, utc_offset=None, shift_id=None, change_total=None)


def plain(line: Line) -> Line:
    return replace(line, key=None, sku=None, tax_code=None, settlement_method=None)


POORER_SALE = SaleDraft(
    external_id=document("61"),
    version=poorer(clock(12, 8, 47, 113_000)),
    header=replace(
        PLAIN_HEADER,
        occurred_at=at(12, 8, 44),
        provider_at=at(12, 8, 47, 113_000),  # 1 789 387 727 113 ms
        gross_total=D("660.00"),
        discount_total=D("40.00"),
        total=D("620.00"),
    ),
    lines=(plain(TWO_CUPS), plain(BUN)),
    money=Money(
        payments=(
            Payment(
                method="cash",
                amount=D("620.00"),
                currency="RUB",
                provider_method="PAY_CASH",
                paid_at=at(12, 8, 44),
            ),
        )
    ),
)
POORER_REFUND = RefundDraft(
    external_id=document("62"),
    version=poorer(clock(12, 20, 33, 415_000)),
    content=replace(
        REFUND,
        shift_id=None,
        occurred_at=at(12, 20, 31),
        provider_at=at(12, 20, 33, 415_000),
        lines=(BUN_BACK,),
        payments=(
            Payment(
                method="cash",
                amount=D("220.00"),
                currency="RUB",
                provider_method="PAY_CASH",
                paid_at=at(12, 20, 31),
            ),
        ),
    ),
)
# 2 × 220 − 44 = 396, of which 20 % inside are 396 × 20 / 120 = 66.
OLD_RECEIPT = SaleDraft(
    external_id=document("83"),
    version=poorer(clock(12, 45)),
    header=replace(
        PLAIN_HEADER,
        occurred_at=at(12, 45),
        gross_total=D("440.00"),
        discount_total=D("44.00"),
        tax_total=D("66.00"),
        total=D("396.00"),
    ),
    lines=(replace(plain(CARD_CUPS), tax_code="20", tax_rate=D(20), tax_amount=D("66.00")),),
    money=Money(
        payments=(
            Payment(
                method="card",
                amount=D("396.00"),
                currency="RUB",
                provider_method="PAY_CARD",
                paid_at=at(12, 45),
            ),
        )
    ),
)

# 10 % off everything: 300 − 30 = 270 and 120 − 12 = 108, together 378 of 420; 200 in cash and 178
# by card. The croissant came back for 108.
SAME_SALE = SaleDraft(
    external_id=document("A1"),
    version=clock(9, 0, 4),
    header=replace(
        HEADER,
        number="500",
        occurred_at=at(9, 0),
        provider_at=at(9, 0, 4),
        gross_total=D("420.00"),
        discount_total=D("42.00"),
        total=D("378.00"),
        discounts=(Discount(kind="manual", percent=D(10), amount=D("42.00")),),
        fiscal=(
            replace(
                PRINTED,
                fd="2001",
                fp="0000002001",
                receipt_no="40",
                printed_at=at(9, 0),
                total=D("378.00"),
            ),
        ),
    ),
    lines=(
        replace(
            CUP,
            key=key("a1"),
            product=replace(CAPPUCCINO, name="Кофе"),
            name="Кофе",
            quantity=D(2),
            unit_price=D(150),
            gross=D("300.00"),
            discount=D("30.00"),
            total=D("270.00"),
        ),
        replace(
            BUN,
            key=key("a2"),
            unit_price=D(120),
            gross=D("120.00"),
            discount=D("12.00"),
            total=D("108.00"),
        ),
    ),
    money=Money(
        payments=(
            replace(
                CASH,
                external_id="9b0e6b0c-1111-4222-8333-0000000000a1",
                amount=D("200.00"),
                tendered=D("200.00"),
                paid_at=at(9, 0),
            ),
            replace(
                CARD,
                external_id="9b0e6b0c-1111-4222-8333-0000000000a2",
                amount=D("178.00"),
                paid_at=at(9, 0),
            ),
        )
    ),
)
SAME_SALE_BACK = RefundDraft(
    external_id=document("A2"),
    version=clock(9, 30, 4),
    content=replace(
        REFUND,
        number="501",
        total=D("108.00"),
        occurred_at=at(9, 30),
        provider_at=at(9, 30, 4),
        sale_external_id=document("A1"),
        lines=(replace(BUN_BACK, sale_line_key=key("a3"), total=D("108.00")),),
        payments=(
            replace(
                CASH,
                external_id="9b0e6b0c-1111-4222-8333-0000000000a3",
                amount=D("108.00"),
                tendered=D("108.00"),
                paid_at=at(9, 30),
            ),
        ),
        fiscal=(
            replace(
                PRINTED,
                fd="2002",
                fp="0000002002",
                receipt_no="41",
                printed_at=at(9, 30),
                operation=2,
                total=D("108.00"),
            ),
        ),
    ),
)


CASES: dict[str, Case] = {
    "document_payback__same_sale": [SAME_SALE_BACK],
    "document_sell__same_sale": [SAME_SALE],
    "document_sell__cash": [SALE_IN_CASH],
    "document_sell__resent": [SALE_AGAIN],
    "document_sell__card_document_discount": [SALE_BY_CARD],
    "document_sell__two_receipts_marking": [SALE_OF_TWO_RECEIPTS],
    "document_sell__advance": [SALE_WITH_ADVANCE],
    "document_sell__unrecognised": Unrecognised("body.result_sum"),
    "document_payback__croissant": [REFUND_OF_BUN],
    "document_payback__full_card": [REFUND_OF_ALL],
    "document_payback__without_sale": [REFUND_OF_NO_SALE],
    **{f"document_{word.lower()}__no_sale": IGNORED for word in NO_SALES},
    "document_new_type__unsupported": UNSUPPORTED,
    "documents_v1__sell_and_payback": [OLD_SALE, OLD_REFUND],
    "documents_v1__open_session": IGNORED,
    "documents_v1__empty": IGNORED,
    "receipt_created__sell": [POORER_SALE],
    "receipt_created__payback": [POORER_REFUND],
    "receipt_created__buy": IGNORED,
    "receipt_created__buyback": IGNORED,
    "receipts_v1__card": [OLD_RECEIPT],
    "stores__pushed": UNSUPPORTED,
    "user_create__form": IGNORED,
    "user_create__old_name": IGNORED,
    "user_create__nobody": UNSUPPORTED,
    "user_verify__login": IGNORED,
    "user_verify__not_json": Unrecognised("$"),
    "user_token__issued": IGNORED,
    "user_token__not_an_object": UNSUPPORTED,
    "subscription_event__created": IGNORED,
    "subscription_event__terminated": IGNORED,
    "installation_event__installed": IGNORED,
    "documents.listed__shops": IGNORED,
    # The sale is told with its shop and as fully as when it is pushed, the refund without: poorer.
    "documents.listed__week": [
        OLD_SALE,
        replace(OLD_REFUND, version=poorer(OLD_REFUND.version), content=OLD_BACK_IN_NO_SHOP),
    ],
    "documents.listed__none": IGNORED,
    "documents.listed__broken": Unrecognised("answers[0][0].transactions[0].type"),
}
SAMPLES, ANSWERS = samples.load("evotor"), samples.load_answers("evotor")


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() | CASES.keys()))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    if name in ANSWERS:
        assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]
    else:
        assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize(
    ("label", "amount", "total", "code", "rate"),
    [
        ("NO_VAT", "0.00", "100.00", "none", None),
        ("VAT_0", "0.00", "100.00", "0", 0),
        ("VAT_5", "4.76", "100.00", "5", 5),  # 500 / 105
        ("VAT_7_107", "6.54", "100.00", "7/107", 7),  # 700 / 107
        ("VAT_10_110", "9.09", "100.00", "10/110", 10),
        ("VAT_18", "16.67", "100.00", "20", 20),  # sold at 20 under the old label
        ("VAT_18_118", "16.67", "100.00", "20/120", 20),
        ("VAT_22", "18.03", "100.00", "22", 22),  # 2200 / 122
        ("VAT_12", "10.71", "100.00", "other", 12),
        ("VAT_20", "3.33", "100.00", "20", 20),  # no rate gives this: the label stands
        ("НДС", "0.00", "100.00", "other", None),
    ],
)
def test_the_rate_follows_from_the_sums_where_the_label_lies(
    label: str, amount: str, total: str, code: str, rate: int | None
) -> None:
    expected = code, None if rate is None else D(rate)

    assert tax_of(label, D(amount), D(total)) == expected


def test_the_shape_decides_and_not_the_path() -> None:
    sample = SAMPLES["document_sell__cash"]
    elsewhere = Delivery("POST", "/anything/at/all", "", {}, sample.body, "")

    assert [event.type for event in split(elsewhere)] == ["document.SELL"]


def test_a_list_of_documents_takes_its_shop_from_the_path_alone() -> None:
    sample = SAMPLES["documents_v1__sell_and_payback"]

    found = split(Delivery("PUT", "", "", {}, sample.body, ""))

    assert [event.payload.get("storeUuid") for event in found] == [None, None]


@pytest.mark.parametrize("body", [b"[1, null, {}]", b'{"type": "SELL"}', b'"text"', b"[[]]"])
def test_what_has_no_known_shape_is_kept_as_unsupported(body: bytes) -> None:
    events = split(Delivery("PUT", "", "", {}, body, ""))

    assert {event.type for event in events} == {"unknown"}


def test_a_till_with_a_dead_battery_still_sold() -> None:
    body = SAMPLES["document_sell__cash"].body.replace(
        b"2026-09-14T12:08:44", b"1999-01-01T00:00:00"
    )
    (event,) = split(Delivery("PUT", "", "", {}, body, ""))

    statements = PROVIDER.normalisers[event.type](event, context_of(PROVIDER)) or ()

    (sale,) = statements
    assert isinstance(sale, SaleDraft)
    assert sale.header is not None
    assert sale.header.anomalies == ("clock",)
    assert sale.header.occurred_at == datetime(1999, 1, 1, tzinfo=UTC)


def test_a_receipt_printed_at_no_such_time_is_kept_without_it() -> None:
    body = SAMPLES["document_sell__cash"].body.replace(b'"14092026"', b'"31022026"')
    (event,) = split(Delivery("PUT", "", "", {}, body, ""))

    (sale,) = PROVIDER.normalisers[event.type](event, context_of(PROVIDER)) or ()

    assert isinstance(sale, SaleDraft)
    assert sale.header is not None
    assert [receipt.printed_at for receipt in sale.header.fiscal] == [None]


def test_a_price_times_a_quantity_beyond_all_bounds_names_its_line() -> None:
    body = SAMPLES["receipt_created__sell"].body.replace(
        b'"price": 220.0', b'"price": 99999999999999'
    )
    (event,) = split(Delivery("POST", "", "", {}, body, ""))

    with pytest.raises(PayloadUnrecognised) as caught:
        PROVIDER.normalisers[event.type](event, context_of(PROVIDER))

    assert caught.value.path == "data.items[0]"
