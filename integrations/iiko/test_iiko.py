"""What deliveries of iiko's cloud state, worked out by hand from their texts.

A restaurant on 14 September 2026, Moscow time: orders write 15:08:44 where it is 12:08:44 in UTC.
Amounts are doubles of roubles.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from integrations import pages, samples
from integrations.asking import Access, Asked, Reply, Window
from integrations.cases import (
    IGNORED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import Event
from integrations.reading import parse_json
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    Money,
    Payment,
    Rank,
    SaleDraft,
    Version,
)

from . import PROVIDER
from .asking import API, access, host_of, log_in, read_api_host
from .payload import NORMALISERS, split

#: Midnight of the day in microseconds: 20 710 days × 86 400 s = 1 789 344 000 s.
MIDNIGHT = 1_789_344_000_000_000


def uid(tail: str) -> str:
    return f"e1000000-0000-4000-8000-{tail:>012}"


def oid(tail: str) -> str:
    return f"f2b1c0de-0000-4000-8000-{tail:>012}"


def at(hour: int, minute: int, second: int = 0, millis: int = 0) -> datetime:
    """Return a moment of that day in UTC, three hours less than orders write."""
    return datetime(2026, 9, 14, hour, minute, second, millis * 1000, UTC)


def clock(hour: int, minute: int, second: int = 0, millis: int = 0) -> Version:
    seconds = (hour * 60 + minute) * 60 + second
    return Version(Rank.FULL, MIDNIGHT + (seconds * 1000 + millis) * 1000)


RESTAURANT = Mention(external_id="7bc05553-4b68-44e8-b7bc-37be63c6d9e9")
MARIA = Mention(external_id=uid("6"), name="Мария")
OLGA = Mention(external_id=uid("7"), name="Ольга")
CAPPUCCINO = Mention(external_id=uid("77"), name="Капучино")
CROISSANT = Mention(external_id=uid("78"), name="Круассан")
LATTE = Mention(external_id=uid("81"), name="Латте")
UNTAXED: dict[str, Any] = {
    "tax_code": "0",
    "tax_rate": D(0),
    "tax_amount": D(0),
    "tax_included": True,
}
NOBODY = CustomerLink(customer=None)


def line(key: str | None, product: Mention, quantity: str, price: str, *money: str) -> Line:
    """Return a line without tax; ``money`` is gross, discount and total."""
    return Line(
        key=key and uid(key),
        product=product,
        name=product.name,
        quantity=D(quantity),
        unit_price=D(price),
        gross=D(money[0]),
        discount=D(money[1]),
        total=D(money[2]),
        **UNTAXED,
    )


def paid(method: str, amount: str, name: str, **more: Any) -> Payment:
    return Payment(method=method, amount=D(amount), currency="RUB", provider_method=name, **more)


CASH, CARD = "Наличные", "Банковская карта"

# 2 × 220 = 440, 400 to pay; 220; the cheesecake was taken off: 660 − 40 = 620.
CLOSED = SaleDraft(
    external_id=oid("1"),
    version=clock(12, 8, 46, 221),
    header=Header(
        number="412",
        occurred_at=at(12, 8, 44),
        provider_at=at(12, 8, 46, 221),
        currency="RUB",
        location=RESTAURANT,
        employee=MARIA,
        tax_included=True,
        gross_total=D(660),
        discount_total=D(40),
        tip_total=D(0),
        tax_total=D(0),
        total=D(620),
        discounts=(Discount(name="Счастливый час", amount=D(40)),),
    ),
    lines=(
        line("a01", CAPPUCCINO, "2", "220", "440", "40", "400"),
        line("a02", CROISSANT, "1", "220", "220", "0", "220"),
    ),
    money=Money(payments=(paid("cash", "620", CASH),)),
    customer=NOBODY,
)
assert CLOSED.header is not None
# Still at the table: dated by when it was begun, 14:51:02; its payment is cancelled with it.
DELETED = replace(
    CLOSED,
    external_id=oid("3"),
    version=clock(12, 40),
    header=replace(
        CLOSED.header,
        status="voided",
        number="414",
        occurred_at=at(11, 51, 2),
        provider_at=at(12, 40),
    ),
    money=Money(payments=(paid("cash", "620", CASH, status="cancelled"),)),
)
# 2 × 300 = 600 for 540, 2 × 50 = 100 for 90, 0.9 × 94.444444 = 84.9999996 ≈ 85: 785 − 70 = 715.
# The payment and the tip are only announced; of 20 % and 10 % no sum of a tax is stated.
BILL = SaleDraft(
    external_id=oid("2"),
    version=clock(12, 30, 1),
    header=Header(
        status="open",
        number="413",
        occurred_at=at(11, 51, 2),
        provider_at=at(12, 30, 1),
        currency="RUB",
        location=RESTAURANT,
        employee=MARIA,
        tax_included=True,
        gross_total=D(785),
        discount_total=D(70),
        tip_total=D(0),
        total=D(715),
        discounts=(Discount(name="Гость месяца", amount=D(70)),),
    ),
    lines=(
        replace(
            line("b01", LATTE, "2", "300", "600", "60", "540"),
            tax_code="20",
            tax_rate=D(20),
            tax_amount=None,
        ),
        replace(
            line("b02", Mention(external_id=uid("80"), name="Сироп"), "2", "50", "100", "10", "90"),
            parent_key=uid("b01"),
            tax_code="20",
            tax_rate=D(20),
            tax_amount=None,
        ),
        replace(
            line("b04", CROISSANT, "0.9", "94.444444", "85", "0", "85"),
            tax_code="10",
            tax_rate=D(10),
            tax_amount=None,
        ),
    ),
    money=Money(),
    customer=NOBODY,
)
# No item has its sum. 50 of 200 and 300 are 20 and 30; 99.99 is of the third alone; 100.02 of
# 1400.01 in all, in hundredths: 1428.85, 2143.27, 3572.12, 2857.77, so 1429, 2143, 3572, 2858.
#   200 − 20 − 14.29 = 165.71      300 − 30 − 21.43 = 248.57
#   500 − 99.99 − 35.72 = 364.29   400.01 − 28.58 = 371.43      in all 1150.00
SELECTIVE = replace(
    CLOSED,
    external_id=oid("5"),
    version=clock(12, 50, 1),
    header=replace(
        CLOSED.header,
        number="415",
        occurred_at=at(12, 50),
        provider_at=at(12, 50, 1),
        gross_total=D("1400.01"),
        discount_total=D("250.01"),
        total=D(1150),
        discounts=(
            Discount(name="На напитки", amount=D(50)),
            Discount(name="Товар дня", amount=D("99.99")),
            Discount(name="Карта гостя", amount=D("100.02")),
        ),
    ),
    lines=(
        line("c01", CAPPUCCINO, "1", "200", "200", "34.29", "165.71"),
        line("c02", LATTE, "1", "300", "300", "51.43", "248.57"),
        line(
            "c03", Mention(external_id=uid("79"), name="Чизкейк"),
            "1", "500", "500", "135.71", "364.29",
        ),
        line("c04", CROISSANT, "1", "400.01", "400.01", "28.58", "371.43"),
    ),
    money=Money(
        payments=(
            paid("gift_card", "1000", "Сертификат"),
            paid("other", "150", "Онлайн-оплата"),
        )
    ),
)  # fmt: skip


def half(key: str, tail: str, name: str, gross: str, discount: str, total: str) -> Line:
    return Line(
        key=uid(key),
        product=Mention(external_id=uid(tail), name=name),
        name=name,
        gross=D(gross),
        discount=D(discount),
        total=D(total),
        tax_included=True,
    )


# 300 for 270, cheese 60, 350, thin dough for nothing: 710 − 30 = 680. The halves state no tax.
HALVES = replace(
    BILL,
    external_id=oid("6"),
    version=clock(13, 0, 1),
    header=replace(
        BILL.header or CLOSED.header,
        number="416",
        provider_at=at(13, 0, 1),
        gross_total=D(710),
        discount_total=D(30),
        total=D(680),
        discounts=(Discount(name="Половина дня", amount=D(30)),),
    ),
    lines=(
        half("d01", "91", "Маргарита", "300", "30", "270"),
        replace(
            line(None, Mention(external_id=uid("93"), name="Сыр"), "1", "60", "60", "0", "60"),
            parent_key=uid("d01"),
        ),
        half("d02", "92", "Пепперони", "350", "0", "350"),
        replace(
            line(
                "d03", Mention(external_id=uid("94"), name="Тонкое тесто"), "1", "0", "0", "0", "0"
            ),
            parent_key=uid("d01"),
        ),
    ),
)
# Two for 350 together, 180 + 170 instead of 440, and 150 for bringing them: 590 − 90 = 500.
ON_THE_WAY = SaleDraft(
    external_id=oid("7"),
    version=clock(15, 40),
    header=Header(
        status="open",
        number="8",
        occurred_at=at(15, 5, 0, 250),
        provider_at=at(15, 40),
        currency="RUB",
        location=RESTAURANT,
        employee=OLGA,
        channel="delivery",
        tax_included=True,
        gross_total=D(590),
        discount_total=D(90),
        tip_total=D(0),
        total=D(500),
    ),
    lines=(
        Line(key=uid("1c0"), kind="other", name="Завтрак", quantity=D(1)),
        replace(line("e01", CAPPUCCINO, "1", "220", "220", "40", "180"), parent_key=uid("1c0")),
        replace(line("e02", CROISSANT, "1", "220", "220", "50", "170"), parent_key=uid("1c0")),
        Line(
            kind="service",
            product=Mention(external_id=uid("95"), name="Доставка"),
            name="Доставка",
            quantity=D(1),
            gross=D(150),
            discount=D(0),
            total=D(150),
            tax_included=True,
        ),
    ),
    money=Money(),
    customer=NOBODY,
)
assert ON_THE_WAY.header is not None
# The tip of 50 is beside the order's 500.
DELIVERED = replace(
    ON_THE_WAY,
    version=clock(15, 58, 31, 7),
    header=replace(
        ON_THE_WAY.header,
        status="completed",
        occurred_at=at(15, 58, 30),
        provider_at=at(15, 58, 31, 7),
        tip_total=D(50),
        total=D(550),
    ),
    money=Money(payments=(paid("card", "500", CARD), paid("card", "50", CARD, tip=D(50)))),
    customer=CustomerLink(customer=Mention(external_id=uid("5"), name="Анна")),
)
CANCELLED = replace(
    ON_THE_WAY,
    external_id=oid("8"),
    version=clock(15, 20, 1),
    header=replace(
        ON_THE_WAY.header,
        status="voided",
        number="9",
        provider_at=at(15, 20, 1),
        channel="pos",  # the guest would have come for it
        gross_total=D(440),
        discount_total=D(0),
        tax_total=D(0),
        total=D(440),
    ),
    lines=(line("e11", CAPPUCCINO, "2", "220", "440", "0", "440"),),
    money=Money(payments=(paid("other", "440", "Онлайн-оплата", status="cancelled"),)),
)
GONE = replace(
    CANCELLED,
    external_id=oid("9"),
    version=clock(15, 21),
    header=replace(
        ON_THE_WAY.header,
        status="voided",
        number="10",
        provider_at=at(15, 21),
        gross_total=D(220),
        discount_total=D(0),
        tax_total=D(0),
        total=D(220),
    ),
    lines=(line("e21", CAPPUCCINO, "1", "220", "220", "0", "220"),),
    money=Money(),
)
# 2 × 150 = 300 for 270, 120 for 108: 420 − 42 = 378; noon in Moscow is nine in UTC.
SAME = replace(
    CLOSED,
    external_id=oid("50"),
    version=clock(9, 0, 4),
    header=replace(
        CLOSED.header,
        number="500",
        occurred_at=at(9, 0),
        provider_at=at(9, 0, 4),
        gross_total=D(420),
        discount_total=D(42),
        total=D(378),
        discounts=(Discount(name="Скидка 10 %", amount=D(42)),),
    ),
    lines=(
        line("5a1", Mention(external_id=uid("101"), name="Кофе"), "2", "150", "300", "30", "270"),
        line("5a2", CROISSANT, "1", "120", "120", "12", "108"),
    ),
    money=Money(payments=(paid("cash", "200", CASH), paid("card", "178", CARD))),
)
CASES: dict[str, Case] = {
    "TableOrderUpdate__closed": [CLOSED],
    # 500 of the 620 were cash after all, and the guest is known.
    "TableOrderUpdate__changed": [
        replace(
            CLOSED,
            version=clock(12, 15, 0, 5),
            header=replace(CLOSED.header, provider_at=at(12, 15, 0, 5)),
            money=Money(payments=(paid("cash", "500", CASH), paid("card", "120", CARD))),
            customer=CustomerLink(customer=Mention(external_id=uid("5"), name="Анна Иванова")),
        )
    ],
    "TableOrderUpdate__bill_with_modifiers": [BILL],
    "TableOrderUpdate__deleted": [DELETED],
    "TableOrderUpdate__in_progress": IGNORED,
    "TableOrderUpdate__selective_discounts": [SELECTIVE],
    "TableOrderUpdate__two_halves": [HALVES],
    "TableOrderUpdate__same_sale": [SAME],
    "TableOrderUpdate__negative_payment": Unrecognised("eventInfo.order.payments[1].sum"),
    "TableOrderUpdate__new_status": Unrecognised("eventInfo.order.status"),
    "TableOrderUpdate__success_without_order": Unrecognised("eventInfo.order"),
    "DeliveryOrderUpdate__on_the_way": [ON_THE_WAY],
    "DeliveryOrderUpdate__closed_with_a_tip": [DELIVERED],
    "DeliveryOrderUpdate__cancelled_and_deleted": [CANCELLED, GONE],
    "ReserveUpdate__banquet": UNSUPPORTED,
    "events__no_sales": IGNORED,
    "empty__no_events": IGNORED,
    "object__no_list": Unrecognised("$"),
    # A list of deliveries has the very objects of the webhooks.
    "delivery.listed__page": [DELIVERED, ON_THE_WAY],
    "delivery.listed__nothing": IGNORED,
}
SAMPLES, ANSWERS = samples.load("iiko"), samples.load_answers("iiko")


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_deliveries_of_a_day_are_asked_for_in_whatever_zone_the_terminal_is() -> None:
    asked = Asked("delivery", "", {"organization": oid("1")}, "session")
    listing = API.lists["delivery"]

    call = listing.call(asked, Window(at(0, 0), at(12, 0)), None)

    assert (call.method, call.path) == ("POST", "/api/1/deliveries/by_delivery_date_and_status")
    assert call.headers["Authorization"] == "Bearer session"
    body = json.loads(call.body)
    assert body["organizationIds"] == [oid("1")]
    # From twelve hours before, of the farthest west, to fourteen behind, of the farthest east.
    assert body["deliveryDateFrom"] == "2026-09-13 12:00:00.000"
    assert body["deliveryDateTo"] == "2026-09-15 02:00:00.000"
    assert {"Closed", "Cancelled", "OnWay"} <= set(body["statuses"])
    assert listing.cursor(Reply(200, {}, {}), None) is None


def test_a_delivery_that_cannot_be_read_holds_up_no_other() -> None:
    body = parse_json(ANSWERS["delivery.listed__page"])
    body["answers"][0]["ordersByOrganizations"][0]["orders"][0]["timestamp"] = "today"
    event = Event("k", "delivery.listed", body)
    listing = API.lists["delivery"]

    stated, lacking = pages.state(
        NORMALISERS["delivery.listed"], event, context_of(PROVIDER), nested=listing.nested
    )

    (sale,) = stated or ()
    assert isinstance(sale, SaleDraft)
    assert sale.external_id == ON_THE_WAY.external_id
    assert lacking is not None
    assert lacking.path == "answers[0].ordersByOrganizations[0].orders[0].timestamp"


@pytest.mark.parametrize(
    ("secret", "path", "body"),
    [
        ("a-login", "/api/1/access_token", {"apiLogin": "a-login"}),
        (
            "an-app:a-secret:a-key",
            "/api/v2/access_token",
            {"appId": "an-app", "clientSecret": "a-secret", "apiKey": "a-key"},
        ),
    ],
)
def test_a_login_is_of_an_api_key_or_of_an_application(
    secret: str, path: str, body: dict[str, str]
) -> None:
    call = log_in(secret)

    assert (call.method, call.path, json.loads(call.body)) == ("POST", path, body)
    assert access({"correlationId": uid("1"), "token": "a.b"}) == Access("a.b", 3600)
    assert access({"errorDescription": "Login is not authorized."}) is None
    for wrong in ("", "a:b", "a::b", "a:b:c:d"):
        with pytest.raises(ValueError, match=r"^$"):
            log_in(wrong)


def test_an_account_lives_on_a_host_of_iiko_or_syrve() -> None:
    assert host_of({}) == "api-ru.iiko.services"
    assert host_of({"api_host": read_api_host("https://api-eu.syrve.live/")}) == "api-eu.syrve.live"
    assert read_api_host("api-eu") == "api-eu.iiko.services"
    for wrong in ("iiko.example", "https://api-ru.iiko.services.example/", "10.0.0.1"):
        with pytest.raises(ValueError, match=r"example|10"):
            read_api_host(wrong)


def closed_at(written: str, zone: str, timestamp: bytes = b"1789387726221") -> Header:
    """Return the header of the closed order if it had these times, in a source of this zone."""
    sample = samples.load("iiko")["TableOrderUpdate__closed"]
    body = sample.body.replace(b"2026-09-14 15:08:44.000", written.encode())
    body = body.replace(b"1789387726221", timestamp)
    context = replace(
        context_of(PROVIDER), timezone=zone, received=int(timestamp) * 1000 + 1_000_000
    )
    (event,) = split(samples.signed(replace(sample, body=body), PROVIDER))
    (draft,) = NORMALISERS[event.type](event, context) or ()
    assert isinstance(draft, SaleDraft)
    assert draft.header is not None
    return draft.header


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        # Nine in the morning of Petropavlovsk is nine in the evening before in UTC.
        ("2026-03-29 09:00:00.000", "Asia/Kamchatka", datetime(2026, 3, 28, 21, tzinfo=UTC)),
        # Half past two does not exist that night: half past three by the summer's clock.
        ("2026-03-29 02:30:00.000", "Europe/Berlin", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        # It is twice half past two that night: the first one, of the summer.
        ("2026-10-25 02:30:00.000", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_an_order_is_dated_in_the_zone_of_its_terminal(
    written: str, zone: str, expected: datetime
) -> None:
    header = closed_at(written, zone, b"1792972800000")  # 26 October 2026, midnight

    assert header.occurred_at == expected
    assert header.anomalies == ()


def test_a_terminal_whose_clock_is_wrong_still_sold() -> None:
    header = closed_at("1970-01-01 00:00:00.000", "Europe/Moscow")

    assert header.anomalies == ("clock",)
    assert header.total == D(620)
