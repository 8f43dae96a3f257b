"""What Loyverse states, worked out by hand from a captured batch and from others made after it."""

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
from integrations.contract import PayloadUnrecognised, SignatureMissing
from integrations.hooks import read_hooks
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    Money,
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
from .asking import API

SAMPLES = samples.load("loyverse")
ANSWERS = samples.load_answers("loyverse")
#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in microseconds.
MIDNIGHT = 20_710 * 86_400 * 1_000_000
#: 17:59:58, when the list was asked for.
SENT = MIDNIGHT + (17 * 3600 + 59 * 60 + 58) * 1_000_000
STORE, TILL, SELLER = (Mention(external_id=f"5b2f8c1e-0000-4000-8000-0000000000{n}") for n in (
    "aa", "bb", "cc"
))  # fmt: skip
NOBODY = CustomerLink(customer=None)


def time(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=UTC)


def at(hour: int, minute: int = 0, second: int = 0, seq: int = 0) -> Version:
    return Version(Rank.FULL, MIDNIGHT + ((hour * 60 + minute) * 60 + second) * 1_000_000, seq)


SOLD_AT = time(12, 8, 44)


def header(number: str, total: str, when: datetime = SOLD_AT) -> Header:
    """Return a document without taxes, discounts, tip and surcharge, which are all told as 0."""
    return Header(
        number=number,
        occurred_at=when,
        provider_at=when,
        currency="RUB",
        location=STORE,
        device=TILL,
        employee=SELLER,
        gross_total=D(total),
        discount_total=D("0.00"),
        service_total=D("0.00"),
        tip_total=D("0.00"),
        tax_total=D("0.00"),
        total=D(total),
    )


def cash(amount: str, when: datetime = SOLD_AT) -> Payment:
    return Payment(
        method="cash", amount=D(amount), currency="RUB", provider_method="Cash", paid_at=when
    )


def line(key: str, name: str, price: str, variant: str = "v", *, quantity: int = 1) -> Line:
    gross = D(price) * quantity
    return Line(
        key=key,
        product=Mention(external_id=variant, name=name),
        name=name,
        quantity=D(quantity),
        unit_price=D(price),
        gross=gross,
        discount=D("0.00"),
        total=gross,
    )


#: 10 % on top.
TEN: dict[str, Any] = {"tax_included": False, "tax_total": D("2.00")}
LUNCH = replace(
    line("l1", "Lunch / Large", "10", quantity=2),
    tax_code="10",
    tax_rate=D(10),
    tax_amount=D("2.00"),
    tax_included=False,
)


def sale(told: Header, lines: tuple[Line, ...], *payments: Payment, version: Version) -> SaleDraft:
    return SaleDraft(
        external_id=str(told.number),
        version=version,
        header=told,
        lines=lines,
        money=Money(payments=payments),
        customer=NOBODY,
    )


def refund(number: str, total: str, of: str | None, when: datetime, *lines: RefundLine) -> Refund:
    return Refund(
        total=D(total),
        currency="RUB",
        occurred_at=when,
        provider_at=when,
        sale_external_id=of,
        number=number,
        tax_total=D("0.00"),
        lines=lines,
        location=STORE,
        device=TILL,
        employee=SELLER,
    )


def returned(name: str, total: str, variant: str = "v") -> RefundLine:
    return RefundLine(
        product=Mention(external_id=variant, name=name),
        name=name,
        quantity=D(1),
        total=D(total),
    )


# 2 × 22 + 14 = 58; both lines of the capture have one variant.
VARIANT = "0a7c2f10-0000-4000-8000-000000000011"
SOLD = sale(
    header("1-1006", "58.00"),
    (
        replace(
            line("a2b1d3c4-0000-4000-8000-0000000000010", "Cappuccino", "22", VARIANT, quantity=2),
            sku="10001",
            gross=D("44.00"),
            total=D("44.00"),
        ),
        replace(
            line("a2b1d3c4-0000-4000-8000-000000000009", "Croissant", "14", VARIANT),
            sku="10001",
            gross=D("14.00"),
            total=D("14.00"),
        ),
    ),
    cash("58.00"),
    version=at(12, 8, 44),
)
BACK = RefundDraft(
    external_id="1-1007",
    version=at(12, 20, 31),
    content=replace(
        refund(
            "1-1007", "14.00", "1-1006", time(12, 20, 31), returned("Croissant", "14.00", VARIANT)
        ),
        payments=(cash("14.00", time(12, 20, 31)),),
    ),
)
# 2 × 150 + 120 = 420, 30 + 12 = 42 off: 378, of which 200 in cash and 178 by card.
SAME = sale(
    replace(
        header("2-321", "378.00", time(9)),
        gross_total=D("420.00"),
        discount_total=D("42.00"),
        discounts=(Discount(name="10 %", percent=D(10), amount=D("42.00")),),
    ),
    (
        replace(
            line("l1", "Кофе", "150", "coffee", quantity=2),
            gross=D("300.00"),
            discount=D("30.00"),
            total=D("270.00"),
        ),
        replace(
            line("l2", "Круассан", "120", "croissant"),
            gross=D("120.00"),
            discount=D("12.00"),
            total=D("108.00"),
        ),
    ),
    cash("200.00", time(9)),
    replace(cash("178.00", time(9)), method="card", provider_method="Card"),
    version=at(9),
)
SAME_BACK = RefundDraft(
    external_id="2-322",
    version=at(9, 30),
    content=replace(
        refund(
            "2-322", "108.00", "2-321", time(9, 30), returned("Круассан", "108.00", "croissant")
        ),
        payments=(cash("108.00", time(9, 30)),),
    ),
)


def reference(
    kind: ReferenceKind, name: str, version: Version, content: dict[str, object] | None
) -> ReferenceDraft:
    return ReferenceDraft(
        kind=kind, external_id=name, version=version, content=content, gone=content is None
    )


CASES: dict[str, Case] = {
    "receipts.update__sale_and_refund": [SOLD, BACK],
    "receipts.update__same_sale": [SAME, SAME_BACK],
    # Of 12 a fifth of what is left without it: 2 of 20 %.
    "receipts.update__tax_inside": [
        sale(
            replace(header("1-2001", "12.00"), tax_included=True, tax_total=D("2.00")),
            (
                replace(
                    line("l1", "Tea", "12"),
                    gross=D("12.00"),
                    total=D("12.00"),
                    tax_code="20",
                    tax_rate=D(20),
                    tax_amount=D("2.00"),
                    tax_included=True,
                ),
            ),
            cash("12.00"),
            version=at(12, 8, 44),
        )
    ],
    # 2 × 10 = 20 and 8.5 % on top: 21.70. The payment of 24.70 holds the tip of 3 besides.
    "receipts.update__tax_on_top_and_tip": [
        sale(
            replace(
                header("1-2002", "20.00"),
                tax_included=False,
                tax_total=D("1.70"),
                tip_total=D("3.00"),
                total=D("24.70"),
            ),
            (
                replace(
                    line("l1", "Lunch / Large", "10", quantity=2),
                    gross=D("20.00"),
                    total=D("20.00"),
                    tax_code="other",
                    tax_rate=D("8.5"),
                    tax_amount=D("1.70"),
                    tax_included=False,
                    cost=D("8.00"),
                ),
            ),
            replace(cash("24.70"), method="card", provider_method="SumUp"),
            version=at(12, 8, 44),
        )
    ],
    # 2 × 10 = 20 and oat milk for 2 × 2 = 4, of which points took 4: 3.33 and 0.67. 10 % of 20 on
    # top are 2, 1.67 and 0.33: 22. All of it went back. Where modifiers are not in the gross, there
    # is but the line: 20 and 2 on top.
    "receipts.update__modifiers_and_points": [
        sale(
            replace(
                header("1-2010", "24.00"),
                discount_total=D("4.00"),
                discounts=(Discount(kind="loyalty", name="Points", amount=D("4.00")),),
                **TEN,
                total=D("22.00"),
            ),
            (
                replace(LUNCH, discount=D("3.33"), total=D("16.67"), tax_amount=D("1.67")),
                replace(
                    LUNCH,
                    key="m1",
                    parent_key="l1",
                    product=None,
                    name="Milk: Oat",
                    unit_price=D(2),
                    gross=D("4.00"),
                    discount=D("0.67"),
                    total=D("3.33"),
                    tax_amount=D("0.33"),
                ),
            ),
            replace(cash("22.00"), method="card", provider_method="SumUp"),
            version=at(12, 8, 44),
        ),
        RefundDraft(
            external_id="1-2011",
            version=at(12, 8, 44),
            content=replace(
                refund("1-2011", "22.00", "1-2010", time(12, 8, 44)),
                tax_total=D("2.00"),
                lines=(
                    RefundLine(
                        product=LUNCH.product, name=LUNCH.name, quantity=D(2), total=D("22.00")
                    ),
                ),
                payments=(replace(cash("22.00"), method="card", provider_method="SumUp"),),
            ),
        ),
        sale(
            replace(header("1-2012", "20.00"), **TEN, total=D("22.00")),
            (LUNCH,),
            replace(cash("22.00"), method="card", provider_method="SumUp"),
            version=at(12, 8, 44),
        ),
    ],
    "receipts.update__cancelled": [
        replace(SOLD, version=at(12, 30), header=replace(SOLD.header, status="voided"))  # type: ignore[type-var]
    ],
    # Below zero or above, it is 14 that went back.
    "receipts.update__refund_without_sale": [
        RefundDraft(
            external_id="1-2003",
            version=at(12, 8, 44),
            content=replace(
                refund("1-2003", "14.00", None, time(12, 8, 44), returned("Tea", "14.00")),
                payments=(cash("14.00"),),
            ),
        )
    ],
    "receipts.update__refund_cancelled": [
        RefundDraft(
            external_id="1-2004",
            version=at(13),
            content=replace(refund("1-2004", "58.00", "1-1006", time(12, 8, 44)), status="failed"),
        )
    ],
    # The till's clock stands at 1999, and the receipt names no shop.
    "receipts.update__dead_clock": [
        replace(
            sale(
                replace(
                    header("1-2005", "5.00"),
                    occurred_at=datetime(1999, 1, 1, tzinfo=UTC),
                    location=None,
                    anomalies=("clock",),
                ),
                (replace(line("l1", "Tea", "5"), gross=D("5.00"), total=D("5.00")),),
                replace(cash("5.00"), method="other", provider_method="Other"),
                version=at(12, 8, 44),
            ),
            customer=CustomerLink(customer=Mention(external_id="c-1")),
        )
    ],
    "receipts.update__one_unreadable": Unrecognised("total_money"),
    "receipts.update__no_receipts": Unrecognised("receipts"),
    "customers.update__new_and_deleted": [
        reference(
            ReferenceKind.CUSTOMER,
            "c-1",
            at(12),
            {"name": "Anna Li", "phone": "+15550001122", "email": "anna@example.com"},
        ),
        reference(ReferenceKind.CUSTOMER, "c-2", at(12, 5), None),
    ],
    # The item changed last at 12:00, its second variant ended at 12:01.
    "items.update__two_variants": [
        reference(
            ReferenceKind.PRODUCT,
            "v-1",
            at(12),
            {
                "name": "Tea / Small",
                "sku": "T-S",
                "barcode": "4600000000017",
                "category": Mention(external_id="cat-1"),
            },
        ),
        reference(ReferenceKind.PRODUCT, "v-2", at(12, 1), None),
    ],
    "inventory_levels.update__stock": IGNORED,
    "shifts.create__opened": IGNORED,
    "employees.update__later": UNSUPPORTED,
    "receipt.listed__page": [
        replace(SAME, version=at(9, seq=SENT)),
        replace(SAME_BACK, version=at(9, 31, seq=SENT)),
    ],
}


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_a_receipt_that_cannot_be_read_holds_up_no_other_of_its_batch() -> None:
    _, second = PROVIDER.split(samples.signed(SAMPLES["receipts.update__one_unreadable"], PROVIDER))

    assert PROVIDER.normalisers[second.type](second, context_of(PROVIDER)) == (BACK,)


@pytest.mark.parametrize("spoilt", [{}, None, [], "receipt"])
def test_not_even_one_that_tells_no_time(spoilt: Any) -> None:
    whole = samples.signed(SAMPLES["receipts.update__sale_and_refund"], PROVIDER)
    body = json.loads(whole.body)
    body["receipts"][0] = spoilt

    first, second = PROVIDER.split(replace(whole, body=json.dumps(body).encode()))

    assert PROVIDER.normalisers[second.type](second, context_of(PROVIDER)) == (BACK,)
    with pytest.raises(PayloadUnrecognised):
        PROVIDER.normalisers[first.type](first, context_of(PROVIDER))


def test_webhooks_of_a_personal_token_are_marked_as_unsigned() -> None:
    delivery = samples.signed(SAMPLES["receipts.update__same_sale"], PROVIDER)
    bare = replace(delivery, headers={})
    unsigned = PROVIDER.of({"hooks": "person"})

    assert (PROVIDER.of({}).signed, PROVIDER.of({"hooks": "app"}).signed) == (True, True)
    assert not unsigned.signed
    unsigned.scheme.verify(bare, (), 0)
    with pytest.raises(SignatureMissing):
        PROVIDER.scheme.verify(bare, (samples.TEST_SECRET,), 0)
    assert read_hooks(" Person ") == "person"
    with pytest.raises(ValueError, match=r"^none$"):
        read_hooks("none")


def test_lost_receipts_are_listed_page_by_page() -> None:
    asked = Asked("receipt", "", {}, "access")
    window = Window(time(9), time(10, 0, 1))
    listing = API.lists["receipt"]

    first, second = (listing.call(asked, window, cursor) for cursor in (None, "next"))

    assert (first.path, first.headers) == ("/v1.0/receipts", {"authorization": "Bearer access"})
    assert dict(first.query) == {
        "updated_at_min": "2026-09-14T09:00:00.000Z",
        "updated_at_max": "2026-09-14T10:00:01.000Z",
        "limit": "250",
    }
    assert dict(second.query)["cursor"] == "next"
    bodies: list[Any] = [{"cursor": "more"}, {"cursor": "next"}, {"cursor": None}, {}, [], None]
    found = [listing.cursor(Reply(200, {}, body), "next") for body in bodies]
    assert found == ["more", *[None] * 5]
