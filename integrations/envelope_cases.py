"""What recorded bodies of our own schema state, worked out by hand: whoever speaks it sends them,
each signed in a way of its own.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal as D
from zoneinfo import ZoneInfo

from integrations.cases import IGNORED, RECEIVED, UNSUPPORTED, Case, Unrecognised
from sales.drafts import (
    CustomerLink,
    Discount,
    Fiscal,
    Header,
    Line,
    Mention,
    Money,
    OrderedBy,
    Payment,
    PaymentDraft,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    RefundDraft,
    RefundLine,
    SaleDraft,
    Version,
)

MOSCOW = timezone(timedelta(hours=3))
#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in microseconds.
MIDNIGHT = 20_710 * 86_400 * 1_000_000


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=MOSCOW)


def clock(hour: int, minute: int, second: int = 0, millis: int = 0) -> Version:
    seconds = (hour * 60 + minute) * 60 + second
    return Version(Rank.FULL, MIDNIGHT + (seconds * 1000 + millis) * 1000)


def reference(kind: ReferenceKind, key: str, version: Version, **content: object) -> Case:
    return [ReferenceDraft(kind=kind, external_id=key, version=version, content=content)]


def gone(kind: ReferenceKind, name: str, version: Version) -> Case:
    return [ReferenceDraft(kind=kind, external_id=name, version=version, gone=True)]


SHOP = Mention(external_id="shop-1", name="Кофейня на Лесной")
TILL = Mention(external_id="till-2", name="Касса 2")
OLGA = Mention(external_id="e-5", name="Ольга")
ANNA = Mention(external_id="c-7", name="Анна")
CAPPUCCINO = Mention(external_id="p-101", name="Капучино")
CROISSANT = Mention(external_id="p-102", name="Круассан")

# 2 × 220.00 = 440.00 before the discount of 40.00.
TWO_CUPS = Line(
    product=CAPPUCCINO,
    name="Капучино",
    quantity=D(2),
    unit_price=D("220.00"),
    gross=D("440.00"),
    discount=D("40.00"),
    total=D("400.00"),
)
BUN = Line(
    product=CROISSANT,
    name="Круассан",
    quantity=D(1),
    unit_price=D("220.00"),
    gross=D("220.00"),
    discount=D("0.00"),
    total=D("220.00"),
)
CASH = Payment(external_id="pay-1", method="cash", amount=D("620.00"), currency="RUB")
# 440.00 + 220.00 = 660.00 before, 40.00 + 0.00 = 40.00 off: 620.00.
CASH_HEADER = Header(
    number="412",
    occurred_at=at(15, 8, 44),
    utc_offset=180,
    currency="RUB",
    gross_total=D("660.00"),
    discount_total=D("40.00"),
    total=D("620.00"),
)
CASH_SALE = SaleDraft(
    external_id="sale_2YQ0aB",
    version=clock(12, 8, 44),
    header=CASH_HEADER,
    lines=(TWO_CUPS, BUN),
    money=Money(payments=(CASH,)),
)
# The croissant for 200.00 now: 40.00 + 20.00 off, 600.00 to pay; and a customer was named.
CHEAPER_SALE = replace(
    CASH_SALE,
    version=clock(12, 10, 0, 250),
    header=replace(CASH_HEADER, discount_total=D("60.00"), total=D("600.00")),
    lines=(TWO_CUPS, replace(BUN, discount=D("20.00"), total=D("200.00"))),
    money=Money(payments=(replace(CASH, amount=D("600.00")),)),
    customer=CustomerLink(customer=ANNA),
)
# No time of its own: as of the first receipt. A time in Z does not say the till's zone.
MINIMAL_SALE = SaleDraft(
    external_id="sale_min",
    version=Version(Rank.FULL, RECEIVED, by=OrderedBy.RECEIPT),
    header=Header(
        occurred_at=datetime(2026, 9, 14, 12, tzinfo=UTC), currency="RUB", total=D("150.00")
    ),
)
# 0.35 × 99.9 = 34.965, half-up 34.97; with the bag 5.00 together 39.97. Times are Moscow's.
FROM_1C = SaleDraft(
    external_id="000000412",
    version=clock(12, 20, 5),
    header=Header(
        number="ТК-000412",
        occurred_at=datetime(2026, 9, 14, 15, 20, 1, tzinfo=ZoneInfo("Europe/Moscow")),
        utc_offset=180,
        currency="RUB",
        gross_total=D("39.97"),
        total=D("39.97"),
    ),
    lines=(
        Line(name="Хлеб", quantity=D("0.35"), unit_price=D("99.9"), gross=D("34.97")),
        Line(name="Пакет", quantity=D(1), unit_price=D(5), gross=D("5.00")),
    ),
    money=Money(payments=(Payment(method="sbp", amount=D("39.97"), currency="RUB"),)),
    customer=CustomerLink(customer=None),
)
FULL_SALE = SaleDraft(
    external_id="R-2026-000413",
    version=clock(12, 30, 2, 500),
    # 660.00 − 60.00 + 60.00 + 0.00 + 50.00 − 0.50 = 709.50; 20/120 of 600.00 is 100.00, inside.
    header=Header(
        number="413",
        occurred_at=at(15, 30),
        provider_at=datetime(2026, 9, 14, 12, 30, 2, tzinfo=UTC),
        utc_offset=180,
        business_date=date(2026, 9, 14),
        currency="RUB",
        location=SHOP,
        device=TILL,
        employee=OLGA,
        shift_id="sh-88",
        shift_number="88",
        tax_included=True,
        gross_total=D("660.00"),
        discount_total=D("60.00"),
        service_total=D("60.00"),
        delivery_total=D("0.00"),
        tip_total=D("50.00"),
        rounding_total=D("-0.50"),
        tax_total=D("100.00"),
        total=D("709.50"),
        change_total=D("290.50"),
        cost_total=D("210.00"),
        discounts=(
            Discount(
                kind="promo", name="Счастливый час", percent=D("9.0909090909"), amount=D("60.00")
            ),
        ),
        fiscal=(
            Fiscal(
                fn="9960440300000001",
                fd="413",
                fp="0123456789",
                kkt_reg="0001234567012345",
                kkt_serial="00307900000001",
                shift="88",
                receipt_no="12",
                printed_at=at(15, 30, 1),
                operation=1,
                correction=False,
                tax_system="usn_income",
                total=D("709.50"),
                ofd="Первый ОФД",
            ),
        ),
    ),
    lines=(
        replace(
            TWO_CUPS,
            key="1",
            sku="CAP",
            barcode="4600000000017",
            category="Напитки",
            unit="шт",
            tax_code="20",
            tax_rate=D(20),
            tax_amount=D("66.67"),
            tax_included=True,
            unit_cost=D("70.00"),
            cost=D("140.00"),
            settlement_method="4",
            subject="1",
        ),
        replace(
            BUN,
            key="2",
            parent_key="1",
            sku="CRO",
            barcode="4600000000024",
            category="Выпечка",
            unit="шт",
            discount=D("20.00"),
            total=D("200.00"),
            tax_code="20",
            tax_rate=D(20),
            tax_amount=D("33.33"),
            tax_included=True,
            unit_cost=D("70.00"),
            cost=D("70.00"),
            settlement_method="4",
            subject="1",
            marking=("0104600000000024215abc",),
        ),
    ),
    # 500.00 given, 290.50 back: 209.50 stays. By card 500.00 with the tip of 50.00.
    money=Money(
        payments=(
            Payment(
                external_id="pay-1",
                method="cash",
                provider_method="Наличные",
                amount=D("209.50"),
                currency="RUB",
                tip=D("0.00"),
                tendered=D("500.00"),
                change=D("290.50"),
                paid_at=at(15, 29, 55),
                fee=D("0.00"),
            ),
            Payment(
                external_id="pay-2",
                method="card",
                provider_method="МИР",
                amount=D("500.00"),
                currency="RUB",
                tip=D("50.00"),
                paid_at=at(15, 29, 58),
                last4="0042",
                rrn="012345678901",
                fee=D("9.00"),
            ),
        )
    ),
    customer=CustomerLink(customer=ANNA),
)
VOIDED_SALE = SaleDraft(
    external_id="R-2026-000413",
    version=clock(13, 0),
    header=Header(
        status="voided",
        number="413",
        occurred_at=at(15, 30),
        utc_offset=180,
        currency="RUB",
        total=D("709.50"),
    ),
)
PARTIAL_REFUND = Refund(
    external_id="ref-1",
    sale_external_id="sale_2YQ0aB",
    number="414",
    occurred_at=at(15, 40),
    currency="RUB",
    total=D("220.00"),
    reason="Не понравился",
    lines=(
        RefundLine(
            product=CROISSANT,
            name="Круассан",
            quantity=D(1),
            total=D("220.00"),
            restocked=False,
        ),
    ),
    payments=(Payment(external_id="rpay-1", method="cash", amount=D("220.00"), currency="RUB"),),
)
FULL_REFUND = Refund(
    external_id="ref-2",
    sale_external_id="R-2026-000413",
    payment_external_id="pay-2",
    number="415",
    occurred_at=at(15, 50),
    provider_at=datetime(2026, 9, 14, 12, 50, 1, tzinfo=UTC),
    business_date=date(2026, 9, 14),
    currency="RUB",
    total=D("709.50"),
    tax_total=D("100.00"),
    tip_total=D("50.00"),
    location=Mention(external_id="shop-1"),
    device=Mention(external_id="till-2"),
    employee=Mention(external_id="e-5"),
    shift_id="sh-88",
    shift_number="88",
    reason="Брак",
    lines=(
        RefundLine(
            sale_line_key="1",
            product=CAPPUCCINO,
            name="Капучино",
            quantity=D(2),
            total=D("400.00"),
            tax=D("66.67"),
            cost=D("140.00"),
            restocked=True,
        ),
        RefundLine(
            sale_line_key="2",
            product=CROISSANT,
            name="Круассан",
            quantity=D(1),
            total=D("200.00"),
            tax=D("33.33"),
            cost=D("70.00"),
            restocked=False,
        ),
    ),
    payments=(Payment(method="card", amount=D("709.50"), currency="RUB"),),
    fiscal=(
        Fiscal(fn="9960440300000001", fd="415", fp="0000000042", operation=2, total=D("709.50")),
    ),
)
LOOSE_REFUND = Refund(external_id="ref-3", occurred_at=at(16, 0), currency="RUB", total=D("99.90"))
PENDING = Payment(
    external_id="p-link-1",
    method="online",
    status="pending",
    amount=D("1500.00"),
    currency="RUB",
)
PAID = replace(
    PENDING,
    method="other",  # not one of ours: its own words are kept
    provider_method="СБП по ссылке",
    status="completed",
    paid_at=at(16, 11),
    fee=D("10.50"),
    location=Mention(external_id="shop-1"),
    device=Mention(external_id="till-2"),
    employee=Mention(external_id="e-5"),
    customer=ANNA,
)

CUSTOMER, PRODUCT, LOCATION = (
    ReferenceKind.CUSTOMER,
    ReferenceKind.PRODUCT,
    ReferenceKind.LOCATION,
)


def refund(name: str, version: Version, content: Refund | None) -> Case:
    return [RefundDraft(external_id=name, version=version, content=content, gone=content is None)]


def payment(version: Version, content: Payment) -> Case:
    return [
        PaymentDraft(
            external_id="p-link-1",
            version=version,
            sale_external_id="sale_link",
            content=content,
        )
    ]


# 10 % off everything: 300 − 30 = 270 and 120 − 12 = 108, together 378 of 420; 200 in cash and 178
# by card. The croissant came back for 108.
SAME_SALE = SaleDraft(
    external_id="sale_same",
    version=clock(9, 0, 4),
    header=Header(
        number="500",
        occurred_at=at(12, 0),
        utc_offset=180,
        currency="RUB",
        tax_included=True,
        gross_total=D("420.00"),
        discount_total=D("42.00"),
        tax_total=D("0.00"),
        total=D("378.00"),
        change_total=D("0.00"),
        discounts=(Discount(kind="manual", percent=D(10), amount=D("42.00")),),
    ),
    lines=(
        replace(
            TWO_CUPS,
            product=replace(CAPPUCCINO, name="Кофе"),
            name="Кофе",
            unit_price=D(150),
            gross=D("300.00"),
            discount=D("30.00"),
            total=D("270.00"),
            tax_code="none",
            tax_amount=D("0.00"),
            tax_included=True,
        ),
        replace(
            BUN,
            unit_price=D(120),
            gross=D("120.00"),
            discount=D("12.00"),
            total=D("108.00"),
            tax_code="none",
            tax_amount=D("0.00"),
            tax_included=True,
        ),
    ),
    money=Money(
        payments=(
            Payment(
                external_id="spay-1",
                method="cash",
                amount=D("200.00"),
                currency="RUB",
                tendered=D("200.00"),
                change=D("0.00"),
            ),
            Payment(external_id="spay-2", method="card", amount=D("178.00"), currency="RUB"),
        )
    ),
)
SAME_BACK = Refund(
    external_id="ref-same",
    sale_external_id="sale_same",
    number="501",
    occurred_at=at(12, 30),
    currency="RUB",
    total=D("108.00"),
    tax_total=D("0.00"),
    lines=(RefundLine(product=CROISSANT, name="Круассан", quantity=D(1), total=D("108.00")),),
    payments=(Payment(external_id="srpay-1", method="cash", amount=D("108.00"), currency="RUB"),),
)


CASES: dict[str, Case] = {
    "refund.created__same_sale": refund("ref-same", clock(9, 30, 4), SAME_BACK),
    "sale.created__same_sale": [SAME_SALE],
    "customer.created__full": reference(
        CUSTOMER,
        "c-7",
        clock(9, 0),
        name="Анна",
        phone="+7 900 000-00-00",
        email="anna@shop.example",
    ),
    "customer.deleted__erased": gone(CUSTOMER, "c-8", clock(9, 31)),
    "customer.updated__without_phone": reference(
        CUSTOMER, "c-7", clock(9, 30), name="Анна Н.", phone=None, email=None
    ),
    "location.created__shop": reference(
        LOCATION, "shop-1", clock(9, 0), name="Кофейня на Лесной", address="Москва, Лесная, 5"
    ),
    "location.updated__moved": reference(
        LOCATION, "shop-1", clock(9, 50), name="Кофейня на Лесной", address="Москва, Лесная, 7"
    ),
    "payment.created__pending": payment(clock(13, 10), PENDING),
    "payment.updated__completed": payment(clock(13, 11), PAID),
    "ping__test": IGNORED,
    "product.created__full": reference(
        PRODUCT,
        "p-101",
        clock(9, 0),
        name="Капучино",
        sku="CAP",
        barcode="4600000000017",
        unit="шт",
        category=Mention(external_id="Напитки", name="Напитки"),
    ),
    "product.deleted__gone": gone(PRODUCT, "p-103", clock(9, 41)),
    "product.updated__category": reference(
        PRODUCT,
        "p-101",
        clock(9, 40),
        name="Капучино 0,3",
        sku="CAP",
        barcode=None,
        unit=None,
        category=Mention(external_id="cat-1", name="Кофе"),
    ),
    "refund.created__full": refund("ref-2", clock(12, 50, 1), FULL_REFUND),
    "refund.created__partial": refund("ref-1", clock(12, 40), PARTIAL_REFUND),
    "refund.created__without_sale": refund("ref-3", clock(13, 0, 1), LOOSE_REFUND),
    "refund.deleted__mistake": refund("ref-3", clock(13, 30), None),
    "refund.updated__failed": refund(
        "ref-1", clock(12, 41), replace(PARTIAL_REFUND, status="failed")
    ),
    "sale.created__1c": [FROM_1C],
    "sale.created__cash": [CASH_SALE],
    "sale.created__comma": Unrecognised("data.total"),
    "sale.created__full": [FULL_SALE],
    "sale.created__minimal": [MINIMAL_SALE],
    "sale.deleted__test": [SaleDraft(external_id="sale_training", version=clock(13, 5), gone=True)],
    "sale.updated__cheaper": [CHEAPER_SALE],
    "sale.voided__mistake": [VOIDED_SALE],
    "shift.closed__unknown": UNSUPPORTED,
}
