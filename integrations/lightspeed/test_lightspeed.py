"""What Lightspeed X states, worked out by hand from the documented example and others after it."""

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
    outcome,
    outcome_of_answer,
)
from integrations.contract import Read, SignatureMissing
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
    Refund,
    RefundDraft,
    RefundLine,
    SaleDraft,
    Version,
)

from . import PROVIDER
from .asking import API, read_domain

SAMPLES = samples.load("lightspeed")
ANSWERS = samples.load_answers("lightspeed")


def time(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=UTC)


def version(number: int) -> Version:
    return Version(Rank.FULL, number, 0)


#: When every answer was asked for.
SENT = (20_710 * 86_400 + 17 * 3600 + 59 * 60 + 58) * 1_000_000
ABSENT = Version(Rank.FULL, SENT + 999_999, SENT, OrderedBy.READ)


def read(number: int) -> Version:
    return Version(Rank.FULL, number, SENT)


def uuid(end: str) -> str:
    return f"d3b07384-d9a0-4c1e-9f0a-{end:0>12}"


ANNA = "02dcd191-ae2b-11e6-edec-8eceed6eeafb"
TILL = Mention(external_id="02dcd191-ae2b-11e6-f485-8eceed6eeafb")
SELLER = Mention(external_id="02dcd191-ae2b-11e6-f485-8eceed6ee000")
# 2 × 4 + 3 = 11 after 2 × 0.5 off, and 2 × 0.32 + 0.23 = 0.87 of tax on top: 11.87.
HEADER = Header(
    number="1042",
    occurred_at=time(12, 8, 44),
    provider_at=time(12, 8, 40),
    currency="RUB",
    device=TILL,
    employee=SELLER,
    tax_included=False,
    gross_total=D("12.00"),
    discount_total=D("1.00"),
    tax_total=D("0.87"),
    total=D("11.87"),
)
COFFEE = Line(
    key="d3b07384-0000-4c1e-9f0a-000000000001",
    product=Mention(external_id="02dcd191-ae2b-11e6-f485-8eceed6e0077"),
    quantity=D(2),
    unit_price=D("4.5"),
    gross=D("9.00"),
    discount=D("1.00"),
    total=D("8.00"),
    tax_amount=D("0.64"),
    tax_included=False,
)
BUN = Line(
    key="d3b07384-0000-4c1e-9f0a-000000000002",
    product=Mention(external_id="02dcd191-ae2b-11e6-f485-8eceed6e0078"),
    quantity=D(1),
    unit_price=D(3),
    gross=D("3.00"),
    discount=D("0.00"),
    total=D("3.00"),
    tax_amount=D("0.23"),
    tax_included=False,
)
CASH = Payment(
    method="cash",
    amount=D("11.87"),
    currency="RUB",
    external_id="d3b07384-0000-4c1e-9f0a-0000000000p1",
    provider_method="Cash",
    paid_at=time(12, 8, 44),
)
SOLD = SaleDraft(
    external_id=uuid("6f6b1a2c3d4e"),
    version=version(9182736455),
    header=HEADER,
    lines=(COFFEE, BUN),
    money=Money(payments=(CASH,)),
    customer=CustomerLink(customer=Mention(external_id=ANNA)),
)
BACK_AT = time(12, 20, 31)


def back(end: str, amount: str) -> Payment:
    return replace(CASH, external_id=f"pay-{end}", amount=D(amount), paid_at=BACK_AT)


# 3 and 0.23 of tax.
BUN_BACK = RefundLine(product=BUN.product, quantity=D(1), total=D("3.23"))
RETURN = Refund(
    total=D("3.23"),
    currency="RUB",
    occurred_at=BACK_AT,
    provider_at=time(12, 20, 30),
    sale_external_id=uuid("6f6b1a2c3d4e"),
    number="1043",
    tax_total=D("0.23"),
    lines=(BUN_BACK,),
    payments=(back("4", "3.23"),),
    device=TILL,
    employee=SELLER,
)

EXCHANGED = replace(
    RETURN,
    occurred_at=HEADER.occurred_at,
    provider_at=HEADER.provider_at,
    sale_external_id=None,
    number="1044",
    payments=(),
)


def refund(end: str, number: int, content: Refund) -> RefundDraft:
    return RefundDraft(external_id=uuid(end), version=version(number), content=content)


def priced(line: Line, key: str, product: str, **sums: str) -> Line:
    amounts: dict[str, Any] = {name: D(value) for name, value in sums.items()}
    return replace(line, key=key, product=Mention(external_id=product), **amounts)


CASES: dict[str, Case] = {
    "sale.update__closed": [SOLD],
    "sale.update__changed": [
        replace(SOLD, version=version(9182736460), customer=CustomerLink(customer=None))
    ],
    # 20 handed over, 8.13 given back of it.
    "sale.update__with_change": [
        replace(
            SOLD,
            version=version(9182736465),
            money=Money(payments=(replace(CASH, tendered=D("20.00"), change=D("8.13")),)),
        )
    ],
    "sale.update__change_alone": Unrecognised("register_sale_payments"),
    "sale.update__parked": [
        replace(
            SOLD,
            external_id=uuid("2"),
            version=version(9182736456),
            header=replace(HEADER, status="open"),
            money=Money(),
        )
    ],
    # What was struck out is not sold: 8, and 0.64 of tax.
    "sale.update__layby_closed": [
        replace(
            SOLD,
            external_id=uuid("3"),
            version=version(9182736457),
            header=replace(HEADER, gross_total=D("9.00"), tax_total=D("0.64"), total=D("8.64")),
            lines=(COFFEE,),
        )
    ],
    "sale.update__voided": [
        replace(SOLD, version=version(9182736470), header=replace(HEADER, status="voided"))
    ],
    "sale.update__partial_return": [refund("4", 9182736480, RETURN)],
    # 2 × (4 + 0.32) = 8.64, and 3.23: 11.87
    "sale.update__full_return": [
        refund(
            "5",
            9182736481,
            replace(
                RETURN,
                total=D("11.87"),
                tax_total=D("0.87"),
                lines=(
                    RefundLine(product=COFFEE.product, quantity=D(2), total=D("8.64")),
                    BUN_BACK,
                ),
                payments=(back("5", "11.87"),),
            ),
        )
    ],
    "sale.update__return_without_sale": [
        refund(
            "6", 9182736482, replace(RETURN, sale_external_id=None, payments=(back("6", "3.23"),))
        )
    ],
    "sale.update__return_parked": [
        refund("7", 9182736483, replace(RETURN, status="pending", payments=()))
    ],
    # 2 × 15 + 12 = 42 off 420
    "sale.update__same_sale": [
        SaleDraft(
            external_id=uuid("321"),
            version=version(9182736500),
            header=replace(
                HEADER,
                number="321",
                occurred_at=time(9),
                provider_at=time(9),
                gross_total=D("420.00"),
                discount_total=D("42.00"),
                tax_total=D("0.00"),
                total=D("378.00"),
            ),
            lines=(
                priced(
                    COFFEE,
                    "l1",
                    "coffee",
                    unit_price="150",
                    gross="300.00",
                    discount="30.00",
                    total="270.00",
                    tax_amount="0.00",
                ),
                priced(
                    BUN,
                    "l2",
                    "croissant",
                    unit_price="120",
                    gross="120.00",
                    discount="12.00",
                    total="108.00",
                    tax_amount="0.00",
                ),
            ),
            money=Money(
                payments=(
                    replace(CASH, external_id="p1", amount=D("200.00"), paid_at=time(9)),
                    replace(
                        CASH,
                        method="card",
                        external_id="p2",
                        provider_method="Credit Card",
                        amount=D("178.00"),
                        paid_at=time(9),
                    ),
                )
            ),
            customer=CustomerLink(customer=None),
        )
    ],
    "sale.update__same_sale_return": [
        refund(
            "322",
            9182736501,
            replace(
                RETURN,
                total=D("108.00"),
                occurred_at=time(9, 30),
                provider_at=time(9, 30),
                sale_external_id=uuid("321"),
                number="322",
                tax_total=D("0.00"),
                lines=(
                    RefundLine(
                        product=Mention(external_id="croissant"),
                        quantity=D(1),
                        total=D("108.00"),
                    ),
                ),
                payments=(
                    replace(CASH, external_id="p3", amount=D("108.00"), paid_at=time(9, 30)),
                ),
            ),
        )
    ],
    # 8.64 for two coffees, 3.23 of it by the bun that came back: 5.41 in cash.
    "sale.update__exchange": [
        replace(
            SOLD,
            external_id=uuid("8"),
            version=version(9182736490),
            header=replace(
                HEADER,
                number="1044",
                gross_total=D("9.00"),
                tax_total=D("0.64"),
                total=D("8.64"),
            ),
            lines=(COFFEE,),
            money=Money(payments=(replace(CASH, amount=D("5.41")),), refunds=(replace(EXCHANGED),)),
        )
    ],
    # A bun for 3.23 and two coffees back for 8.64: 5.41 were given back.
    "sale.update__exchange_for_less": [
        replace(
            SOLD,
            external_id=uuid("9"),
            version=version(9182736491),
            header=replace(
                HEADER,
                number="1044",
                gross_total=D("3.00"),
                discount_total=D("0.00"),
                tax_total=D("0.23"),
                total=D("3.23"),
            ),
            lines=(BUN,),
            money=Money(
                refunds=(
                    replace(
                        EXCHANGED,
                        total=D("8.64"),
                        tax_total=D("0.64"),
                        lines=(RefundLine(product=COFFEE.product, quantity=D(2), total=D("8.64")),),
                        payments=(replace(CASH, amount=D("5.41")),),
                    ),
                )
            ),
        )
    ],
    "sale.update__version_as_text": [SOLD],
    "sale.read__closed": [replace(SOLD, version=read(9182736455))],
    # What was taken off a sale that was deleted since is nothing any more.
    "sale.read__deleted": [
        replace(
            SOLD,
            version=read(9182736499),
            header=replace(
                HEADER,
                status="voided",
                gross_total=D("9.00"),
                tax_total=D("0.64"),
                total=D("8.64"),
                device=None,
                employee=None,
            ),
            lines=(COFFEE,),
            money=Money(),
            customer=CustomerLink(customer=None),
        )
    ],
    "sale.read__return": [
        RefundDraft(external_id=uuid("4"), version=read(9182736480), content=RETURN)
    ],
    "sale.read__another_state": Unrecognised("answers[0].data.state"),
    "sale.missing__gone": [SaleDraft(external_id=uuid("6f6b1a2c3d4e"), version=ABSENT, gone=True)],
    "sale.listed__page": [Read("sale", uuid("6f6b1a2c3d4e")), Read("sale", uuid("4"))],
    "sale.listed__nothing": IGNORED,
    "sale.update__price_in_words": Unrecognised("total_price"),
    "sale.update__without_version": Unrecognised("version"),
    "sale.update__no_json": Unrecognised("payload"),
    "sale.update__no_payload": Unrecognised("payload"),
    "customer.update__new": [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=ANNA,
            version=version(9182736400),
            content={"name": "Anna Li", "phone": "+15550001122", "email": "anna@example.com"},
        )
    ],
    "customer.update__deleted": [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id="02dcd191-ae2b-11e6-edec-8eceed6eeafc",
            version=version(9182736401),
            gone=True,
        )
    ],
    "unknown__product": UNSUPPORTED,
}


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_an_object_is_known_by_its_version_and_a_repetition_by_nothing_else() -> None:
    keys = [
        PROVIDER.split(samples.signed(SAMPLES[f"sale.update__{name}"], PROVIDER))[0].key
        for name in ("closed", "changed", "without_version")
    ]

    assert keys[0] == f"sale.update:{uuid('6f6b1a2c3d4e')}:9182736455"
    assert len({*keys}) == 3


def test_webhooks_that_a_person_made_are_marked_as_unsigned() -> None:
    bare = replace(samples.signed(SAMPLES["sale.update__closed"], PROVIDER), headers={})
    unsigned = PROVIDER.of({"hooks": "person"})

    assert not unsigned.signed
    unsigned.scheme.verify(bare, (), 0)
    with pytest.raises(SignatureMissing):
        PROVIDER.of({}).scheme.verify(bare, (samples.TEST_SECRET,), 0)


ASKED = Asked("sale", uuid("4"), {"domain": "demo-store.retail.lightspeed.app"}, "token")


def test_lost_sales_are_searched_by_their_date_with_pages_that_overlap_and_read() -> None:
    listing = API.lists["sale"]
    window = Window(time(9), time(10))

    page, sale = listing.call(ASKED, window, "80"), API.reads["sale"](ASKED, [])

    assert sale is not None
    assert sale.path == f"/api/2026-07/sales/{uuid('4')}"
    assert API.reads["sale"](ASKED, [Reply(200, {}, {})]) is None
    assert (page.path, page.headers) == ("/api/2026-07/search", {"Authorization": "Bearer token"})
    assert dict(page.query) == {
        "type": "sales",
        "date_from": "2026-09-14T09:00:00Z",
        "date_to": "2026-09-14T10:00:00Z",
        "page_size": "100",
        "offset": "80",
    }
    bodies: list[Any] = [{"data": [{}] * 100}, {"data": [{}] * 99}, {"data": None}, []]
    told = [listing.cursor(Reply(200, {}, body), "80") for body in bodies]
    assert told == ["160", None, None, None]
    assert not API.is_needed


def test_a_store_is_named_by_its_part_of_the_address() -> None:
    assert read_domain("demo-store") == API.host(ASKED.settings)
    with pytest.raises(ValueError, match="example"):
        read_domain("demo-store.example.com")
