"""What each recorded delivery of WooCommerce becomes, worked out by hand from its body."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from integrations import samples
from integrations.cases import (
    IGNORED,
    RECEIVED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    outcome,
    outcome_of_answer,
)
from integrations.contract import Delivery
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
    ReferenceDraft,
    ReferenceKind,
    Refund,
    SaleDraft,
    Version,
)

from . import PROVIDER
from .payload import split

SAMPLES, ANSWERS = samples.load("woocommerce"), samples.load_answers("woocommerce")
NOBODY = CustomerLink(customer=None)
BUYER = CustomerLink(customer=Mention(external_id="26", name="John Doe"))
#: What has no clock of its own is dated by its receipt.
RECEIPT = Version(Rank.FULL, RECEIVED, 0, OrderedBy.RECEIPT)


def at(hour: int, minute: int = 0, second: int = 0, day: int = 14) -> datetime:
    return datetime(2026, 9, day, hour, minute, second, tzinfo=UTC)


def clock(time: datetime, seq: int = 0) -> Version:
    return Version(Rank.FULL, int(time.timestamp()) * 1_000_000, seq)


CROISSANT = Line(
    key="316",
    product=Mention(external_id="22", name="Croissant"),
    name="Croissant",
    sku="CRO",
    quantity=D(1),
    unit_price=D(3),
    gross=D("3.00"),
    discount=D("0.00"),
    total=D("3.00"),
    tax_code="other",
    tax_amount=D("0.60"),
    tax_included=False,
)
# 9.00 − 8.00 = 1.00 off; 9.00 / 2 = 4.50 each; the tax of what was paid is 1.60
CAPPUCCINO = replace(
    CROISSANT,
    key="315",
    product=Mention(external_id="93", name="Cappuccino"),
    name="Cappuccino",
    sku="CAP-L",
    quantity=D(2),
    unit_price=D("4.50"),
    gross=D("9.00"),
    discount=D("1.00"),
    total=D("8.00"),
    tax_amount=D("1.60"),
)
# 9 + 3 = 12 gross, − 1 of the coupon, + 2.20 of tax on top = 13.20
OPEN = SaleDraft(
    external_id="727",
    version=clock(at(12, 8, 44)),
    header=Header(
        status="open",
        number="727",
        occurred_at=at(12, 8, 44),
        provider_at=at(12, 8, 44),
        currency="EUR",
        channel="online",
        tax_included=False,
        gross_total=D("12.00"),
        discount_total=D("1.00"),
        service_total=D("0.00"),
        delivery_total=D("0.00"),
        tax_total=D("2.20"),
        total=D("13.20"),
        discounts=(Discount(kind="coupon", name="happyhour", amount=D("1.00")),),
    ),
    lines=(CAPPUCCINO, CROISSANT),
    money=Money(),
    customer=BUYER,
)
assert OPEN.header is not None
PAID = replace(OPEN.header, status="completed")
CASH = Payment(
    method="cash",
    amount=D("13.20"),
    currency="EUR",
    provider_method="Cash",
    paid_at=at(12, 8, 50),
)
# 3.00 + 0.60 of tax = 3.60 came back
BACK = Refund(external_id="728", total=D("3.60"), currency="EUR", reason="returned")
PARTLY = replace(
    OPEN,
    version=clock(at(12, 20, 31), seq=1),
    header=PAID,
    money=Money(payments=(CASH,), refunds=(BACK,)),
)
# 3.60 + 9.60 = 13.20: all of it
REST = Refund(external_id="729", total=D("9.60"), currency="EUR")
WHOLLY = replace(
    PARTLY,
    version=clock(at(12, 30), seq=2),
    money=Money(payments=(CASH,), refunds=(BACK, REST)),
)
# With tax: 8.33 + 1.67 = 10 of beans, 4.17 + 0.83 = 5 of delivery, 1.67 + 0.33 = 2 of wrapping,
# 0.83 + 0.17 = 1 off: 10 − 1 + 2 + 5 = 16, of which 1.67 + 0.83 + 0.33 − 0.17 = 2.66 are tax
CHANGED = SaleDraft(
    external_id="731",
    version=clock(at(13, 5)),
    header=Header(
        status="completed",
        number="731",
        occurred_at=at(13),
        provider_at=at(13),
        currency="EUR",
        channel="online",
        tax_included=True,
        gross_total=D("10.00"),
        discount_total=D("1.00"),
        service_total=D("2.00"),
        delivery_total=D("5.00"),
        tax_total=D("2.66"),
        total=D("16.00"),
        discounts=(Discount(name="Loyalty", amount=D("1.00")),),
    ),
    lines=(
        Line(
            key="320",
            product=Mention(external_id="94", name="Beans 250 g"),
            name="Beans 250 g",
            quantity=D(1),
            unit_price=D(10),
            gross=D("10.00"),
            discount=D("0.00"),
            total=D("10.00"),
            tax_code="other",
            tax_amount=D("1.67"),
            tax_included=True,
        ),
    ),
    money=Money(
        payments=(
            Payment(
                method="other",
                amount=D("16.00"),
                currency="EUR",
                external_id="ch_0000000000000001",
                provider_method="Credit card",
                paid_at=at(13, 0, 10),
            ),
        )
    ),
    customer=NOBODY,
)
CANCELLED = SaleDraft(
    external_id="730",
    version=clock(at(14)),
    header=replace(
        OPEN.header,
        status="voided",
        number="730",
        occurred_at=at(13),
        provider_at=at(13),
        gross_total=D("3.00"),
        discount_total=D("0.00"),
        tax_total=D("0.00"),
        total=D("3.00"),
        discounts=(),
    ),
    lines=(replace(CROISSANT, key="324", tax_code="none", tax_amount=D("0.00")),),
    money=Money(),
    customer=BUYER,
)
assert CANCELLED.header is not None
RESTORED = replace(
    CANCELLED, version=clock(at(14, 20)), header=replace(CANCELLED.header, status="open")
)
COFFEE = Line(
    key="401",
    product=Mention(external_id="93", name="Кофе"),
    name="Кофе",
    sku="CAP-L",
    quantity=D(2),
    unit_price=D(150),
    gross=D("300.00"),
    discount=D("30.00"),
    total=D("270.00"),
    tax_code="none",
    tax_amount=D("0.00"),
    tax_included=True,
)
# 300 + 120 = 420, − 42 = 378, of which 108 came back
SAME = SaleDraft(
    external_id="800",
    version=clock(at(9, 30), seq=1),
    header=Header(
        status="completed",
        number="800",
        occurred_at=at(9),
        provider_at=at(9),
        currency="RUB",
        channel="online",
        tax_included=True,
        gross_total=D("420.00"),
        discount_total=D("42.00"),
        service_total=D("0.00"),
        delivery_total=D("0.00"),
        tax_total=D("0.00"),
        total=D("378.00"),
        discounts=(Discount(kind="coupon", name="ten", amount=D("42.00")),),
    ),
    lines=(
        COFFEE,
        replace(
            COFFEE,
            key="402",
            product=Mention(external_id="22", name="Круассан"),
            name="Круассан",
            sku="CRO",
            quantity=D(1),
            unit_price=D(120),
            gross=D("120.00"),
            discount=D("12.00"),
            total=D("108.00"),
        ),
    ),
    money=Money(
        payments=(replace(CASH, amount=D("378.00"), currency="RUB", paid_at=at(9)),),
        refunds=(Refund(external_id="801", total=D("108.00"), currency="RUB"),),
    ),
    customer=NOBODY,
)
CUSTOMER = ReferenceDraft(
    kind=ReferenceKind.CUSTOMER,
    external_id="26",
    version=clock(at(8, day=1)),
    content={"name": "John Doe", "phone": "+49 30 0000000", "email": "buyer@example.com"},
)
PRODUCT = ReferenceDraft(
    kind=ReferenceKind.PRODUCT,
    external_id="93",
    version=clock(at(10)),
    content={"name": "Cappuccino", "sku": "CAP-L"},
)


def gone(kind: ReferenceKind, name: str) -> ReferenceDraft:
    return ReferenceDraft(kind=kind, external_id=name, version=RECEIPT, gone=True)


def listed(sale: SaleDraft) -> SaleDraft:
    return replace(sale, version=replace(sale.version, seq=SENT))


CASES: dict[str, Case] = {
    "order.created__sale": [OPEN],
    "order.created__no_topic": Unrecognised("headers.x-wc-webhook-topic"),
    "order.updated__partial_refund": [PARTLY],
    "order.updated__full_refund": [WHOLLY],
    "order.updated__changed": [CHANGED],
    "order.updated__cancelled": [CANCELLED],
    "order.updated__trash": [SaleDraft(external_id="730", version=clock(at(14, 10)), gone=True)],
    "order.updated__unrecognised": Unrecognised("line_items[1].total"),
    "order.updated__same_sale": [SAME],
    "order.restored__pending": [RESTORED],
    "order.deleted__trash": [SaleDraft(external_id="730", version=RECEIPT, gone=True)],
    "order.listed__page": [listed(PARTLY), listed(CHANGED)],
    "customer.created__buyer": [CUSTOMER],
    "customer.updated__named": [
        replace(
            CUSTOMER,
            version=clock(at(10)),
            content={"name": "Johnny Doe", "phone": "+49 30 0000000", "email": "buyer@example.com"},
        )
    ],
    "customer.deleted__gone": [gone(ReferenceKind.CUSTOMER, "26")],
    "product.created__cappuccino": [PRODUCT],
    "product.updated__cappuccino": [PRODUCT],
    "product.restored__cappuccino": [PRODUCT],
    "product.deleted__gone": [gone(ReferenceKind.PRODUCT, "93")],
    "coupon.created__ignored": IGNORED,
    "coupon.updated__ignored": IGNORED,
    "coupon.restored__ignored": IGNORED,
    "coupon.deleted__ignored": IGNORED,
    "action.woocommerce_payment_complete__unsupported": UNSUPPORTED,
    "ping__saved": IGNORED,
}


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() | ANSWERS.keys() | CASES.keys()))
def test_a_recorded_text_states_what_was_worked_out_by_hand(name: str) -> None:
    if name in ANSWERS:
        assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]
    else:
        assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


def test_an_order_that_is_deleted_again_is_another_event() -> None:
    sample = SAMPLES["order.deleted__trash"]
    again = {**sample.headers, "x-wc-webhook-delivery-id": "f" * 32}

    (first,) = split(samples.bare(sample))
    (second,) = split(samples.bare(replace(sample, headers=again)))

    assert first.key != second.key


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (b'"total":"-3.60"', b'"total":"3.60"', "refunds[0].total"),
        (b'"quantity":2', b'"quantity":-2', "line_items[0]"),
        (b'"currency":"EUR"', b'"currency":"euro"', "currency"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(old: bytes, new: bytes, path: str) -> None:
    sample = SAMPLES["order.updated__partial_refund"]
    assert old in sample.body

    found = outcome(PROVIDER, replace(sample, body=sample.body.replace(old, new, 1)))

    assert found == Unrecognised(path)


@pytest.mark.parametrize(
    ("status", "paid", "ours"),
    [
        ("pending", False, "open"),
        ("on-hold", False, "open"),
        ("processing", False, "open"),
        ("processing", True, "completed"),
        ("packed-by-a-plugin", True, "completed"),
        ("completed", False, "completed"),
        ("cancelled", True, "voided"),
        ("failed", False, "voided"),
    ],
)
def test_the_state_of_an_order(status: str, paid: bool, ours: str) -> None:
    sample = SAMPLES["order.updated__partial_refund" if paid else "order.created__sale"]
    was = b'"status":"completed"' if paid else b'"status":"processing"'
    body = sample.body.replace(was, b'"status":"%s"' % status.encode(), 1)

    found = outcome(PROVIDER, replace(sample, body=body))

    assert isinstance(found, list)
    (sale,) = found
    assert isinstance(sale, SaleDraft)
    assert sale.header is not None
    assert sale.header.status == ours


@pytest.mark.parametrize(
    ("body", "headers", "is_ping"),
    [
        (b"webhook_id=5", {}, True),
        (b"webhook_id=5&id=727", {}, False),
        (b"webhook_id=", {}, False),
        (b"webhook_id=5\n", {}, False),
        (b'{"id":727}', {}, False),
        (b"webhook_id=5", {"x-wc-webhook-topic": "order.created"}, False),
    ],
)
def test_a_ping_is_the_number_of_a_webhook_and_nothing_else(
    body: bytes, headers: dict[str, str], is_ping: bool
) -> None:
    assert PROVIDER.handshake is not None
    assert PROVIDER.handshake(Delivery("POST", "", "", headers, body, "")) is is_ping
