"""What orders of Square state, worked out by hand from what its API answers.

Of 14 September 2026: one paid by card with a tip, one still open with modifiers and taxes inside
its prices, a return, an exchange, and a cancelled one.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from functools import partial
from typing import Any

import pytest

from integrations import answers, samples
from integrations.cases import IGNORED, Case, Unrecognised, outcome_of_answer
from integrations.samples import SENT
from sales.drafts import (
    CustomerLink,
    Discount,
    Header,
    Line,
    Mention,
    OrderedBy,
    Rank,
    SaleDraft,
    Version,
)

from . import PROVIDER

#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in microseconds.
MIDNIGHT = 20_710 * 86_400 * 1_000_000
ORDER = "03O3USaPaAaFnI6kkwB1JxGgBsUZY"
JANE = "W92WH6P11H4Z77CTET0RNTGFW8"
BAR = Mention(external_id="L88917AVBK2S5")


def at(hour: int, minute: int, second: int = 0, millis: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, millis * 1000, tzinfo=UTC)


def clock(hour: int, minute: int, second: int = 0, millis: int = 0, seq: int = 0) -> Version:
    seconds = (hour * 60 + minute) * 60 + second
    return Version(Rank.FULL, MIDNIGHT + (seconds * 1000 + millis) * 1000, seq)


def read_at(hour: int, minute: int, second: int = 0, millis: int = 0) -> Version:
    return clock(hour, minute, second, millis, seq=SENT)


#: An object without a clock is as of when it was asked for.
UNDATED = Version(Rank.FULL, SENT, 0, OrderedBy.READ)
NOTHING: dict[str, Any] = dict.fromkeys(
    ("discount_total", "service_total", "tip_total", "tax_total"), D("0.00")
)
untaxed = partial(Line, tax_code="none", tax_amount=D("0.00"))


# 2 × 4.50 and 3.00 are 12.00; less 1.00, and 0.87 of taxes and 2.00 of tip on top: 13.87.
COMPLETED = SaleDraft(
    external_id=ORDER,
    version=read_at(12, 20),
    header=Header(
        occurred_at=at(12, 8, 46, 300),
        provider_at=at(12, 8, 40, 100),
        currency="USD",
        location=BAR,
        tax_included=False,
        gross_total=D("12.00"),
        discount_total=D("1.00"),
        service_total=D("0.00"),
        tip_total=D("2.00"),
        tax_total=D("0.87"),
        total=D("13.87"),
        discounts=(Discount(name="Happy hour", amount=D("1.00")),),
    ),
    lines=(
        Line(
            key="8uSwfzvUImn3IRrvciqlXC",
            product=Mention(external_id="R7R6DWWVL6IN4XUE6AZJ3CJQ", name="Cappuccino - Large"),
            name="Cappuccino - Large",
            quantity=D(2),
            unit_price=D("4.50"),
            gross=D("9.00"),
            discount=D("1.00"),
            total=D("8.00"),
            tax_code="other",
            tax_rate=D("7.75"),
            tax_amount=D("0.64"),
            tax_included=False,
        ),
        Line(
            key="Hd3kUImn3IRrvciqlXZZZZ",
            product=Mention(external_id="AAR6DWWVL6IN4XUE6AZJ3CJQ", name="Croissant - Regular"),
            name="Croissant - Regular",
            quantity=D(1),
            unit_price=D("3.00"),
            gross=D("3.00"),
            discount=D("0.00"),
            total=D("3.00"),
            tax_code="other",
            tax_rate=D("7.75"),
            tax_amount=D("0.23"),
            tax_included=False,
        ),
    ),
    customer=CustomerLink(customer=Mention(external_id=JANE)),
)
_VAT: dict[str, Any] = {"tax_code": "20", "tax_rate": D(20), "tax_included": True}
# Burgers 16.00, cheese 2.00, corkage 5.00, beans 0.35 kg × 20.00 = 7.00: 30.00. Less 1.80, with
# 1.50 of service, 1.00 of tip and 0.02 of rounding 30.72; the taxes are inside the prices.
# The discount of 1.80 and the tax of 2.70 are the burgers' and their cheese's, as 16 to 2.
OPEN = SaleDraft(
    external_id="09TABLEPaAaFnI6kkwB1JxGgBsUZY",
    version=read_at(13, 5, 0, 250),
    header=Header(
        status="open",
        number="Table 7",
        occurred_at=at(13, 0),
        provider_at=at(13, 0),
        currency="EUR",
        location=BAR,
        channel="delivery",
        tax_included=True,
        gross_total=D("30.00"),
        discount_total=D("1.80"),
        service_total=D("1.50"),
        tip_total=D("1.00"),
        rounding_total=D("0.02"),
        tax_total=D("3.99"),
        total=D("30.72"),
        discounts=(Discount(kind="loyalty", name="Regulars", percent=D(10), amount=D("1.80")),),
    ),
    lines=(
        Line(
            key="l1",
            product=Mention(external_id="VBURGER", name="Burger"),
            name="Burger",
            quantity=D(2),
            unit_price=D("8.00"),
            gross=D("16.00"),
            discount=D("1.60"),
            total=D("14.40"),
            tax_amount=D("2.40"),
            **_VAT,
        ),
        Line(  # 2 in each of 2 burgers
            key="m1",
            parent_key="l1",
            product=Mention(external_id="MCHEESE", name="Cheese"),
            name="Cheese",
            quantity=D(4),
            unit_price=D("0.50"),
            gross=D("2.00"),
            discount=D("0.20"),
            total=D("1.80"),
            tax_amount=D("0.30"),
            **_VAT,
        ),
        Line(
            key="m2",
            parent_key="l1",
            name="No onion",
            quantity=D(2),
            gross=D(0),
            discount=D("0.00"),
            total=D("0.00"),
            tax_amount=D("0.00"),
            **_VAT,
        ),
        untaxed(
            key="l2",
            kind="other",
            name="Corkage",
            quantity=D(1),
            unit_price=D("5.00"),
            gross=D("5.00"),
            discount=D("0.00"),
            total=D("5.00"),
        ),
        Line(  # 20 % and 2.5 %: 1.15 and 0.14
            key="l3",
            product=Mention(external_id="VBEANS", name="Beans - Dark"),
            name="Beans - Dark",
            unit="METRIC_KILOGRAM",
            quantity=D("0.35"),
            unit_price=D("20.00"),
            gross=D("7.00"),
            discount=D("0.00"),
            total=D("7.00"),
            tax_code="other",
            tax_rate=D("22.5"),
            tax_amount=D("1.29"),
            tax_included=True,
        ),
    ),
    # The order names nobody, the card that it was paid with does.
    customer=CustomerLink(customer=Mention(external_id="CUSTOMEROFTENDER")),
)
# Nothing is sold in it: the refund itself counts.
RETURN = SaleDraft(
    external_id="rEtUrN0PaAaFnI6kkwB1JxGgBsUZY",
    version=read_at(12, 40, 10, 500),
    header=Header(
        role="return",
        occurred_at=at(12, 40, 10),
        provider_at=at(12, 40, 9),
        currency="USD",
        location=BAR,
    ),
    lines=(),
    customer=CustomerLink(),
)
# A tea of 5.00 less 10 % and a gift card of 20.00 are 24.50; what came back is a refund's to say.
EXCHANGE = SaleDraft(
    external_id="0eXcHaNgEaFnI6kkwB1JxGgBsUZY",
    version=read_at(14, 1),
    header=Header(
        occurred_at=at(14, 1),
        provider_at=at(14, 0),
        currency="USD",
        location=BAR,
        channel="online",
        gross_total=D("25.00"),
        **NOTHING | {"discount_total": D("0.50")},
        total=D("24.50"),
        discounts=(Discount(kind="promo", name="Tea hour", percent=D(10), amount=D("0.50")),),
    ),
    lines=(
        untaxed(
            key="l1",
            product=Mention(external_id="VTEA", name="Tea - Green"),
            name="Tea - Green",
            quantity=D(1),
            unit_price=D("5.00"),
            gross=D("5.00"),
            discount=D("0.50"),
            total=D("4.50"),
        ),
        untaxed(
            key="l2",
            kind="gift_card",
            name="Gift Card",
            quantity=D(1),
            unit_price=D("20.00"),
            gross=D("20.00"),
            discount=D("0.00"),
            total=D("20.00"),
        ),
    ),
    customer=CustomerLink(),
)
UNSAID: dict[str, Any] = dict.fromkeys(NOTHING)
VOIDED = Header(
    status="voided",
    occurred_at=at(13, 20),
    provider_at=at(13, 20),
    currency="USD",
    location=BAR,
    gross_total=D("0.00"),
    **NOTHING,
    total=D("0.00"),
)
CANCELED = SaleDraft(
    external_id="07CANCPaAaFnI6kkwB1JxGgBsUZY",
    version=UNDATED,
    header=VOIDED,
    lines=(),
    customer=CustomerLink(),
)
# The sale of tests/test_same_sale.py: 300.00 and 120.00 less a tenth each, 270.00 and 108.00.
SAME_SALE = SaleDraft(
    external_id="sAmE0PaAaFnI6kkwB1JxGgBsUZY",
    version=read_at(9, 0, 2),
    header=Header(
        occurred_at=at(9, 0),
        provider_at=at(8, 59, 50),
        currency="RUB",
        location=BAR,
        gross_total=D("420.00"),
        **NOTHING | {"discount_total": D("42.00")},
        total=D("378.00"),
        discounts=(Discount(name="Скидка", percent=D(10), amount=D("42.00")),),
    ),
    lines=(
        untaxed(
            key="l1",
            product=Mention(external_id="VCOFFEE", name="Кофе"),
            name="Кофе",
            quantity=D(2),
            unit_price=D("150.00"),
            gross=D("300.00"),
            discount=D("30.00"),
            total=D("270.00"),
        ),
        untaxed(
            key="l2",
            product=Mention(external_id="VCROISSANT", name="Круассан"),
            name="Круассан",
            quantity=D(1),
            unit_price=D("120.00"),
            gross=D("120.00"),
            discount=D("12.00"),
            total=D("108.00"),
        ),
    ),
    customer=CustomerLink(),
)
ORDERS: dict[str, Case] = {
    "order.read__completed": [COMPLETED],
    "order.read__modifiers_open": [OPEN],
    "order.read__return": [RETURN],
    "order.read__exchange": [EXCHANGE],
    "order.read__canceled_undated": [CANCELED],
    "order.read__same_sale": [SAME_SALE],
    # The croissant came back: its refund of 108.00 is told by itself, and counted once.
    "order.read__same_sale_return": [
        replace(
            RETURN,
            external_id="sAmErEtUrN0PaAaFnI6kkwB1JxGgB",
            version=read_at(9, 30, 1),
            header=Header(
                role="return",
                occurred_at=at(9, 30),
                provider_at=at(9, 29, 59),
                currency="RUB",
                location=BAR,
            ),
        )
    ],
    # Square deletes no order: this one is another seller's.
    "order.missing__elsewhere": IGNORED,
    "order.listed__page": [
        replace(
            CANCELED,
            version=read_at(13, 30),
            header=replace(VOIDED, **UNSAID),
        )
    ],
}


@pytest.mark.parametrize("name", sorted(ORDERS))
def test_a_recorded_order_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, samples.load_answers("square")[name]) == ORDERS[name]


def changed(name: str, path: str, value: object) -> Case:
    """Return what an answer with another value at a place in its order becomes."""
    (text,) = answers.texts(samples.load_answers("square")[name])
    answer = json.loads(text)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = answer["order"]
    for step in steps:
        place = place[step]
    place[last] = value
    return outcome_of_answer(
        PROVIDER, answers.envelope("order", ORDER, "read", [json.dumps(answer).encode()])
    )


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        ("state", "PAID", "state"),
        ("total_money", None, "total_money"),
        ("total_tip_money.currency", "EUR", "total_tip_money.currency"),
        ("line_items.0.quantity", "two", "line_items[0].quantity"),
        ("line_items.0.gross_sales_money.amount", -1, "line_items[0].gross_sales_money.amount"),
        ("line_items.0.modifiers", [{"total_price_money": {"amount": 901, "currency": "USD"}}],
         "line_items[0].gross_sales_money"),
        ("line_items.0.modifiers", [{"quantity": "999999999999999"}],
         "line_items[0].modifiers[0]"),
        ("taxes.0.percentage", "-1", "taxes[0].percentage"),
    ],
)  # fmt: skip
def test_what_square_does_not_document_is_a_dead_letter_with_its_place(
    path: str, value: object, wrong: str
) -> None:
    assert changed("order.read__completed", path, value) == Unrecognised(
        f"answers[0].order.{wrong}"
    )


def sale_of(case: Case) -> tuple[Header, tuple[Line, ...]]:
    assert isinstance(case, list)
    (sale,) = case
    assert isinstance(sale, SaleDraft)
    assert sale.header is not None
    assert sale.lines is not None
    return sale.header, sale.lines


def test_a_tax_that_the_order_does_not_list_has_no_known_rate() -> None:
    case = changed("order.read__completed", "line_items.0.applied_taxes", [{"tax_uid": "gone"}])

    _, lines = sale_of(case)

    assert (lines[0].tax_code, lines[0].tax_rate, lines[0].tax_amount) == ("other", None, D("0.64"))
    assert lines[0].tax_included is None


def test_taxes_on_top_and_inside_together_leave_unsaid_where_the_tax_is() -> None:
    both = [{"uid": kind, "type": kind, "scope": "ORDER"} for kind in ("ADDITIVE", "INCLUSIVE")]

    header, _ = sale_of(changed("order.read__completed", "taxes", both))

    assert header.tax_included is None


def test_a_draft_is_no_revenue_until_it_is_opened() -> None:
    states = {}
    for state in ("DRAFT", "OPEN"):
        header, _ = sale_of(changed("order.read__completed", "state", state))
        states[state] = (header.kind, header.status, header.occurred_at)

    assert states == {
        "DRAFT": ("other", "open", at(12, 8, 40, 100)),
        "OPEN": ("sale", "open", at(12, 8, 40, 100)),
    }
