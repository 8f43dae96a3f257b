"""What merchants of Clover state, worked out by hand from its notices and recorded answers.

Everything is of 14 September 2026. At 12:08:40 UTC the notices came.
"""

import json
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
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import Delivery, PayloadUnrecognised, Read
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
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

from . import PROVIDER
from .asking import API, read_merchant, read_region
from .payload import code

SAMPLES = samples.load("clover")
ANSWERS = samples.load_answers("clover")
#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in microseconds.
MIDNIGHT = 20_710 * 86_400 * 1_000_000
MINE, OTHER = "XYZVJT2ZRRRSC", "MRCVJT2ZRRRSC"


def clock(hour: int, minute: int = 0, second: int = 0, milli: int = 0) -> int:
    return MIDNIGHT + (((hour * 60 + minute) * 60 + second) * 1000 + milli) * 1000


def moment(hour: int, minute: int = 0, second: int = 0, milli: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, milli * 1000, tzinfo=UTC)


#: When every answer was asked for.
SENT = clock(17, 59, 58)
#: An order rung at 12:07:40 and paid at 12:08:44, which the server heard of 0.811 s later.
RUNG, PAID = moment(12, 7, 40), moment(12, 8, 44)
AS_PAID = Version(Rank.FULL, clock(12, 8, 44, 811), SENT)
AS_OPENED = Version(Rank.FULL, clock(12, 7, 41), SENT)
AS_BACK = Version(Rank.FULL, clock(12, 30, 0, 500), SENT)
AS_READ = Version(Rank.FULL, SENT, 0, OrderedBy.READ)
#: 12:09:40.500 to the end of its millisecond.
GONE = Version(Rank.FULL, clock(12, 9, 40, 500) + 999)
ABSENT = Version(Rank.FULL, SENT + 999_999, SENT, OrderedBy.READ)
EMPLOYEE = Mention(external_id="EM1VJT2ABCRSC")
TILL = Mention(external_id="2c1f7a5e-5c7c-4d6b-8f6e-1f2e3d4c5b6a")
ANNA = CustomerLink(customer=Mention(external_id="CU1VJT2ABCRSC"))
NOBODY = CustomerLink(customer=None)


def read(kind: str, name: str) -> Read:
    return Read(kind, name, settle=10.0)


def gone(name: str, version: Version) -> SaleDraft:
    return SaleDraft(external_id=name, version=version, gone=True)


def unpaid(name: str, version: Version) -> PaymentDraft:
    return PaymentDraft(external_id=name, version=version, gone=True)


def left(name: str, version: Version) -> ReferenceDraft:
    return ReferenceDraft(kind=ReferenceKind.CUSTOMER, external_id=name, version=version, gone=True)


def line(number: str, name: str, gross: str, discount: str, total: str, **more: Any) -> Line:
    told: dict[str, Any] = {
        "key": f"LI{number}VJT2ABCRSC",
        "product": Mention(external_id=f"IT{number}VJT2ABCRSC", name=name),
        "name": name,
        "quantity": D(1),
        "unit_price": D(gross),
        "gross": D(gross),
        "discount": D(discount),
        "total": D(total),
    }
    return Line(**{**told, **more})


def paid(
    name: str, order: str | None, method: str, amount: str, version: Version = AS_PAID, **more: Any
) -> PaymentDraft:
    content = Payment(
        external_id=name,
        method=method,
        amount=D(amount),
        **{"currency": "USD", "paid_at": PAID, "employee": EMPLOYEE, **more},
    )
    return PaymentDraft(
        external_id=name, version=version, sale_external_id=order or name, content=content
    )


TAX = {"tax_code": "other", "tax_rate": D("8.25"), "tax_included": False}
GHI = "GHIVJT2ABCRSC"
HEADER = Header(
    number="12",
    occurred_at=PAID,
    provider_at=RUNG,
    currency="USD",
    device=TILL,
    employee=EMPLOYEE,
    tax_included=False,
    # 11.69 and 1.00 of a tip
    total=D("12.69"),
    tip_total=D("1.00"),
    gross_total=D("12.00"),
    discount_total=D("1.20"),
    tax_total=D("0.89"),
    discounts=(Discount(name="Regular", percent=D(10)),),
)
# 4.50 + 4.50 + 3.00 = 12.00, 10 % off is 1.20; 8.25 % of 10.80 on top is 0.89: 11.69
COFFEES = (
    line("1", "Coffee", "4.50", "0.45", "4.05", **TAX),
    line("2", "Coffee", "4.50", "0.45", "4.05", **TAX),
    line("3", "Croissant", "3.00", "0.30", "2.70", **TAX),
)
CASH = paid(
    "PA1VJT2ABCRSC",
    GHI,
    "cash",
    "5.00",
    provider_method="Cash",
    tendered=D("10.00"),
    change=D("5.00"),
)
# 6.69 and the tip
CARD = paid(
    "PAYVJT2ABCRSC",
    GHI,
    "card",
    "7.69",
    provider_method="Credit Card",
    tip=D("1.00"),
    last4="4242",
)
PAYMENTS = [CASH, CARD]
SALE = SaleDraft(external_id=GHI, version=AS_PAID, header=HEADER, lines=COFFEES, customer=ANNA)
# 2.70 and 0.22 of tax
BACK = Refund(
    external_id="RE1VJT2ABCRSC",
    sale_external_id=GHI,
    payment_external_id="PA1VJT2ABCRSC",
    total=D("2.92"),
    tax_total=D("0.22"),
    currency="USD",
    occurred_at=moment(12, 30),
    lines=(
        RefundLine(
            sale_line_key="LI3VJT2ABCRSC",
            product=Mention(external_id="IT3VJT2ABCRSC", name="Croissant"),
            name="Croissant",
            quantity=D(1),
        ),
    ),
    device=TILL,
    employee=EMPLOYEE,
)


def back(content: Refund, version: Version = AS_BACK) -> RefundDraft:
    return RefundDraft(external_id=content.external_id or "", version=version, content=content)


PLAIN: dict[str, Any] = {"tax_included": False, "discounts": (), "device": None}
REF, VAT, ODD, MANY = (f"{name}VJT2ABCRSC" for name in ("REF", "VAT", "ODD", "MNY"))
ALL_BACK = Refund(
    external_id="RE5VJT2ABCRSC",
    sale_external_id=REF,
    payment_external_id="PA5VJT2ABCRSC",
    total=D("10.00"),
    tax_total=D("0.00"),
    currency="USD",
    occurred_at=moment(12, 30, 0, 500),
    employee=EMPLOYEE,
    reason="Cold",
)


def sweet(number: str) -> Line:
    return replace(
        line("1", "Sweet", "0.10", "0.00", "0.10"),
        key=f"LA{number}VJT2ABCRSC",
        product=Mention(external_id=f"IT{number}VJT2ABCRSC", name="Sweet"),
    )


CASES: dict[str, Case] = {
    "order.create__two_merchants": [
        read("order", GHI),
        read("payment", "PAYVJT2ABCRSC"),
        read("order", "ABCVJT2ZRRRSC"),
    ],
    "order.update__changed": [read("order", GHI)],
    "order.delete__gone": [gone("DE1VJT2ABCRSC", GONE)],
    "order.delete__no_time": Unrecognised("ts"),
    "order.update__strange_id": Unrecognised("objectId"),
    "order.update__no_merchants": Unrecognised("merchants"),
    "payment.update__tip": [read("payment", "PAYVJT2ABCRSC")],
    "payment.delete__gone": [unpaid("PA9VJT2ABCRSC", GONE)],
    "customer.create__new_and_gone": [
        read("customer", "CU1VJT2ABCRSC"),
        read("customer", "CU1VJT2ABCRSC"),
        left("CU9VJT2ABCRSC", GONE),
    ],
    "item.update__later": UNSUPPORTED,
    "app.create__no_sales": IGNORED,
    "unreadable__no_object": Unrecognised("objectId"),
    "verification__code": IGNORED,
    "order.read__paid": [SALE, *PAYMENTS],
    "order.read__croissant_back": [replace(SALE, version=AS_BACK), *PAYMENTS, back(BACK)],
    "order.read__all_back": [
        SaleDraft(
            external_id=REF,
            version=AS_BACK,
            header=replace(
                HEADER,
                **PLAIN,
                total=D("10.00"),
                tip_total=None,
                gross_total=D("10.00"),
                discount_total=D("0.00"),
                tax_total=D("0.00"),
            ),
            lines=(line("5", "Lunch", "10.00", "0.00", "10.00"),),
            customer=NOBODY,
        ),
        paid("PA5VJT2ABCRSC", REF, "card", "10.00", provider_method="Debit Card"),
        back(ALL_BACK),
        back(
            replace(
                ALL_BACK,
                external_id="RE6VJT2ABCRSC",
                status="failed",
                tax_total=None,
                occurred_at=moment(12, 29, 0, 500),
                employee=None,
                reason=None,
            ),
            Version(Rank.FULL, clock(12, 29, 0, 500), SENT),
        ),
    ],
    # Nobody paid yet: what the tax on top will be is not said, and what it adds up to neither.
    "order.read__open": [
        SaleDraft(
            external_id="OPNVJT2ABCRSC",
            version=AS_OPENED,
            header=Header(
                status="open",
                number="Table 4",
                occurred_at=RUNG,
                provider_at=RUNG,
                currency="USD",
                device=TILL,
                employee=EMPLOYEE,
                tax_included=False,
                total=D("4.50"),
            ),
            lines=(line("6", "Coffee", "4.50", "0.00", "4.50"),),
            customer=NOBODY,
        )
    ],
    "order.read__not_shown_yet": [
        SaleDraft(
            external_id="HIDVJT2ABCRSC",
            version=AS_OPENED,
            header=Header(
                kind="other",
                status="open",
                occurred_at=RUNG,
                provider_at=RUNG,
                currency="USD",
                tax_included=False,
            ),
            lines=(),
            customer=NOBODY,
        )
    ],
    # 0.250 kg at 20.00 is 5.00, 0.50 off: 4.50. A latte at 4.00 and milk at 0.50. 10 % of 9.00 for
    # service is 0.90: 9.90, with 0.83 of VAT in it.
    "order.read__vat_weighed_service": [
        SaleDraft(
            external_id=VAT,
            version=AS_PAID,
            header=replace(
                HEADER,
                **PLAIN | {"tax_included": True},
                currency="EUR",
                total=D("9.90"),
                tip_total=None,
                gross_total=D("9.50"),
                discount_total=D("0.50"),
                service_total=D("0.90"),
                tax_total=D("0.83"),
            ),
            lines=(
                line(
                    *("7", "Cheese", "5.00", "0.50", "4.50"),
                    sku="CH-1",
                    unit="kg",
                    quantity=D("0.250"),
                    unit_price=D("20.00"),
                    tax_code="20",
                    tax_rate=D(20),
                    tax_included=True,
                ),
                line("8", "Latte", "4.00", "0.00", "4.00"),
                line(
                    *("8", "Oat milk", "0.50", "0.00", "0.50"),
                    key="MO8VJT2ABCRSC",
                    parent_key="LI8VJT2ABCRSC",
                    product=None,
                ),
            ),
            customer=NOBODY,
        ),
        paid("PA7VJT2ABCRSC", VAT, "card", "9.90", provider_method="Card", currency="EUR"),
    ],
    # 8.00 is not 7.77: what makes it up is left open. A voided payment counts in nothing.
    "order.read__does_not_add_up": [
        SaleDraft(
            external_id=ODD,
            version=AS_PAID,
            header=replace(
                HEADER,
                **PLAIN,
                is_test=True,
                total=D("7.77"),
                tip_total=None,
                gross_total=None,
                discount_total=None,
                tax_total=None,
            ),
            lines=(line("9", "Gift", "8.00", "0.00", "8.00", kind="other"),),
            customer=NOBODY,
        ),
        paid(
            *("PA9VJT2ABCRSC", ODD, "other", "7.77"),
            provider_method="Voucher",
            status="cancelled",
        ),
        paid("PB9VJT2ABCRSC", ODD, "gift_card", "7.77", provider_method="Gift"),
    ],
    "order.read__more_lines_than_expanded": [
        SaleDraft(
            external_id=MANY,
            version=AS_PAID,
            header=replace(
                HEADER,
                **PLAIN,
                total=D("0.20"),
                tip_total=None,
                gross_total=D("0.20"),
                discount_total=D("0.00"),
                tax_total=D("0.00"),
            ),
            lines=(sweet("1"), sweet("2")),
            customer=NOBODY,
        ),
        paid("PC1VJT2ABCRSC", MANY, "cash", "0.20", provider_method="Cash"),
    ],
    "order.read__unknown_result": Unrecognised("answers[0].payments.elements[0].result"),
    "order.read__negative_price": Unrecognised("answers[0].lineItems.elements[0].price"),
    # 150.00 + 150.00 + 120.00 = 420.00, 10 % off: 378.00
    "order.read__same_sale": [
        SaleDraft(
            external_id="SAMVJT2ABCRSC",
            version=Version(Rank.FULL, clock(9, 30, 0, 500), SENT),
            header=replace(
                HEADER,
                occurred_at=moment(9),
                provider_at=moment(9),
                currency="RUB",
                total=D("378.00"),
                tip_total=D("0.00"),
                gross_total=D("420.00"),
                discount_total=D("42.00"),
                tax_total=D("0.00"),
            ),
            lines=tuple(
                replace(
                    line("1", name, gross, discount, total),
                    key=f"LS{number}VJT2ABCRSC",
                    product=Mention(external_id=f"IT{number}VJT2ABCRSC", name=name),
                )
                for number, name, gross, discount, total in (
                    ("1", "Кофе", "150.00", "15.00", "135.00"),
                    ("2", "Кофе", "150.00", "15.00", "135.00"),
                    ("3", "Круассан", "120.00", "12.00", "108.00"),
                )
            ),
            customer=NOBODY,
        ),
        paid(
            *("PS1VJT2ABCRSC", "SAMVJT2ABCRSC", "cash", "200.00"),
            Version(Rank.FULL, clock(9), SENT),
            currency="RUB",
            provider_method="Cash",
            tip=D("0.00"),
            tendered=D("200.00"),
            change=D("0.00"),
            paid_at=moment(9),
        ),
        paid(
            *("PS2VJT2ABCRSC", "SAMVJT2ABCRSC", "card", "178.00"),
            Version(Rank.FULL, clock(9), SENT),
            currency="RUB",
            provider_method="Card",
            tip=D("0.00"),
            paid_at=moment(9),
        ),
        back(
            Refund(
                external_id="RS1VJT2ABCRSC",
                sale_external_id="SAMVJT2ABCRSC",
                payment_external_id="PS1VJT2ABCRSC",
                total=D("108.00"),
                tax_total=D("0.00"),
                currency="RUB",
                occurred_at=moment(9, 30),
                lines=(
                    RefundLine(
                        sale_line_key="LS3VJT2ABCRSC",
                        product=Mention(external_id="IT3VJT2ABCRSC", name="Круассан"),
                        name="Круассан",
                        quantity=D(1),
                    ),
                ),
            ),
            Version(Rank.FULL, clock(9, 30), SENT),
        ),
    ],
    "order.missing__gone": [gone("DE1VJT2ABCRSC", ABSENT)],
    "order.listed__page": [
        Read("order", GHI, clock=clock(12, 8, 44, 811)),
        Read("order", "OPNVJT2ABCRSC", clock=clock(12, 7, 41)),
    ],
    "payment.read__card": [
        CARD,
        back(
            replace(
                BACK,
                external_id="RE8VJT2ABCRSC",
                payment_external_id="PAYVJT2ABCRSC",
                lines=(),
            )
        ),
        Read("order", GHI),
    ],
    # Taken, and not captured yet.
    "payment.read__without_order": [
        paid("PADVJT2ABCRSC", None, "other", "3.00", status="approved")
    ],
    "payment.missing__gone": [unpaid("PA9VJT2ABCRSC", ABSENT)],
    "customer.read__full": [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id="CU1VJT2ABCRSC",
            version=AS_READ,
            content={"name": "Anna Lee", "phone": "+1 202 555 0101", "email": "anna@example.com"},
        )
    ],
    "customer.missing__gone": [left("CU9VJT2ABCRSC", ABSENT)],
}


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_a_delivery_holds_of_each_merchant_its_own_notices_byte_for_byte() -> None:
    delivery = samples.signed(SAMPLES["order.create__two_merchants"], PROVIDER)
    assert PROVIDER.part is not None

    parts = [PROVIDER.part(delivery, merchant) for merchant in (MINE, OTHER, "NOBODY")]

    told = [json.loads(one)["merchants"] for one in parts]
    assert [[*one] for one in told] == [[MINE], [OTHER], ["NOBODY"]]
    assert [len(next(iter(one.values()))) for one in told] == [2, 1, 0]
    assert parts[0].split(b": ", 3)[3].rstrip(b"}") in delivery.body
    assert [event.merchant for event in PROVIDER.split(delivery)] == [MINE, MINE, OTHER]
    assert PROVIDER.split(replace(delivery, body=parts[1])) == PROVIDER.split(delivery)[2:]


@pytest.mark.parametrize(
    "broken",
    ["7", "{}", '{"objectId":[],"type":7,"ts":"soon"}', '{"objectId":":X","type":"UPDATE"}'],
)
def test_a_notice_that_lacks_everything_holds_up_no_other_of_its_delivery(broken: str) -> None:
    delivery = samples.signed(SAMPLES["order.update__changed"], PROVIDER)
    (alone,) = PROVIDER.split(delivery)
    told = json.loads(delivery.body)["merchants"][MINE][0]
    body = f'{{"merchants": {{"{MINE}": [{broken}, {json.dumps(told)}]}}}}'.encode()

    lacking, found = PROVIDER.split(replace(delivery, body=body))

    assert found == alone
    assert lacking.type == "unreadable"
    with pytest.raises(PayloadUnrecognised):
        PROVIDER.normalisers[lacking.type](lacking, context_of(PROVIDER))


def test_a_notice_of_another_merchant_is_refused_where_the_merchant_is_set() -> None:
    (event,) = PROVIDER.split(samples.signed(SAMPLES["order.update__changed"], PROVIDER))
    mine, other = (
        replace(context_of(PROVIDER), settings={"merchant": name}) for name in (MINE, OTHER)
    )

    assert PROVIDER.normalisers[event.type](event, mine) == (read("order", GHI),)
    with pytest.raises(PayloadUnrecognised) as refused:
        PROVIDER.normalisers[event.type](event, other)
    assert refused.value.path == "objectId"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"verificationCode": 7}',
        b'{"verificationCode": ""}',
        b'{"verificationCode": "a\\nb"}',
        b'{"verificationCode": "a", "merchants": {}}',
        b"[" * 511,
        b"\xff",
    ],
)
def test_only_a_code_alone_is_the_question_if_we_are_here(body: bytes) -> None:
    assert code(Delivery("POST", "", "", {}, body, "")) == ""
    asked = samples.bare(SAMPLES["verification__code"])
    assert code(asked) == "6c9f1c7e-2c8a-4c2e-9a6a-1f2e3d4c5b6a"


ASKED = Asked("order", GHI, {"merchant": MINE}, "token")


def reply(body: Any) -> Reply:
    return Reply(200, {}, body)


def full(count: int) -> dict[str, Any]:
    return {"elements": [{}] * count}


def test_an_order_is_one_call_and_where_it_has_more_lines_than_are_expanded_more() -> None:
    next_call = API.reads["order"]
    large = reply({"lineItems": full(100)})

    first, second = next_call(ASKED, []), next_call(ASKED, [large])
    third = next_call(ASKED, [large, reply(full(1000))])

    assert first is not None
    assert second is not None
    assert third is not None
    assert first.path == f"/v3/merchants/{MINE}/orders/{GHI}"
    assert first.headers == {"Authorization": "Bearer token"}
    assert "lineItems.modifications" in dict(first.query)["expand"]
    assert second.path == third.path == f"{first.path}/line_items"
    assert (dict(second.query)["offset"], dict(third.query)["offset"]) == ("0", "1000")
    for last in ([reply({"lineItems": full(99)})], [reply(None)], [large, reply(full(999))]):
        assert next_call(ASKED, last) is None
    for kind, path in (("payment", "payments"), ("customer", "customers")):
        call = API.reads[kind](ASKED, [])
        assert call is not None
        assert call.path == f"/v3/merchants/{MINE}/{path}/{GHI}"
        assert API.reads[kind](ASKED, [reply({})]) is None


def test_lost_orders_are_listed_by_their_change_with_pages_that_overlap() -> None:
    listing = API.lists["order"]
    window = Window(moment(9), moment(10))

    call = listing.call(ASKED, window, "80")

    assert call.query == (
        ("filter", "modifiedTime>=1789376400000"),
        ("filter", "modifiedTime<=1789380000000"),
        ("limit", "100"),
        ("offset", "80"),
    )
    assert listing.cursor(reply(full(100)), None) == "80"
    assert listing.cursor(reply(full(100)), "80") == "160"
    assert listing.cursor(reply(full(99)), "80") is None
    assert listing.cursor(reply([]), None) is None


def test_a_merchant_and_a_region_are_named() -> None:
    assert read_merchant(f" {MINE} ") == MINE
    for wrong in ("../x", "X" * 14, "Ж1"):
        with pytest.raises(ValueError, match=wrong):
            read_merchant(wrong)
    assert API.host({}) == "api.clover.com"
    assert API.host({"region": read_region(" EU ")}) == "api.eu.clover.com"
    with pytest.raises(ValueError, match="moon"):
        read_region("moon")
