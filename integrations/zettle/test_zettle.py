"""What Zettle states, worked out by hand from the documented example and others made after it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any
from urllib.parse import parse_qsl

import pytest

from integrations import samples
from integrations.asking import Access, Asked, Reply, Window
from integrations.cases import (
    IGNORED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    outcome,
    outcome_of_answer,
)
from integrations.contract import Delivery
from sales.drafts import (
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
from .asking import API, access, log_in
from .payload import is_test_message

SAMPLES = samples.load("zettle")
ANSWERS = samples.load_answers("zettle")
#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in microseconds.
MIDNIGHT = 20_710 * 86_400 * 1_000_000
SOLD, MILLI = datetime(2026, 9, 14, 12, 8, 44, 11_000, tzinfo=UTC), 11_000
BACK = datetime(2026, 9, 14, 12, 20, 31, tzinfo=UTC)
JOHN = Mention(external_id="7a1abbf4-b5e2-4c70-8b21-f4ec5b00c463", name="John Smith")


def at(hour: int, minute: int = 0, second: int = 0, micro: int = 0) -> Version:
    clock = MIDNIGHT + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro
    return Version(Rank.FULL, clock)


def uuid(end: str) -> str:
    return f"7cdf4ae2-a110-11eb-a7f9-{end:0>12}"


# 2 × 4 + 3 = 11, of which 1.83 is VAT: a sixth.
HEADER = Header(
    number="12776",
    occurred_at=SOLD,
    provider_at=SOLD,
    currency="GBP",
    employee=JOHN,
    tax_included=True,
    gross_total=D("11.00"),
    discount_total=D("0.00"),
    tip_total=D("0.00"),
    tax_total=D("1.83"),
    total=D("11.00"),
)
CAPPUCCINO = Line(
    key="0",
    product=Mention(external_id="4a98a671-7c2e-11eb-bb38-e398536ff6aa", name="Cappuccino / Large"),
    name="Cappuccino / Large",
    sku="CAP-L",
    quantity=D(2),
    unit_price=D("4.00"),
    gross=D("8.00"),
    discount=D("0.00"),
    total=D("8.00"),
    tax_code="20",
    tax_rate=D(20),
    tax_included=True,
)
BAKED = Mention(external_id="018ff152-987d-11eb-8147-faacf6e11cc8", name="Croissant")
CROISSANT = replace(
    CAPPUCCINO,
    key="1",
    product=BAKED,
    name="Croissant",
    sku="CRO",
    quantity=D(1),
    unit_price=D("3.00"),
    gross=D("3.00"),
    total=D("3.00"),
)
CASH = Payment(
    method="cash",
    amount=D("11.00"),
    currency="GBP",
    external_id="8031c38c-a110-11eb-a6f8-25ceee8d2871",
    provider_method="IZETTLE_CASH",
    tendered=D("20.00"),
    change=D("9.00"),
)
PAID = SaleDraft(
    external_id=uuid("24cfef8c2970"),
    version=at(12, 8, 44, MILLI),
    header=HEADER,
    lines=(CAPPUCCINO, CROISSANT),
    money=Money(payments=(CASH,)),
)


def paid_back(end: str, amount: str, currency: str = "GBP") -> Payment:
    return Payment(
        method="cash",
        amount=D(amount),
        currency=currency,
        external_id=f"pay-{end}",
        provider_method="IZETTLE_CASH",
    )


def back(line: Line, total: str) -> RefundLine:
    return RefundLine(product=line.product, name=line.name, quantity=line.quantity, total=D(total))


PARTLY = Refund(
    total=D("3.00"),
    currency="GBP",
    occurred_at=BACK,
    provider_at=BACK,
    sale_external_id=uuid("24cfef8c2970"),
    number="12777",
    tax_total=D("0.50"),
    lines=(back(CROISSANT, "3.00"),),
    payments=(paid_back("2", "3.00"),),
    employee=JOHN,
)


def refund(end: str, content: Refund, version: Version | None = None) -> RefundDraft:
    return RefundDraft(external_id=uuid(end), version=version or at(12, 20, 31), content=content)


def same(number: str, name: str, quantity: int, price: str, **sums: str) -> Line:
    amounts: dict[str, Any] = {key: D(value) for key, value in sums.items()}
    return Line(
        key=number,
        product=Mention(external_id=f"v-{number}", name=name),
        name=name,
        quantity=D(quantity),
        unit_price=D(price),
        **amounts,
    )


LATE = datetime(2026, 9, 14, 15, 31, 0, 648_000, tzinfo=UTC)
NINE, HALF = (datetime(2026, 9, 14, 9, minute, tzinfo=UTC) for minute in (0, 30))
COFFEE = same("1", "Кофе", 2, "150.00", gross="300.00", discount="30.00", total="270.00")
SWEET = same("2", "Круассан", 1, "120.00", gross="120.00", discount="12.00", total="108.00")

# 300 + 120 = 420 for which 200 + 178 = 378 was paid: 42 off, 30 and 12 of it.
SAME = SaleDraft(
    external_id=uuid("321"),
    version=at(9),
    header=replace(
        HEADER,
        number="321",
        occurred_at=NINE,
        provider_at=NINE,
        currency="RUB",
        tax_included=None,
        gross_total=D("420.00"),
        discount_total=D("42.00"),
        tax_total=D("0.00"),
        total=D("378.00"),
    ),
    lines=(COFFEE, SWEET),
    money=Money(
        payments=(
            replace(
                paid_back("321a", "200.00", "RUB"),
                tendered=D("200.00"),
                change=D("0.00"),
            ),
            replace(
                paid_back("321b", "178.00", "RUB"),
                method="card",
                provider_method="IZETTLE_CARD",
            ),
        )
    ),
)
SAME_BACK = refund(
    "322",
    replace(
        PARTLY,
        total=D("108.00"),
        currency="RUB",
        occurred_at=HALF,
        provider_at=HALF,
        sale_external_id=uuid("321"),
        number="322",
        tax_total=D("0.00"),
        lines=(back(SWEET, "108.00"),),
        payments=(paid_back("322", "108.00", "RUB"),),
    ),
    at(9, 30),
)


def poorer(version: Version) -> Version:
    """Return the version of the same purchase in a list."""
    return replace(version, rank=Rank.PARTIAL)


def taxed(line: Line, rate: int) -> Line:
    """Return the line with a rate that has no code of its own."""
    return replace(line, tax_code="other", tax_rate=D(rate))


CASES: dict[str, Case] = {
    "PurchaseCreated__cash": [PAID],
    "PurchaseCreated__partial_refund": [refund("2", PARTLY)],
    # 11 given back, 8 and 3 of it.
    "PurchaseCreated__full_refund": [
        refund(
            "3",
            replace(
                PARTLY,
                total=D("11.00"),
                number="12778",
                tax_total=D("1.83"),
                lines=(back(CAPPUCCINO, "8.00"), back(CROISSANT, "3.00")),
                payments=(paid_back("3", "11.00"),),
            ),
        )
    ],
    "PurchaseCreated__refund_without_sale": [refund("4", replace(PARTLY, sale_external_id=None))],
    # 2 × 10 = 20, 1.70 of tax on top and a tip of 3.30 inside the payment: 25.
    "PurchaseCreated__tip_and_tax_on_top": [
        SaleDraft(
            external_id="aaaaaaaa-a110-11eb-a7f9-000000000005",
            version=at(12, 8, 44, MILLI),
            header=replace(
                HEADER,
                tax_included=False,
                gross_total=D("20.00"),
                tip_total=D("3.30"),
                tax_total=D("1.70"),
                total=D("25.00"),
            ),
            lines=(same("1", "Lunch", 2, "10.00", gross="20.00", discount="0.00", total="20.00"),),
            money=Money(
                payments=(
                    Payment(
                        method="card",
                        amount=D("25.00"),
                        currency="GBP",
                        external_id="pay-5",
                        provider_method="IZETTLE_CARD",
                        tip=D("3.30"),
                    ),
                )
            ),
        )
    ],
    "PurchaseCreated__same_sale": [SAME],
    "PurchaseCreated__same_sale_refund": [SAME_BACK],
    # 2 × 5.50 − 1 = 10, and 4.99 for its delivery.
    "PurchaseCreated__web_shop": [
        SaleDraft(
            external_id=uuid("700"),
            version=at(12, 8, 44, MILLI),
            header=replace(
                HEADER,
                number="700",
                channel="online",
                discount_total=D("1.00"),
                service_total=D("4.99"),
                tax_total=D("0.00"),
                total=D("14.99"),
            ),
            lines=(same("1", "Mug", 2, "5.50", gross="11.00", discount="1.00", total="10.00"),),
            money=Money(
                payments=(
                    replace(
                        paid_back("700", "14.99"),
                        method="online",
                        provider_method="IZETTLE_CARD_ONLINE",
                    ),
                )
            ),
        )
    ],
    # Who sold it a list says by a number of its own: who is told by a message alone.
    "purchase.listed__page": [
        replace(
            SAME,
            version=poorer(at(9)),
            header=replace(SAME.header, employee=None),  # type: ignore[type-var]
        ),
        replace(
            SAME_BACK,
            version=poorer(at(9, 30)),
            content=replace(
                SAME_BACK.content,  # type: ignore[type-var]
                employee=None,
                payments=(replace(paid_back("322", "108.00", "RUB"), tendered=D("108.00")),),
            ),
        ),
    ],
    # The documented reckoning: 40 − 5 and 100 − 10, then a fifth off the sum of 125: 28 and 72.
    "purchase.listed__discounts": [
        SaleDraft(
            external_id=uuid("1507"),
            version=poorer(at(15, 31, 0, 648_000)),
            header=replace(
                HEADER,
                number="1507",
                occurred_at=LATE,
                provider_at=LATE,
                currency="SEK",
                employee=None,
                tax_included=None,
                gross_total=D("140.00"),
                discount_total=D("40.00"),
                tax_total=D("13.31"),
                total=D("100.00"),
            ),
            lines=(
                taxed(same("0", "Foo", 2, "20", gross="40", discount="12", total="28"), 25),
                taxed(same("1", "Bar", 10, "10", gross="100", discount="28", total="72"), 12),
            ),
            money=Money(
                payments=(
                    replace(
                        paid_back("1507", "100.00", "SEK"),
                        method="other",
                        provider_method="SWISH",
                    ),
                )
            ),
        )
    ],
    "purchase.listed__end": IGNORED,
    "PurchaseCreated__odd_payment_and_clock": [
        replace(
            PAID,
            external_id=uuid("6"),
            header=replace(
                HEADER, occurred_at=datetime(1999, 1, 1, tzinfo=UTC), anomalies=("clock",)
            ),
            money=Money(
                payments=(
                    Payment(
                        method="other",
                        amount=D("11.00"),
                        currency="GBP",
                        external_id="pay-6",
                        provider_method="SWISH",
                    ),
                )
            ),
        )
    ],
    "PurchaseCreated__payload_no_json": Unrecognised("payload"),
    "PurchaseCreated__amount_in_words": Unrecognised("payload.payments[0].amount"),
    "PurchaseCreated__without_products": Unrecognised("payload.products"),
    "ProductCreated__later": UNSUPPORTED,
    "TestMessage__connected": IGNORED,
}


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_lost_purchases_are_listed_until_a_page_is_empty() -> None:
    listing, asked = API.lists["purchase"], Asked("purchase", "", {}, "access")
    window = Window(datetime(2026, 9, 14, 9, 0, 59, tzinfo=UTC), LATE)

    first, second = (listing.call(asked, window, cursor) for cursor in (None, "1789Odi3B"))

    assert (first.path, first.headers) == ("/purchases/v2", {"Authorization": "Bearer access"})
    # From the minute that it begins in to behind the one that it ends in.
    stretch = {"startDate": "2026-09-14T09:00", "endDate": "2026-09-14T15:32", "limit": "200"}
    assert dict(first.query) == stretch
    assert dict(second.query) == {**stretch, "lastPurchaseHash": "1789Odi3B"}
    full = {"purchases": [{}], "lastPurchaseHash": "next"}
    bodies: list[Any] = [full, {**full, "purchases": []}, {"purchases": [{}]}, {}, [], None]
    assert [listing.cursor(Reply(200, {}, body), "1789Odi3B") for body in bodies] == [
        "next", *[None] * 5,
    ]  # fmt: skip
    assert listing.cursor(Reply(200, {}, full), "next") is None


def test_an_api_key_becomes_a_token_of_two_hours() -> None:
    call = log_in("a-client:head.body+/.mac==")

    assert API.login is not None
    assert (API.login.host, call.method, call.path) == ("oauth.zettle.com", "POST", "/token")
    assert dict(parse_qsl(call.body.decode())) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "client_id": "a-client",
        "assertion": "head.body+/.mac==",
    }
    assert access({"access_token": "a.b", "expires_in": 7200}) == Access("a.b", 7200)
    assert access({"error": "invalid_grant"}) is None
    with pytest.raises(ValueError, match=r"^$"):
        log_in("a-key-alone")


def test_only_the_message_of_a_test_is_answered_without_proof() -> None:
    test = samples.bare(SAMPLES["TestMessage__connected"])
    sale = samples.bare(SAMPLES["PurchaseCreated__cash"])
    named = replace(sale, body=sale.body.replace(b'"PurchaseCreated"', b'"TestMessage"'))

    assert is_test_message(test)
    assert is_test_message(replace(test, headers={"x-izettle-signature": "unknown"}))
    assert not any(map(is_test_message, (sale, named)))
    for body in (b"", b"[]", b'{"eventName": "TestMessage"}', b'{"eventName": 1, "payload": {}}'):
        assert not is_test_message(Delivery("POST", "", "", {}, body, ""))
