"""What an account of HubSpot states, worked out by hand from its events and recorded answers.

A deal of 14 September 2026: two cappuccinos at 220 with 40 off and a cake, won at 12:08:44 UTC. The
answers were asked for at 17:59:58 UTC.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from integrations import samples
from integrations.cases import (
    FOR_PERSON,
    IGNORED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import PayloadUnrecognised, Read
from sales.drafts import (
    CustomerLink,
    Header,
    Line,
    Mention,
    OrderedBy,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    SaleDraft,
    Version,
)

from . import PROVIDER

SAMPLES = samples.load("hubspot")
ANSWERS = samples.load_answers("hubspot")
#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in microseconds.
MIDNIGHT = 20_710 * 86_400 * 1_000_000
#: 17:59:58, when every answer was asked for.
SENT = MIDNIGHT + (17 * 3600 + 59 * 60 + 58) * 1_000_000
#: 1789387724011 ms of an event is 12:08:44.011; a deletion is true to the end of its millisecond.
TOLD = MIDNIGHT + (12 * 3600 + 8 * 60 + 44) * 1_000_000 + 11_000
GONE = Version(Rank.FULL, TOLD + 999)
#: 12:08:44.011 of hs_lastmodifieddate, then when it was read.
CHANGED = Version(Rank.FULL, TOLD, SENT)
AS_READ = Version(Rank.FULL, SENT, 0, OrderedBy.READ)
#: 12:10:00 is 76 s after 12:08:44.
LATER = TOLD - 11_000 + 76_000_000
NOBODY = CustomerLink(customer=None)

WON = Header(
    kind="deal",
    status="completed",
    number="Кофе в офис",
    occurred_at=datetime(2026, 9, 14, 12, 8, 44, tzinfo=UTC),
    provider_at=datetime(2026, 9, 14, 8, 0, 0, 120_000, tzinfo=UTC),
    currency="RUB",
    employee=Mention(external_id="41629779"),
    channel="crm",
    total=D("620.00"),
)
OPEN = replace(WON, status="open", occurred_at=WON.provider_at)
# 2 × 220 = 440, of which 400 is paid: 40 off
CAPPUCCINO = Line(
    key="9845651",
    product=Mention(external_id="1645342", name="Капучино"),
    name="Капучино",
    sku="CAP",
    quantity=D(2),
    unit_price=D(220),
    gross=D("440.00"),
    discount=D("40.00"),
    total=D("400.00"),
)
CAKE = Line(
    key="9867373",
    name="Торт",
    quantity=D(1),
    unit_price=D("220.00"),
    gross=D("220.00"),
    discount=D("0.00"),
    total=D("220.00"),
)


def read(number: str, kind: str = "deal") -> Read:
    return Read(kind, number, settle=10.0)


def deal(
    name: str, header: Header, customer: CustomerLink = NOBODY, version: Version = CHANGED
) -> SaleDraft:
    return SaleDraft(external_id=name, version=version, header=header, customer=customer)


def rows(name: str, *lines: Line) -> SaleDraft:
    return SaleDraft(external_id=name, version=AS_READ, lines=lines)


def person(name: str, full: str | None, phone: str, email: str | None) -> ReferenceDraft:
    # lastmodifieddate 12:00:00.250
    changed = Version(Rank.FULL, MIDNIGHT + 12 * 3_600_000_000 + 250_000, SENT)
    content = {"name": full, "phone": phone, "email": email}
    return ReferenceDraft(
        kind=ReferenceKind.CUSTOMER, external_id=name, version=changed, content=content
    )


def gone(name: str, version: Version = GONE) -> SaleDraft:
    return SaleDraft(external_id=name, version=version, gone=True)


def left(name: str, version: Version = GONE) -> ReferenceDraft:
    return ReferenceDraft(kind=ReferenceKind.CUSTOMER, external_id=name, version=version, gone=True)


#: Not found at 17:59:58 by the answer's own clock, to the end of that second.
ABSENT = Version(Rank.FULL, SENT + 999_999, SENT, OrderedBy.READ)

CASES: dict[str, Case] = {
    # Two properties of one deal: whatever they say, it is read, once in the end.
    "deal.propertyChange__won_and_amount": [read("123"), read("123")],
    "deal.creation__new": [read("123")],
    "deal.restore__again": [read("124")],
    "deal.associationChange__row_added": [read("123")],
    "deal.deletion__archived": [gone("124")],
    # 133 and 134, 135 became 136.
    "deal.merge__two_in_one": [read("136"), gone("133"), gone("134"), gone("135")],
    "deal.propertyChange__two_accounts": [read("123"), read("77")],
    "deal.propertyChange__no_account": Unrecognised("portalId"),
    "deal.deletion__no_such_time": Unrecognised("occurredAt"),
    "unreadable__no_type": Unrecognised("subscriptionType"),
    "deal.propertyChange__not_a_list": Unrecognised("$"),
    "object.propertyChange__generic": [read("123")],
    "object.creation__unknown_object": UNSUPPORTED,
    "contact.creation__new": [read("51", "contact")],
    "contact.propertyChange__phone": [read("51", "contact")],
    "contact.restore__again": [read("52", "contact")],
    "contact.associationChange__company": [read("51", "contact")],
    "contact.deletion__archived": [left("52")],
    # 52 went into 51.
    "contact.merge__into_first": [read("51", "contact"), left("52")],
    "contact.privacyDeletion__forget": [FOR_PERSON],
    "company.creation__later": IGNORED,
    "company.all__others": IGNORED,
    "ticket.creation__help": IGNORED,
    "line_item.creation__of_a_deal": UNSUPPORTED,
    # 400 + 220 = 620, before discounts 440 + 220 = 660; the contact is linked under two labels.
    "deal.read__won": [
        deal(
            "123",
            replace(WON, gross_total=D("660.00"), discount_total=D("40.00")),
            CustomerLink(customer=Mention(external_id="51")),
        ),
        rows("123", CAPPUCCINO, CAKE),
        Read("contact", "51"),
    ],
    # No sum yet, and a closedate that is a plan; the currency is the source's.
    "deal.read__open_without_rows": [
        deal(
            "127",
            replace(OPEN, total=None, currency="USD", employee=None),
            version=replace(CHANGED, clock=LATER),
        ),
        rows("127"),
    ],
    # Of a pipeline of one's own the stage's name says nothing.
    "deal.read__lost": [deal("128", replace(OPEN, status="voided")), rows("128")],
    "deal.read__stage_alone": [deal("129", WON), rows("129")],
    # Of two rows one is no longer there: the rows are not stated, and their sums are not.
    "deal.read__a_row_is_gone": [deal("123", WON)],
    "deal.read__more_rows_than_told": [deal("123", WON)],
    # 200 was raised to 250: that is the price before discounts as well.
    "deal.read__raised_price": [
        deal(
            "130",
            replace(WON, total=D("250.00"), gross_total=D("250.00"), discount_total=D("0.00")),
        ),
        rows(
            "130",
            Line(
                key="9845652",
                name="Доставка",
                quantity=D(1),
                unit_price=D(200),
                gross=D("250.00"),
                discount=D("0.00"),
                total=D("250.00"),
            ),
        ),
    ],
    "deal.read__row_without_price": [
        deal(
            "131",
            replace(WON, total=D("99.90"), gross_total=D("99.90"), discount_total=D("0.00")),
        ),
        rows(
            "131",
            Line(
                key="9845653",
                name="Набор",
                gross=D("99.90"),
                discount=D("0.00"),
                total=D("99.90"),
            ),
        ),
    ],
    "deal.read__no_such_currency": Unrecognised("answers[0].properties.deal_currency_code"),
    "deal.read__negative": Unrecognised("answers[0].properties.amount"),
    # 270 + 108 = 378, before discounts 300 + 120 = 420
    "deal.read__same_sale": [
        deal(
            "321",
            replace(
                WON,
                number="Продажа 321",
                total=D("378.00"),
                gross_total=D("420.00"),
                discount_total=D("42.00"),
            ),
        ),
        rows(
            "321",
            Line(
                key="1",
                name="Кофе",
                quantity=D(2),
                unit_price=D(150),
                gross=D("300.00"),
                discount=D("30.00"),
                total=D("270.00"),
            ),
            Line(
                key="2",
                name="Круассан",
                quantity=D(1),
                unit_price=D(120),
                gross=D("120.00"),
                discount=D("12.00"),
                total=D("108.00"),
            ),
        ),
    ],
    "deal.missing__archived": [gone("124", ABSENT)],
    "deal.listed__page": [
        Read("deal", "123", clock=TOLD),
        Read("deal", "127", clock=LATER),
    ],
    "contact.listed__page": [Read("contact", "51", clock=TOLD)],
    "contact.read__full": [person("51", "Анна Ли", "+79001112233", "anna@example.com")],
    "contact.read__bare": [person("53", None, "+79004445566", None)],
    "contact.missing__archived": [left("52", ABSENT)],
}


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_an_event_that_is_sent_again_is_the_same_event() -> None:
    first = samples.signed(SAMPLES["deal.creation__new"], PROVIDER)
    again = replace(first, body=first.body.replace(b'"attemptNumber":0', b'"attemptNumber":3'))

    assert first.body != again.body
    assert PROVIDER.split(first) == PROVIDER.split(again)


def test_events_under_one_event_id_are_two_where_anything_else_differs() -> None:
    first, second = PROVIDER.split(
        samples.signed(SAMPLES["deal.propertyChange__won_and_amount"], PROVIDER)
    )
    both = replace(
        samples.signed(SAMPLES["deal.creation__new"], PROVIDER),
        body=json.dumps([first.payload, {**second.payload, "eventId": 100312345}]).encode(),
    )

    assert len({event.key for event in PROVIDER.split(both)}) == 2


def test_a_delivery_holds_of_each_account_its_own_events_byte_for_byte() -> None:
    delivery = samples.signed(SAMPLES["deal.propertyChange__two_accounts"], PROVIDER)
    assert PROVIDER.part is not None

    parts = [PROVIDER.part(delivery, portal) for portal in ("62515", "62516", "7")]

    assert [[one["objectId"] for one in json.loads(part)] for part in parts] == [[123], [77], []]
    assert all(part[1:-1] in delivery.body for part in parts)
    assert [event.merchant for event in PROVIDER.split(delivery)] == ["62515", "62516"]


@pytest.mark.parametrize(
    "broken", [b"7", b"{}", b'{"portalId":[],"occurredAt":"soon","subscriptionType":7}']
)
def test_an_event_that_lacks_everything_holds_up_no_other_of_its_delivery(broken: bytes) -> None:
    delivery = samples.signed(SAMPLES["deal.creation__new"], PROVIDER)
    (alone,) = PROVIDER.split(delivery)
    both = replace(delivery, body=delivery.body[:-1] + b"," + broken + b"]")
    assert PROVIDER.part is not None

    told, lacking = PROVIDER.split(both)

    assert told == alone
    assert json.loads(PROVIDER.part(both, "62515")) == json.loads(delivery.body)
    assert (lacking.type, lacking.occurred_at, lacking.merchant) == ("unreadable", None, None)
    with pytest.raises(PayloadUnrecognised):
        PROVIDER.normalisers[lacking.type](lacking, context_of(PROVIDER))


def test_an_event_of_another_account_is_refused_where_the_account_is_set() -> None:
    (event,) = PROVIDER.split(samples.signed(SAMPLES["deal.creation__new"], PROVIDER))
    mine, other = (
        replace(context_of(PROVIDER), settings={"portal": portal}) for portal in ("62515", "1")
    )

    assert PROVIDER.normalisers[event.type](event, mine) == (read("123"),)
    with pytest.raises(PayloadUnrecognised) as refused:
        PROVIDER.normalisers[event.type](event, other)
    assert refused.value.path == "portalId"
