"""What Toast states, worked out by hand from the documented example and others made after it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from integrations import samples
from integrations.asking import Access, Asked, Reply, Window
from integrations.cases import (
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import PayloadUnrecognised
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
    SaleDraft,
    Version,
)

from . import PROVIDER
from .asking import API, access, log_in, read_restaurant

SAMPLES = samples.load("toast")
ANSWERS = samples.load_answers("toast")
RESTAURANT = "d3f0c0de-0000-4000-8000-000000000001"
#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in microseconds.
MIDNIGHT = 20_710 * 86_400 * 1_000_000
#: 17:59:58, when the list was asked for.
SENT = MIDNIGHT + (17 * 3600 + 59 * 60 + 58) * 1_000_000


def guid(end: str) -> str:
    return f"0a1b2c3d-0000-4000-8000-{end:0>12}"


def time(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=UTC)


def at(hour: int, minute: int = 0, milli: int = 0, seq: int = 0) -> Version:
    clock = MIDNIGHT + ((hour * 60 + minute) * 60_000 + milli) * 1000
    return Version(Rank.FULL, clock, seq)


# 8 + 3 = 11 after a discount of 1; 0.64 + 0.23 = 0.87 of tax; 11.87, and a tip of 2: 13.87.
HEADER = Header(
    number="42",
    occurred_at=time(12, 8, 44),
    provider_at=time(11, 51, 2),
    business_date=date(2026, 9, 14),
    currency="USD",
    location=Mention(external_id=RESTAURANT),
    employee=Mention(external_id=guid("aa")),
    tax_included=False,
    gross_total=D("12.00"),
    discount_total=D("1.00"),
    service_total=D("0.00"),
    tip_total=D("2.00"),
    tax_total=D("0.87"),
    total=D("13.87"),
    discounts=(Discount(name="Happy hour", amount=D("1.00")),),
)
CAPPUCCINO = Line(
    key=guid("101"),
    name="Cappuccino",
    quantity=D("2.0"),
    gross=D("9.00"),
    discount=D("1.00"),
    total=D("8.00"),
    tax_amount=D("0.64"),
    tax_included=False,
)
CROISSANT = Line(
    key=guid("102"),
    name="Croissant",
    quantity=D("1.0"),
    gross=D("3.00"),
    discount=D("0.00"),
    total=D("3.00"),
    tax_amount=D("0.23"),
    tax_included=False,
)
CARD = Payment(
    method="card",
    amount=D("13.87"),
    currency="USD",
    external_id=guid("201"),
    provider_method="CREDIT",
    tip=D("2.00"),
    paid_at=time(12, 8, 44),
)
# 12:08:45.120
PAID = SaleDraft(
    external_id=guid("1"),
    version=at(12, 8, 45_120),
    header=HEADER,
    lines=(CAPPUCCINO, CROISSANT),
    money=Money(payments=(CARD,)),
)


def order(version: Version, header: Header = HEADER, **facets: Any) -> SaleDraft:
    return replace(PAID, version=version, header=header, **facets)


BAKED = replace(CROISSANT, product=Mention(external_id=guid("e1"), name="Croissant"))
SAME = SaleDraft(
    external_id=guid("321"),
    version=at(9, 30, 250),
    header=replace(
        HEADER,
        number="321",
        occurred_at=time(9),
        provider_at=time(8, 40),
        gross_total=D("420.00"),
        discount_total=D("42.00"),
        tip_total=D("0.00"),
        tax_total=D("0.00"),
        total=D("378.00"),
        discounts=(Discount(name="10 %", amount=D("42.00")),),
    ),
    lines=(
        replace(
            CAPPUCCINO,
            name="Кофе",
            gross=D("300.00"),
            discount=D("30.00"),
            total=D("270.00"),
            tax_amount=D("0.00"),
        ),
        replace(
            CROISSANT,
            name="Круассан",
            gross=D("120.00"),
            discount=D("12.00"),
            total=D("108.00"),
            tax_amount=D("0.00"),
        ),
    ),
    money=Money(
        payments=(
            Payment(
                method="cash",
                amount=D("200.00"),
                currency="USD",
                external_id=guid("211"),
                provider_method="CASH",
                tip=D("0.00"),
                tendered=D("200.00"),
                change=D("0.00"),
                paid_at=time(9),
            ),
            replace(
                CARD,
                amount=D("178.00"),
                external_id=guid("212"),
                tip=D("0.00"),
                paid_at=time(9),
            ),
        ),
        refunds=(
            Refund(
                total=D("108.00"),
                currency="USD",
                occurred_at=time(9, 30),
                provider_at=time(9, 30),
                business_date=date(2026, 9, 14),
                tip_total=D("0.00"),
                payments=(
                    Payment(
                        method="cash",
                        amount=D("108.00"),
                        currency="USD",
                        provider_method="CASH",
                    ),
                ),
            ),
        ),
    ),
)

CASES: dict[str, Case] = {
    "order_updated__paid": [PAID],
    # One selection before any discount: 9, and 0.64 of tax. Paid in 1970 is not paid.
    "order_updated__new": [
        SaleDraft(
            external_id=guid("2"),
            version=at(11, 52, 500),
            header=replace(
                HEADER,
                status="open",
                occurred_at=time(11, 51, 2),
                gross_total=D("9.00"),
                discount_total=D("0.00"),
                tip_total=D("0.00"),
                tax_total=D("0.64"),
                total=D("9.64"),
                discounts=(),
            ),
            lines=(replace(CAPPUCCINO, discount=D("0.00"), total=D("9.00")),),
            money=Money(),
        )
    ],
    # The tip became 3: 11.87 + 3 = 14.87. A read order names its customer.
    "order_updated__tip_adjusted": [
        order(
            at(13),
            replace(HEADER, tip_total=D("3.00"), total=D("14.87")),
            money=Money(payments=(replace(CARD, amount=D("14.87"), tip=D("3.00")),)),
            customer=CustomerLink(customer=Mention(external_id=guid("c1"))),
        ),
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=guid("c1"),
            version=at(13),
            content={"name": "Anna Li", "phone": "5550001122", "email": "anna@example.com"},
        ),
    ],
    # At half past three in the night it was still the business day of the 14th.
    "order_updated__full_refund": [
        order(
            at(14),
            money=Money(
                payments=(replace(CARD, last4="4242"),),
                refunds=(
                    Refund(
                        total=D("13.87"),
                        currency="USD",
                        occurred_at=datetime(2026, 9, 15, 3, 30, tzinfo=UTC),
                        provider_at=datetime(2026, 9, 15, 3, 30, tzinfo=UTC),
                        business_date=date(2026, 9, 14),
                        tip_total=D("2.00"),
                        payments=(
                            Payment(
                                method="card",
                                amount=D("13.87"),
                                currency="USD",
                                provider_method="CREDIT",
                            ),
                        ),
                    ),
                ),
            ),
        )
    ],
    # What would have been sold, and a payment that did not happen: no tip of it.
    "order_updated__voided": [
        order(
            at(14, 10),
            replace(HEADER, status="voided", tip_total=D("0.00"), total=D("11.87")),
            money=Money(payments=(replace(CARD, status="cancelled"),)),
        )
    ],
    "order_updated__deleted": [
        SaleDraft(external_id=guid("1"), version=at(14, 20), gone=True),
    ],
    "order_updated__test_mode": [order(at(12, 8, 45_120), replace(HEADER, is_test=True))],
    # 3 + 3 = 6, a service charge of 1.50, 0.23 + 0.23 = 0.46 of tax: 4.73 + 3.23 = 7.96. The voided
    # selection and the check that was deleted are none; the refused card brought no tip.
    "order_updated__two_checks": [
        SaleDraft(
            external_id=guid("3"),
            version=at(12, 8, 45_120),
            header=replace(
                HEADER,
                gross_total=D("6.00"),
                discount_total=D("0.00"),
                service_total=D("1.50"),
                tip_total=D("0.00"),
                tax_total=D("0.46"),
                total=D("7.96"),
                discounts=(),
            ),
            lines=(BAKED, replace(BAKED, key=guid("103"))),
            money=Money(
                payments=(
                    Payment(
                        method="cash",
                        amount=D("4.73"),
                        currency="USD",
                        external_id=guid("202"),
                        provider_method="CASH",
                        tip=D("0.00"),
                        tendered=D("5.00"),
                        change=D("0.27"),
                        paid_at=time(12, 8, 44),
                    ),
                    replace(
                        CARD,
                        status="failed",
                        amount=D("5.73"),
                        external_id=guid("203"),
                        tip=D("1.00"),
                        paid_at=time(12, 8),
                    ),
                    replace(
                        CARD,
                        method="gift_card",
                        amount=D("3.23"),
                        external_id=guid("204"),
                        provider_method="GIFTCARD",
                        tip=None,
                    ),
                )
            ),
        )
    ],
    "order_updated__same_sale": [SAME],
    "order_updated__no_order": Unrecognised("details.order"),
    "order_updated__amount_in_words": Unrecognised("details.order.checks[0].payments[0].amount"),
    "order_updated__no_such_day": Unrecognised("details.order.businessDate"),
    "menus_updated__later": UNSUPPORTED,
    "order.listed__page": [
        replace(
            SAME,
            version=at(9, 30, 250, SENT),
            header=replace(
                SAME.header,
                location=None,  # type: ignore[type-var]
            ),
        )
    ],
}


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_an_order_of_another_restaurant_is_refused_where_the_restaurant_is_set() -> None:
    (event,) = PROVIDER.split(samples.signed(SAMPLES["order_updated__paid"], PROVIDER))
    mine, other = (
        replace(context_of(PROVIDER), settings={"restaurant": name})
        for name in (RESTAURANT, guid("9"))
    )

    assert event.merchant == RESTAURANT
    assert PROVIDER.normalisers[event.type](event, mine) == (PAID,)
    with pytest.raises(PayloadUnrecognised) as refused:
        PROVIDER.normalisers[event.type](event, other)
    assert refused.value.path == "details.restaurantGuid"


def test_an_order_of_600_kilobytes_is_understood_whole() -> None:
    delivery = samples.signed(SAMPLES["order_updated__paid"], PROVIDER)
    body = json.loads(delivery.body)
    (check,) = body["details"]["order"]["checks"]
    one = check["selections"][0]
    check["selections"] = [{**one, "guid": guid(str(n))} for n in range(3_400)]
    great = replace(delivery, body=json.dumps(body).encode())

    (event,) = PROVIDER.split(great)
    (sale,) = PROVIDER.normalisers[event.type](event, context_of(PROVIDER)) or ()

    assert len(great.body) > 600_000
    assert isinstance(sale, SaleDraft)
    assert sale.header is not None
    assert len(sale.lines or ()) == 3_400
    assert sale.header.gross_total == D("30600.00")  # 3400 × 9


def test_lost_orders_are_listed_page_by_page() -> None:
    asked = Asked("order", "", {"restaurant": RESTAURANT}, "access")
    listing = API.lists["order"]
    window = Window(time(9), time(10, 0, 1))

    first, second = (listing.call(asked, window, cursor) for cursor in (None, "2"))

    assert (first.path, second.path) == ("/orders/v2/ordersBulk", "/orders/v2/ordersBulk")
    assert dict(first.query) == {
        "startDate": "2026-09-14T09:00:00.000+0000",
        "endDate": "2026-09-14T10:00:01.000+0000",
        "page": "1",
        "pageSize": "100",
    }
    assert dict(second.query)["page"] == "2"
    assert first.headers == {
        "authorization": "Bearer access",
        "toast-restaurant-external-id": RESTAURANT,
    }
    bodies: list[Any] = [[{}] * 100, [{}] * 99, [], {}, None]
    assert [listing.cursor(Reply(200, {}, body), "3") for body in bodies] == ["4", *[None] * 4]


def test_a_client_logs_in_with_its_id_and_its_secret() -> None:
    call = log_in("an-id:a:secret")

    assert (call.method, call.path) == ("POST", "/authentication/v1/authentication/login")
    assert json.loads(call.body) == {
        "clientId": "an-id",
        "clientSecret": "a:secret",
        "userAccessType": "TOAST_MACHINE_CLIENT",
    }
    said = {"token": {"tokenType": "Bearer", "expiresIn": 86400, "accessToken": "a.b.c"}}
    assert access({**said, "status": "SUCCESS"}) == Access("a.b.c", 86400)
    bodies: list[Any] = [None, [], {}, {"token": None}, {"token": "a.b.c"}]
    assert [access(one) for one in bodies] == [None] * 5
    for bare in ("a-token", ":secret", "id:", ""):
        with pytest.raises(ValueError, match=r"^$"):
            log_in(bare)


def test_a_restaurant_is_named_by_its_guid() -> None:
    assert read_restaurant(f" {RESTAURANT.upper()} ") == RESTAURANT
    with pytest.raises(ValueError, match="badly formed"):
        read_restaurant("my restaurant")
