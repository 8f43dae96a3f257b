"""What the recorded deliveries of an invented till state, worked out by hand from their payloads.

Its amounts are kopecks, its times Moscow's, its refunds negative; the version of a record is
``changed``.
"""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from integrations import samples
from integrations.cases import (
    IGNORED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
)
from integrations.contract import (
    REVISION,
    Delivery,
    EventUnsupported,
    PayloadUnrecognised,
    SettingUnusable,
)
from integrations.envelope import NORMALISERS as STANDARD
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

MOSCOW = timezone(timedelta(hours=3))
#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in seconds.
MIDNIGHT = 20_710 * 86_400
SHOP = Mention(external_id="les-5", name="Кофейня на Лесной")
OLGA = Mention(external_id="7", name="Ольга")
NOBODY = CustomerLink(customer=None)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=MOSCOW)


def clock(hour: int, minute: int, second: int = 0) -> Version:
    """Return the version of a moment in Moscow, three hours ahead of UTC."""
    return Version(Rank.FULL, (MIDNIGHT + ((hour - 3) * 60 + minute) * 60 + second) * 1_000_000)


def card(amount: str, last4: str | None = None) -> Payment:
    return Payment(method="card", amount=D(amount), currency="RUB", last4=last4)


def cash(amount: str, tendered: str | None = None, change: str | None = None) -> Payment:
    return Payment(
        method="cash",
        amount=D(amount),
        currency="RUB",
        tendered=None if tendered is None else D(tendered),
        change=None if change is None else D(change),
    )


def client(key: str, version: Version, **content: object) -> Case:
    return [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER, external_id=key, version=version, content=content
        )
    ]


# Kopecks: 15000 = 150.00, off 3000 = 30.00, and 2 × 150.00 − 30.00 = 270.00.
COFFEE = Line(
    key="1",
    product=Mention(external_id="101", name="Кофе"),
    name="Кофе",
    quantity=D(2),
    unit_price=D(150),
    gross=D("300.00"),
    discount=D("30.00"),
    total=D("270.00"),
    tax_code="none",
    tax_amount=D("0.00"),
)
# 120.00 − 12.00 = 108.00
CROISSANT = Line(
    key="2",
    product=Mention(external_id="102", name="Круассан"),
    name="Круассан",
    quantity=D(1),
    unit_price=D(120),
    gross=D("120.00"),
    discount=D("12.00"),
    total=D("108.00"),
    tax_code="none",
    tax_amount=D("0.00"),
)
# 420.00 − 42.00 = 378.00; of two promotions one was used.
NOON = Header(
    number="501",
    occurred_at=at(12, 0),
    utc_offset=180,
    currency="RUB",
    location=SHOP,
    employee=OLGA,
    tax_included=True,
    gross_total=D("420.00"),
    discount_total=D("42.00"),
    tax_total=D("0.00"),
    total=D("378.00"),
    change_total=D("0.00"),
    discounts=(Discount(kind="promo", name="Утро", percent=D(10)),),
)
SAME_SALE = SaleDraft(
    external_id="L-1001",
    version=clock(12, 0, 5),
    header=NOON,
    lines=(COFFEE, CROISSANT),
    money=Money(payments=(cash("200.00", "200.00", "0.00"), card("178.00", "0042"))),
    customer=NOBODY,
)


def cheese(quantity: str, total: str, vat: str) -> Line:
    return Line(
        key="1",
        product=Mention(external_id="205", name="Сыр, кг"),
        name="Сыр, кг",
        quantity=D(quantity),
        unit_price=D(500),
        gross=D(total),
        discount=D("0.00"),
        total=D(total),
        tax_code="22",
        tax_rate=D(22),
        tax_amount=D(vat),
    )


def weighed(total: str, vat: str) -> Header:
    return replace(
        NOON,
        number="502",
        gross_total=D(total),
        discount_total=D("0.00"),
        tax_total=D(vat),
        total=D(total),
        discounts=(),
    )


# 108.00 of the croissant, negative at the till.
BACK = Refund(
    kind="refund",
    total=D("108.00"),
    currency="RUB",
    occurred_at=at(12, 30),
    external_id="L-1005",
    sale_external_id="L-1001",
    number="503",
    tax_total=D("0.00"),
    lines=(
        RefundLine(
            product=Mention(external_id="102", name="Круассан"),
            name="Круассан",
            quantity=D(1),
            total=D("108.00"),
        ),
    ),
    payments=(cash("108.00"),),
    location=SHOP,
    reason="Остыл",
)

CASES: dict[str, Case] = {
    "SALE__same_sale": [SAME_SALE],
    # «0,32» × 500.00 = 160.00, with 160 × 22 / 122 = 28.852… of VAT
    "SALE__before_the_change": [
        SaleDraft(
            external_id="L-1002",
            version=clock(12, 30),
            header=weighed("160.00", "28.85"),
            lines=(cheese("0.32", "160.00", "28.85"),),
            money=Money(payments=(card("160.00", "1111"),)),
            customer=NOBODY,
        )
    ],
    # «0,305» × 500.00 = 152.50, with 152.50 × 22 / 122 = 27.50 of VAT; nothing paid in cash
    "SALE__changed": [
        SaleDraft(
            external_id="L-1002",
            version=clock(12, 40),
            header=weighed("152.50", "27.50"),
            lines=(cheese("0.305", "152.50", "27.50"),),
            money=Money(payments=(card("152.50", "1111"),)),
            customer=CustomerLink(customer=Mention(external_id="c-7")),
        )
    ],
    "SALE__no_such_sum": Unrecognised("receipts[0].items[1].sum"),
    "SALE__no_such_time": Unrecognised("receipts[0].printed"),
    "REFUND__same_sale": [
        RefundDraft(external_id="L-1005", version=clock(12, 30, 2), content=BACK)
    ],
    "REFUND__full": [
        RefundDraft(
            external_id="L-1006",
            version=clock(13, 0, 2),
            content=replace(
                BACK,
                external_id="L-1006",
                sale_external_id="L-1002",
                number="504",
                occurred_at=at(13, 0),
                total=D("152.50"),
                tax_total=D("27.50"),
                lines=(
                    RefundLine(
                        product=Mention(external_id="205", name="Сыр, кг"),
                        name="Сыр, кг",
                        quantity=D("0.305"),
                        total=D("152.50"),
                    ),
                ),
                payments=(card("152.50"),),
                reason=None,
            ),
        )
    ],
    "REFUND__without_sale": [
        RefundDraft(
            external_id="L-1007",
            version=clock(12, 30, 2),
            content=replace(
                BACK,
                external_id="L-1007",
                sale_external_id=None,
                number="505",
                total=D("50.00"),
                lines=(),
                payments=(cash("50.00"),),
                reason="Старый чек",
            ),
        )
    ],
    # 150.00 given for 120.00
    "VOID__mistake": [
        SaleDraft(
            external_id="L-1008",
            version=clock(12, 50),
            header=replace(
                NOON,
                status="voided",
                number="506",
                gross_total=D("120.00"),
                discount_total=D("0.00"),
                total=D("120.00"),
                change_total=D("30.00"),
                discounts=(),
            ),
            lines=(replace(CROISSANT, discount=D("0.00"), total=D("120.00")),),
            money=Money(payments=(cash("120.00", "150.00", "30.00"),)),
            customer=NOBODY,
        )
    ],
    "ERASE__test": [SaleDraft(external_id="L-1009", version=clock(12, 55), gone=True)],
    "CLIENT__new": client("c-7", clock(11, 0), name="Анна", phone="+7 900 000-00-00", email=None),
    "RECEIPTS__two_in_one": client("c-8", clock(11, 5), name="Борис", phone=None, email=None),
    "RECEIPTS__no_kind": Unrecognised("receipts[0].kind"),
    "RECEIPTS__none": IGNORED,
    "PAYIN__no_sale": IGNORED,
    "PING__test": IGNORED,
    "SHIFT__unknown": UNSUPPORTED,
}
TILL = samples.configured(PROVIDER)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(TILL, samples.load("custom")[name]) == CASES[name]


def delivered(body: bytes) -> Delivery:
    return Delivery("POST", "", "", {}, body, samples.TEST_URL)


def described(body: Any = "json", **more: Any) -> dict[str, Any]:
    """Return a small description: one sale in the body, its total in rubles."""
    fields = {"id": "@.id", "occurred_at": {"value": "2026-09-14T12:00:00+03:00"}}
    sale = {**fields, "total": "@.sum", **more.pop("sale", {})}
    whole = {"proof": {"scheme": "address"}, "body": body, "types": {"sale": "sale"}}
    return {**whole, "sale": sale, **more}


def stated(description: dict[str, Any], body: Any) -> list[Any]:
    """Return what a body states by a description."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    provider = PROVIDER.of({"description": json.dumps(description)})
    context = context_of(provider)
    return [
        statement
        for event in provider.split(delivered(raw))
        for statement in provider.normalisers[event.type](event, context) or ()
    ]


def header(description: dict[str, Any], body: Any) -> Header:
    (sale,) = stated(description, body)
    assert isinstance(sale.header, Header)
    return sale.header


def test_a_form_is_read_as_a_document_is() -> None:
    description = described(
        "form",
        records="$.data",
        sale={"total": {"path": "@.sum", "money": {"decimal": ","}}, "is_test": "@.test"},
    )

    sale = header(description, b"data[id]=7&data[sum]=1+234,50&data[test]=1")

    assert (sale.total, sale.is_test) == (D("1234.50"), True)


def test_numbers_are_those_of_the_text_and_never_floats() -> None:
    body = b'{"id": 1, "sum": 9007199254740993.00, "sale": 0}'
    with pytest.raises(PayloadUnrecognised):  # 9 × 10^15 is out of range, and is no other number
        stated(described(), body)

    assert header(described(), b'{"id": 1, "sum": 1234567890123.45}').total == D("1234567890123.45")


@pytest.mark.parametrize(
    ("time", "value", "moment"),
    [
        ({"format": "seconds"}, 1789376400, "2026-09-14T09:00:00+00:00"),
        ({"format": "seconds"}, "1789376400.25", "2026-09-14T09:00:00.250000+00:00"),
        ({"format": "milliseconds"}, 1789376400001, "2026-09-14T09:00:00.001000+00:00"),
        ({"format": "%d.%m.%y %I:%M %p"}, "14.09.26 01:05 PM", "2026-09-14T10:05:00+00:00"),
        ({"format": "%Y%m%d%H%M%S%z"}, "20260914120000+0500", "2026-09-14T07:00:00+00:00"),
        ({"zone": "Asia/Omsk"}, "2026-09-14T12:00:00", "2026-09-14T06:00:00+00:00"),
        # Without a zone of its own it is the source's, Moscow's.
        ({"format": "iso"}, "2026-09-14 12:00", "2026-09-14T09:00:00+00:00"),
    ],
)
def test_a_time_is_read_as_the_description_says(
    time: dict[str, str], value: Any, moment: str
) -> None:
    description = described(sale={"occurred_at": {"path": "@.at", "time": time}})

    found = header(description, {"id": 1, "sum": 1, "at": value}).occurred_at

    assert found == datetime.fromisoformat(moment)


@pytest.mark.parametrize("value", ["завтра", "31.02.2026 10:00", 5, None, "1" * 70, "٣١.01.2026"])
def test_a_time_that_is_none_names_its_place_and_its_setting(value: Any) -> None:
    form = {"path": "@.at", "time": {"format": "%d.%m.%Y %H:%M"}}

    with pytest.raises(PayloadUnrecognised) as caught:
        stated(described(sale={"occurred_at": form}), {"id": 1, "sum": 1, "at": value})

    assert caught.value.path == "at"
    assert "sale.occurred_at" in caught.value.reason


def test_the_unit_of_an_amount_follows_the_documents_own_currency() -> None:
    description = described(
        money={"unit": "minor"},
        sale={
            "currency": "@.in",
            "payments": {"each": "@.paid[*]", "method": {"value": "card"}, "amount": "@"},
        },
    )

    for currency, total in (("JPY", D(37800)), ("RUB", D("378.00")), ("KWD", D("37.800"))):
        body = {"id": 1, "sum": 37800, "in": currency, "paid": [37800]}
        (sale,) = stated(description, body)
        assert sale.header.total == total
        assert [one.amount for one in sale.money.payments] == [total]


def test_what_is_absent_is_not_stated_and_what_is_empty_is_none() -> None:
    description = described(
        sale={
            "customer": "@.who",
            "lines": {"each": "@.items[*]", "name": "@.title"},
        }
    )

    (silent,) = stated(description, {"id": 1, "sum": 1})
    (none,) = stated(description, {"id": 1, "sum": 1, "who": None, "items": []})

    assert (silent.customer, silent.lines) == (None, None)
    assert (none.customer, none.lines) == (CustomerLink(customer=None), ())


def test_the_example_of_the_readme_is_true() -> None:
    readme = (Path(__file__).parent / "README.md").read_text("utf-8")
    body, description = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)

    (sale,) = stated(json.loads(description), body.encode())

    assert (sale.external_id, sale.header.total, sale.version) == (
        *("L-1001", D("378.00"), clock(12, 0, 5)),
    )
    assert [line.total for line in sale.lines] == [D("270.00")]
    assert [one.amount for one in sale.money.payments] == [D("200.00"), D("178.00")]


def test_secrets_inside_a_body_are_declared() -> None:
    text = json.dumps(described(cut=["$.auth.token", "$.all[*].key"]))

    assert PROVIDER.of({"description": text}).redacted == ("$.auth.token", "$.all[*].key")


def test_a_record_may_become_several_documents() -> None:
    back = {
        "each": "@.returns[*]",
        "id": {"join": ["^.id", "@.n"], "with": "-"},
        "sale_id": "^.id",
        "occurred_at": "@.at",
        "total": "@.sum",
    }
    description = described(types={"sale": ["sale", "refund"]}, refund=back)
    returns = [{"n": n, "sum": n, "at": "2026-09-14T13:00:00Z"} for n in (1, 2)]

    sale, *refunds = stated(description, {"id": 5, "sum": 10, "returns": returns})

    assert sale.external_id == "5"
    assert [(one.external_id, one.content.sale_external_id) for one in refunds] == [
        ("5-1", "5"),
        ("5-2", "5"),
    ]


def test_a_word_without_a_row_is_the_else_or_stays_as_it_is() -> None:
    paid = {"each": "@.paid[*]", "amount": {"value": "1.00"}}
    table = {"path": "@", "map": {"нал": "cash"}}
    body = {"id": 1, "sum": 2, "paid": ["нал", "чек"]}

    (kept,) = stated(described(sale={"payments": {**paid, "method": table}}), body)
    otherwise = {**table, "else": "card"}
    (other,) = stated(described(sale={"payments": {**paid, "method": otherwise}}), body)

    assert [(one.method, one.provider_method) for one in kept.money.payments] == [
        ("cash", None),
        ("other", "чек"),
    ]
    assert [one.method for one in other.money.payments] == ["cash", "card"]


def test_an_event_is_known_by_the_key_of_its_record_wherever_it_stands() -> None:
    provider = PROVIDER.of({"description": json.dumps(described(records="$.all[*]", key="@.id"))})
    one, two = {"id": 1, "sum": 1}, {"id": 2, "sum": 2}

    first, second = provider.split(delivered(json.dumps({"all": [one, two]}).encode()))
    (alone,) = provider.split(delivered(json.dumps({"all": [two]}).encode()))

    assert (first.key, second.key) == ("1", "2")
    assert (alone.key, alone.payload) == (second.key, second.payload)


def test_without_a_key_records_of_one_body_are_told_apart() -> None:
    provider = PROVIDER.of({"description": json.dumps(described(records="$[*]"))})

    keys = {event.key for event in provider.split(delivered(b'[{"sum":1},{"sum":1}]'))}

    assert len(keys) == 2


def test_what_lies_outside_the_records_is_part_of_what_they_say() -> None:
    description = described(records="$.all[*]", sale={"number": "$.shift"})
    body = {"shift": 8, "all": [{"id": 1, "sum": 1}]}

    assert header(description, body).number == "8"
    provider = PROVIDER.of({"description": json.dumps(description)})
    (eight,) = provider.split(delivered(json.dumps(body).encode()))
    (nine,) = provider.split(delivered(json.dumps({**body, "shift": 9}).encode()))
    assert eight.payload != nine.payload


def test_what_many_records_read_from_outside_is_told_once() -> None:
    description = described(records="$.all[*]", sale={"number": "$.all[*].id"})
    body = json.dumps({"all": [{"id": n, "sum": 1} for n in range(2000)]}).encode()
    provider = PROVIDER.of({"description": json.dumps(description)})

    events = provider.split(delivered(body))

    assert sum(len(json.dumps(event.payload)) for event in events) < 20 * len(body)


def test_a_custom_sale_means_what_a_standard_one_means() -> None:
    data = {"id": "1", "occurred_at": "2026-09-14T12:00:00+03:00", "total": "5.00"}
    (ours,) = stated(described(), {"id": "1", "sum": "5.00"})
    provider = PROVIDER.of({"description": json.dumps(described())})
    (event,) = provider.split(delivered(b'{"id": "1", "sum": "5.00"}'))
    standard = replace(event, payload={"type": "sale.updated", "data": data})

    assert [ours] == list(STANDARD["sale.updated"](standard, context_of(provider)) or ())


def test_too_many_records_or_items_are_refused_before_they_cost() -> None:
    many = [{"id": 1, "sum": 1}] * 5001
    for description in (
        described(records="$[*]"),
        described(records="$", type={"value": "sale"}, sale={"lines": {"each": "@[*]"}}),
    ):
        with pytest.raises(PayloadUnrecognised, match="5000"):
            stated(description, many)


def test_each_change_of_a_description_is_another_mapper() -> None:
    text = json.dumps(described())

    mappers = [PROVIDER.of({"description": text, REVISION: one}).mapper for one in (0, 1, 7)]

    assert mappers == [PROVIDER.mapper, PROVIDER.mapper + 1, PROVIDER.mapper + 7]
    assert PROVIDER.of({"description": text, REVISION: 10**6}).mapper < 2**15


@pytest.mark.parametrize("settings", [{}, {"description": None}, {"description": "{}"}])
def test_without_a_description_there_is_no_provider(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingUnusable):
        PROVIDER.of(settings)
    with pytest.raises(EventUnsupported):
        PROVIDER.split(delivered(b"{}"))
