"""What each recorded event and page of YClients must become; worked out by hand from the bodies."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest

from integrations import samples
from integrations.cases import (
    IGNORED,
    RECEIVED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import PayloadUnrecognised
from integrations.samples import SENT, TEST_URL
from sales.drafts import (
    CustomerLink,
    Header,
    Line,
    Mention,
    OrderedBy,
    Payment,
    PaymentDraft,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    SaleDraft,
    Version,
)

from . import PROVIDER

SAMPLES, ANSWERS = samples.load("yclients"), samples.load_answers("yclients")
MOSCOW = timezone(timedelta(hours=3))
#: 12:00 in Moscow on 14 September 2026: 20 710 days and 9 hours since 1970, in seconds.
NOON = 20_710 * 86_400 + 9 * 3_600
CAFE, ANNA = Mention(external_id="169643"), Mention(external_id="45123456", name="Анна")
MARIA = Mention(external_id="1926", name="Мария")


def at(hour: int, minute: int, second: int = 0, *, day: int = 14) -> datetime:
    return datetime(2026, 9, day, hour, minute, second, tzinfo=MOSCOW)


def changed(
    hour: int, minute: int, second: int = 0, *, day: int = 14, seq: int = RECEIVED
) -> Version:
    """As of a whole second of Moscow time, then by when it was received."""
    seconds = NOON + (day - 14) * 86_400 + (hour - 12) * 3_600 + minute * 60 + second
    return Version(Rank.FULL, seconds * 1_000_000, seq)


def until_its_end(version: Version) -> Version:
    return replace(version, clock=version.clock + 999_999)


UNDATED = Version(Rank.FULL, RECEIVED, RECEIVED, OrderedBy.RECEIPT)

# --- goods: 1 shampoo at 620 ---------------------------------------------------------------------

SHAMPOO = Line(
    key="124876543",
    product=Mention(external_id="5512345", name="Шампунь 250 мл"),
    name="Шампунь 250 мл",
    unit="шт.",
    quantity=D(1),
    unit_price=D(620),
    gross=D("620.00"),
    discount=D("0.00"),
    total=D("620.00"),
)
SOLD = Header(
    occurred_at=at(15, 8, 44),
    utc_offset=180,
    currency="RUB",
    location=CAFE,
    gross_total=D("620.00"),
    discount_total=D("0.00"),
    total=D("620.00"),
)
GOODS = SaleDraft(
    external_id="goods_operations_sale:124876543",
    version=changed(15, 8, 44),
    header=SOLD,
    lines=(SHAMPOO,),
    customer=CustomerLink(customer=ANNA),
)


def goods(number: int, *, header: dict[str, Any], line: dict[str, Any], **draft: Any) -> SaleDraft:
    """Return another operation of the same second."""
    return replace(
        GOODS,
        external_id=f"goods_operations_sale:{number}",
        header=replace(SOLD, **header),
        lines=(replace(SHAMPOO, key=str(number), **line),),
        **draft,
    )


# --- a visit: a haircut of 1500 with 10 % off, and 2 × 400 of styling ----------------------------

HAIRCUT = Line(
    kind="service",
    product=Mention(external_id="2560779", name="Стрижка"),
    name="Стрижка",
    quantity=D(1),
    unit_price=D(1500),
    gross=D("1500.00"),
    discount=D("150.00"),
    total=D("1350.00"),
)
STYLING = Line(
    kind="service",
    product=Mention(external_id="2560780", name="Укладка"),
    name="Укладка",
    quantity=D(2),
    unit_price=D(400),
    gross=D("800.00"),
    discount=D("0.00"),
    total=D("800.00"),
)
ATTENDED = Header(
    occurred_at=at(12, 0),
    provider_at=at(20, 35, 11, day=12),
    utc_offset=180,
    currency="RUB",
    location=CAFE,
    employee=MARIA,
    # 1500 + 800; 150 + 0; 1350 + 800
    gross_total=D("2300.00"),
    discount_total=D("150.00"),
    total=D("2150.00"),
)
VISIT = SaleDraft(
    external_id="record:1680739923",
    version=changed(13, 5),
    header=ATTENDED,
    lines=(HAIRCUT, STYLING),
    customer=CustomerLink(customer=ANNA),
)


def visit(number: int = 1680739923, *, header: dict[str, Any], **draft: Any) -> SaleDraft:
    return replace(
        VISIT, external_id=f"record:{number}", header=replace(ATTENDED, **header), **draft
    )


#: What is no sale yet happened when it was booked.
BOOKED: dict[str, Any] = {"kind": "other", "status": "open", "occurred_at": at(20, 35, 11, day=12)}
COFFEE = replace(
    HAIRCUT,
    product=Mention(external_id="101", name="Кофе"),
    name="Кофе",
    quantity=D(2),
    unit_price=D(150),
    gross=D("300.00"),
    discount=D("30.00"),
    total=D("270.00"),
)
CROISSANT = replace(
    COFFEE,
    product=Mention(external_id="102", name="Круассан"),
    name="Круассан",
    quantity=D(1),
    unit_price=D(120),
    gross=D("120.00"),
    discount=D("12.00"),
    total=D("108.00"),
)

# --- money: 2150 in cash for the haircut's visit --------------------------------------------------

PAID = Payment(
    method="cash",
    amount=D("2150.00"),
    currency="RUB",
    provider_method="Основная касса",
    paid_at=at(13, 4, 31),
    location=CAFE,
    employee=MARIA,
    customer=ANNA,
)
CASH = PaymentDraft(
    external_id="finances_operation:1458701445",
    version=changed(13, 4, 31),
    sale_external_id="record:1680739923",
    content=PAID,
)


def money(number: int = 1458701445, *, content: dict[str, Any], **draft: Any) -> PaymentDraft:
    return replace(
        CASH,
        external_id=f"finances_operation:{number}",
        content=replace(PAID, **content),
        **draft,
    )


CLIENT = ReferenceDraft(
    kind=ReferenceKind.CUSTOMER,
    external_id="45123456",
    version=changed(11, 0),
    content={"name": "Иванова Анна", "phone": "+79000000000", "email": None},
)

CASES: dict[str, Case] = {
    "goods_operations_sale__shampoo": [GOODS],
    # 620 − 558 = 62
    "goods_operations_sale__changed": [
        replace(
            GOODS,
            version=changed(15, 20),
            header=replace(SOLD, discount_total=D("62.00"), total=D("558.00")),
            lines=(replace(SHAMPOO, discount=D("62.00"), total=D("558.00")),),
        )
    ],
    "goods_operations_sale__deleted": [
        replace(GOODS, version=until_its_end(changed(15, 30, 10)), gone=True)
    ],
    # 1.5 × 150.50 = 225.75; ``client: []`` is nobody
    "goods_operations_sale__of_a_visit": [
        goods(
            124876600,
            header={"employee": MARIA, "gross_total": D("225.75"), "total": D("225.75")},
            line={
                "unit": "Метр",
                "quantity": D("1.5"),
                "unit_price": D("150.5"),
                "gross": D("225.75"),
                "total": D("225.75"),
            },
            customer=CustomerLink(customer=None),
        )
    ],
    "goods_operations_sale__certificate": [
        goods(
            124876601,
            header={"kind": "advance", "gross_total": D("3000.00"), "total": D("3000.00")},
            line={
                "kind": "gift_card",
                "product": Mention(external_id="5512399", name="Сертификат 3000"),
                "name": "Сертификат 3000",
                "unit_price": D(3000),
                "gross": D("3000.00"),
                "total": D("3000.00"),
            },
        )
    ],
    "goods_operations_sale__put_back": UNSUPPORTED,
    # Sold for 700, which is more than 1 × 620: then 700 is the price of it all.
    "goods_operations_sale__without_zone": [
        goods(
            124876603,
            header={"gross_total": D("700.00"), "total": D("700.00")},
            line={"unit_price": None, "gross": D("700.00"), "total": D("700.00")},
            version=UNDATED,
        )
    ],
    "goods_operations_sale__cost_of_words": Unrecognised("data.cost"),
    "goods_operations_sale.listed__page": [
        replace(GOODS, version=changed(15, 8, 44, seq=SENT), header=replace(SOLD, location=None)),
        # It does not say whether it sold a certificate; a receipt of goods is no sale.
        goods(
            124876604,
            header={"location": None},
            line={},
            version=replace(changed(16, 0, seq=SENT), rank=Rank.PARTIAL),
        ),
    ],
    "goods_operations_receipt__stock": IGNORED,
    "goods_operations_consumable__stock": IGNORED,
    "goods_operations_stolen__stock": IGNORED,
    "goods_operations_move__stock": IGNORED,
    "record__paid": [VISIT],
    "record__booked": [visit(header=BOOKED, version=changed(20, 35, 15, day=12))],
    "record__unpaid": [visit(header=BOOKED, version=changed(13, 0))],
    # The haircut for 1600 where the list says 1500: its price is 1600.
    "record__changed": [
        visit(
            header={
                "gross_total": D("1600.00"),
                "discount_total": D("0.00"),
                "total": D("1600.00"),
            },
            lines=(
                replace(
                    HAIRCUT,
                    unit_price=None,
                    gross=D("1600.00"),
                    discount=D("0.00"),
                    total=D("1600.00"),
                ),
            ),
            version=changed(13, 40),
        )
    ],
    "record__paid_ahead": [
        visit(
            header=BOOKED | {"kind": "prepayment", "status": "completed"},
            version=changed(20, 40, day=12),
        )
    ],
    "record__missed": [
        visit(
            header=BOOKED | {"status": "voided", "employee": None},
            customer=CustomerLink(customer=None),
        )
    ],
    "record__deleted": [replace(VISIT, version=until_its_end(changed(14, 0)), gone=True)],
    "record__goods_alone": [
        visit(
            1680739930,
            header=BOOKED | dict.fromkeys(("gross_total", "discount_total", "total"), D("0.00")),
            lines=(),
        )
    ],
    # No ``datetime``: ``date`` is of the company's zone. What it cost before discounts is unknown.
    "record__without_zone": [
        visit(
            1680739931,
            header={
                "provider_at": None,
                "gross_total": None,
                "discount_total": None,
                "total": D("1350.00"),
            },
            lines=(replace(HAIRCUT, unit_price=None, gross=None, discount=None),),
            customer=None,
        )
    ],
    "record__paid_in_words": Unrecognised("data.paid_full"),
    "record__status_unknown": Unrecognised("status"),
    "record__not_json": Unrecognised("$"),
    # 300 + 120; 30 + 12; 270 + 108
    "record__same_sale": [
        visit(
            1680740000,
            header={
                "gross_total": D("420.00"),
                "discount_total": D("42.00"),
                "total": D("378.00"),
            },
            lines=(COFFEE, CROISSANT),
        )
    ],
    "record.listed__page": [
        replace(VISIT, version=changed(13, 5, seq=SENT)),
        visit(
            1680739940,
            header=BOOKED | dict.fromkeys(("gross_total", "discount_total", "total"), D("0.00")),
            lines=(),
            version=changed(14, 0, seq=SENT),
            gone=True,
        ),
    ],
    "record.listed__empty": IGNORED,
    "goods_operations_sale.listed__empty": IGNORED,
    "finances_operation__cash": [CASH],
    "finances_operation__changed": [
        money(content={"amount": D("2000.00")}, version=changed(13, 10))
    ],
    "finances_operation__deleted": [replace(CASH, version=until_its_end(CASH.version), gone=True)],
    # Of goods, so of no sale that is known for certain; nobody says that the till is of cash.
    "finances_operation__goods": [
        money(
            1458701446,
            content={
                "method": "other",
                "amount": D("620.00"),
                "provider_method": "Карты",
                "paid_at": at(15, 9),
                "employee": None,
                "customer": None,
            },
            sale_external_id=None,
            version=UNDATED,
        )
    ],
    "finances_operation__negative": UNSUPPORTED,
    "finances_operation__top_up": IGNORED,
    "finances_operation__wages": IGNORED,
    "finances_operation__same_sale_cash": [
        money(
            1458702001,
            content={"amount": D("200.00"), "paid_at": at(12, 0)},
            sale_external_id="record:1680740000",
        )
    ],
    "finances_operation__same_sale_card": [
        money(
            1458702002,
            content={
                "method": "other",
                "amount": D("178.00"),
                "provider_method": "Карты",
                "paid_at": at(12, 0),
            },
            sale_external_id="record:1680740000",
        )
    ],
    "finances_operation__amount_of_words": Unrecognised("data.amount"),
    "client__changed": [CLIENT],
    "client__deleted": [replace(CLIENT, version=until_its_end(changed(11, 30)), gone=True)],
    "client__undated": [
        replace(
            CLIENT,
            external_id="45123457",
            version=UNDATED,
            content={"name": "Пётр П.", "phone": "79000000001", "email": "petr@example.org"},
        )
    ],
    "schedule__hours": IGNORED,
    "good__renamed": UNSUPPORTED,
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    answered = name in ANSWERS
    found = (
        outcome_of_answer(PROVIDER, ANSWERS[name]) if answered else outcome(PROVIDER, SAMPLES[name])
    )

    assert found == CASES[name]


def stated(name: str, zone: str = "Europe/Moscow", **settings: Any) -> Sequence[Any]:
    """Return what the one event of a sample states to a source with these settings."""
    (event,) = PROVIDER.split(samples.signed(SAMPLES[name], PROVIDER, url=TEST_URL))
    context = replace(context_of(PROVIDER), timezone=zone, settings=settings)
    return PROVIDER.normalisers[event.type](event, context) or ()


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        # On 29 March 2026 a quarter past two does not occur in Berlin: an hour on, as after it.
        ("2026-03-29 02:15:00", datetime(2026, 3, 29, 1, 15, tzinfo=UTC)),
        # On 25 October it occurs twice: the first is still summer's.
        ("2026-10-25 02:15:00", datetime(2026, 10, 25, 0, 15, tzinfo=UTC)),
        # With its offset a time is what it is, wherever the company is.
        ("2026-10-25T02:15:00+0100", datetime(2026, 10, 25, 1, 15, tzinfo=UTC)),
    ],
)
def test_a_time_without_offset_is_of_the_companys_zone(written: str, moment: datetime) -> None:
    (event,) = PROVIDER.split(samples.signed(SAMPLES["record__without_zone"], PROVIDER))
    event.payload["data"]["date"] = written
    context = replace(context_of(PROVIDER), timezone="Europe/Berlin")

    (sale,) = PROVIDER.normalisers["record"](event, context) or ()

    assert isinstance(sale, SaleDraft)
    assert sale.header is not None
    assert sale.header.occurred_at is not None
    assert sale.header.occurred_at.astimezone(UTC) == moment


def test_an_event_of_another_company_is_refused_and_the_sources_own_is_not() -> None:
    assert stated("record__paid", company="169643") == CASES["record__paid"]
    with pytest.raises(PayloadUnrecognised, match=r"company_id: not 169644"):
        stated("record__paid", company="169644")


def test_what_is_told_twice_is_one_event_and_a_change_is_another() -> None:
    keys = {
        name: [event.key for event in PROVIDER.split(samples.signed(SAMPLES[name], PROVIDER))]
        for name in ("record__paid", "record__changed", "record__deleted")
    }

    assert keys == {
        "record__paid": ["record:1680739923:update"],
        "record__changed": ["record:1680739923:update"],  # the hash of the body tells them apart
        "record__deleted": ["record:1680739923:delete"],
    }
