"""What an organization of Salesforce states, worked out by hand from recorded messages.

Opportunity 006…1 was won on 14 September 2026 at 12:08:44 UTC for 620 EUR, and 580 after a change.
Everything was received at 18:00:00 UTC; the source's zone is Moscow, three hours ahead of UTC.
"""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from integrations import answers, samples
from integrations.cases import (
    IGNORED,
    RECEIVED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.contract import PayloadUnrecognised
from integrations.reading import Reader
from integrations.strict_xml import parse_xml
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
from .payload import NORMALISERS
from .records import read_clock, read_organization

SAMPLES, ANSWERS = samples.load("salesforce"), samples.load_answers("salesforce")
MIDNIGHT = 1_789_344_000_000_000  # 2026-09-14T00:00:00Z
DEAL = "006000000000001AAA"
ACCOUNT = CustomerLink(customer=Mention(external_id="001000000000001AAA"))


def clock(hour: int, minute: int, second: int = 0, micros: int = 0) -> Version:
    """Return a time of UTC; of two messages of one time, the one received later knows more."""
    seconds = (hour * 60 + minute) * 60 + second
    return Version(Rank.FULL, MIDNIGHT + seconds * 1_000_000 + micros, RECEIVED)


UNDATED = Version(Rank.FULL, RECEIVED, RECEIVED, OrderedBy.RECEIPT)
WON = Header(
    kind="deal",
    status="completed",
    number="Coffee & croissant, 14 September",
    occurred_at=datetime(2026, 9, 14, 12, 8, 44, tzinfo=UTC),  # LastStageChangeDate
    provider_at=datetime(2026, 9, 10, 9, tzinfo=UTC),  # CreatedDate
    business_date=date(2026, 9, 14),  # CloseDate
    currency="EUR",
    employee=Mention(external_id="005000000000001AAA"),
    channel="crm",
    total=D("620.00"),
)
#: With the fields of the documentation alone: midnight of CloseDate in Moscow is 21:00 UTC before.
BARE = Header(
    kind="deal",
    status="completed",
    occurred_at=datetime(2026, 9, 13, 21, tzinfo=UTC),
    business_date=date(2026, 9, 14),
    currency="USD",
    channel="crm",
    total=D("620.00"),
)


def sale(header: Header, at: Version, customer: CustomerLink | None = ACCOUNT) -> SaleDraft:
    return SaleDraft(external_id=DEAL, version=at, header=header, customer=customer)


def person(name: str, content: dict[str, str | None] | None, at: Version) -> ReferenceDraft:
    return ReferenceDraft(
        kind=ReferenceKind.CUSTOMER,
        external_id=name,
        version=at,
        content=content,
        gone=content is None,
    )


def listed(hour: int, minute: int, second: int = 0, micros: int = 0) -> Version:
    """Return a time of UTC; of two answers of one time, the one asked for later knows more."""
    return replace(clock(hour, minute, second, micros), seq=samples.SENT)


def row(number: int, product: int, name: str, **more: Any) -> Line:
    return replace(
        Line(
            key=f"00k{number:012d}AAA",
            product=Mention(external_id=f"01t{product:012d}AAA", name=name),
            name=name,
        ),
        **more,
    )


#: 2 × 250 = 500, 10 % off: 450. With 170 for the tray, which has no code, 620.
MACHINE = row(
    1,
    1,
    "Coffee machine",
    sku="CM-1",
    quantity=D(2),
    unit_price=D(250),
    gross=D("500.00"),
    discount=D("50.00"),
    total=D("450.00"),
)
TRAY = row(
    2,
    2,
    "Tray of croissants",
    quantity=D(1),
    unit_price=D(170),
    gross=D("170.00"),
    discount=D("0.00"),
    total=D("170.00"),
)
WON_WITH_ROWS = replace(sale(WON, listed(12, 8, 45)), lines=(MACHINE, TRAY))
#: Open, by a contact alone, without an amount and without rows: none is all of them.
TO_COME = SaleDraft(
    external_id="006000000000005AAA",
    version=listed(12, 30),
    header=replace(
        WON,
        status="open",
        number="A deal to come",
        occurred_at=WON.provider_at,
        business_date=None,
        total=None,
    ),
    lines=(),
    customer=CustomerLink(customer=Mention(external_id="003000000000001AAA")),
)


CASES: dict[str, Case] = {
    "Opportunity__won": [sale(WON, clock(12, 8, 45))],
    "Opportunity__changed": [sale(replace(WON, total=D("580.00")), clock(13, 30))],
    # Under the Id of the first message, with what is true by now.
    "Opportunity__resent": [sale(replace(WON, total=D("580.00")), clock(13, 30))],
    "Opportunity__as_documented": [sale(BARE, UNDATED, None)],
    # Not won any more: when and on which day is open again, a CloseDate to come is a plan.
    "Opportunity__reopened": [
        sale(
            replace(WON, status="open", occurred_at=WON.provider_at, business_date=None),
            clock(14, 0),
        )
    ],
    # AccountId and Amount are said to be empty.
    "Opportunity__lost": [
        replace(
            sale(
                replace(
                    WON,
                    status="voided",
                    occurred_at=WON.provider_at,
                    business_date=None,
                    total=None,
                ),
                clock(12, 8, 45),
                CustomerLink(customer=None),
            ),
            external_id="006000000000002AAA",
        )
    ],
    # To the end of the second of LastModifiedDate.
    "Opportunity__deleted": [
        SaleDraft(external_id=DEAL, version=clock(15, 0, 0, 999_999), gone=True)
    ],
    # 1.234567E7 = 12 345 670; 5.0E-1 = 0.50, of a deal that is open and says no day of its own.
    "Opportunity__batch": [
        SaleDraft(
            external_id="006000000000003AAA",
            version=clock(16, 0),
            header=replace(
                BARE,
                occurred_at=datetime(2026, 9, 11, 21, tzinfo=UTC),
                business_date=date(2026, 9, 12),
                total=D("12345670.00"),
            ),
            customer=CustomerLink(customer=Mention(external_id="003000000000001AAA")),
        ),
        SaleDraft(
            external_id="006000000000004AAA",
            version=clock(16, 0),
            header=replace(
                BARE, status="open", occurred_at=None, business_date=None, total=D("0.50")
            ),
            customer=CustomerLink(customer=Mention(external_id="003000000000001AAA")),
        ),
    ],
    # 2 × 150 + 120 − 42 = 378
    "Opportunity__same_sale": [
        sale(
            replace(WON, number="Кофе и круассан", currency="RUB", total=D("378.00")),
            clock(12, 8, 45),
        )
    ],
    # A stage of one's own says neither won nor lost: the message needs IsWon and IsClosed.
    "Opportunity__own_stage": Unrecognised("sObject.IsWon"),
    "Opportunity__amount_in_words": Unrecognised("sObject.Amount"),
    "Opportunity__truncated": Unrecognised("$"),
    "Opportunity__doctype": Unrecognised("$"),
    # No Name was chosen; Phone is said to be empty, so that the mobile one stands.
    "Contact__changed": [
        person(
            "003000000000001AAA",
            {"name": "Anna Berg", "phone": "+49 30 1234567", "email": "anna@example.com"},
            clock(12, 0),
        )
    ],
    "Contact__deleted": [person("003000000000001AAA", None, clock(12, 0, 0, 999_999))],
    "Account__company": [
        person(
            "001000000000001AAA",
            {"name": "Café Berg", "phone": "+49 30 7654321", "email": None},
            clock(12, 0),
        )
    ],
    "Account__person": [
        person(
            "001000000000002AAA",
            {"name": "Jan Kos", "phone": "+48 22 1234567", "email": "jan@example.com"},
            clock(12, 0),
        )
    ],
    "OpportunityLineItem__one": UNSUPPORTED,
    "Lead__new": IGNORED,
    "Case__new": IGNORED,
    "message__empty": IGNORED,
    "opportunity.listed__page": [WON_WITH_ROWS, TO_COME],
    "opportunity.listed__first_of_two": [WON_WITH_ROWS],
    "opportunity.listed__second_of_two": [TO_COME],
    "opportunity.listed__rows": [
        # 520 for 2 × 250 was raised, which is no discount; 0.333 × 10 = 3.33; a deleted row is
        # none. 520 + 3.33 = 523.33, in the source's currency.
        replace(
            WON_WITH_ROWS,
            external_id="006000000000006AAA",
            header=replace(WON, currency="USD", total=D("523.33")),
            lines=(
                replace(MACHINE, key="00k000000000003AAA", discount=None, total=D("520.00")),
                row(
                    4,
                    3,
                    "Beans",
                    sku="B-1",
                    quantity=D("0.333"),
                    unit_price=D(10),
                    gross=D("3.33"),
                    discount=D("0.00"),
                    total=D("3.33"),
                ),
            ),
        ),
        # One row of two; and a bonus of −30, which no line can be.
        replace(WON_WITH_ROWS, external_id="006000000000007AAA", lines=None),
        replace(WON_WITH_ROWS, external_id="006000000000008AAA", lines=None),
    ],
    "opportunity.listed__deleted": [
        SaleDraft(external_id=DEAL, version=listed(15, 0, 0, 999_999), gone=True)
    ],
    # 2 × 150 − 30 = 270; 120 − 12 = 108; 378 together
    "opportunity.listed__same_sale": [
        replace(
            WON_WITH_ROWS,
            header=replace(WON, number="Кофе и круассан", currency="RUB", total=D("378.00")),
            lines=(
                row(
                    1,
                    1,
                    "Кофе",
                    quantity=D(2),
                    unit_price=D(150),
                    gross=D("300.00"),
                    discount=D("30.00"),
                    total=D("270.00"),
                ),
                row(
                    2,
                    2,
                    "Круассан",
                    quantity=D(1),
                    unit_price=D(120),
                    gross=D("120.00"),
                    discount=D("12.00"),
                    total=D("108.00"),
                ),
            ),
        )
    ],
    "opportunity.listed__end": IGNORED,
    "opportunity.listed__begins_anew": IGNORED,
    "opportunity.listed__amount_in_words": Unrecognised("answers[0].records[0].Amount"),
    "opportunity.listed__undated": Unrecognised("answers[0].records[0].LastModifiedDate"),
}


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def stated(name: str, changes: dict[str, str | None], **settings: str) -> SaleDraft:
    """Return what the first record of a sample states with some fields changed or not chosen."""
    event = PROVIDER.split(samples.bare(samples.load("salesforce")[name]))[0]
    fields = {**event.payload["sObject"], **changes}
    chosen = {key: value for key, value in fields.items() if value != "not chosen"}
    event = replace(event, payload={**event.payload, "sObject": chosen})
    found = NORMALISERS[event.type](event, replace(context_of(PROVIDER), settings=settings))
    assert found is not None
    assert isinstance(found[0], SaleDraft)
    return found[0]


@pytest.mark.parametrize(
    ("won", "closed", "stage", "expected"),
    [
        ("true", "true", "Продано", "completed"),
        ("true", "not chosen", "Продано", "completed"),
        ("1", "1", "Продано", "completed"),
        ("false", "true", "Closed Won", "voided"),
        ("false", "false", "Closed Won", "open"),
        ("not chosen", "false", "Closed Won", "open"),
        ("not chosen", "not chosen", "Closed Won", "completed"),
        ("not chosen", "not chosen", "Closed Lost", "voided"),
        ("not chosen", "not chosen", "Negotiation/Review", "open"),
        ("not chosen", "not chosen", "Продано", "sObject.IsWon"),
        ("not chosen", "true", "Closed Won", "sObject.IsWon"),
        ("false", "not chosen", "Продано", "sObject.IsClosed"),
        ("not chosen", "not chosen", "not chosen", "sObject.IsWon"),
        ("yes", "true", "Closed Won", "sObject.IsWon"),
    ],
)
def test_what_a_deal_has_come_to(won: str, closed: str, stage: str, expected: str) -> None:
    changes: dict[str, str | None] = {"IsWon": won, "IsClosed": closed, "StageName": stage}
    if not expected.startswith("sObject"):
        header = stated("Opportunity__won", changes).header
        assert header is not None
        assert header.status == expected
        return
    with pytest.raises(PayloadUnrecognised) as caught:
        stated("Opportunity__won", changes)
    assert caught.value.path == expected


def test_one_clock_orders_the_states_of_a_source() -> None:
    both: dict[str, str | None] = {"SystemModstamp": "2026-09-14T17:00:00.000Z"}
    modified = {**both, "LastModifiedDate": "not chosen"}

    assert stated("Opportunity__won", both).version == clock(12, 8, 45)
    assert stated("Opportunity__won", both, clock="SystemModstamp").version == clock(17, 0)
    # The other one never steps in: two clocks in one order are none.
    assert stated("Opportunity__won", modified).version == UNDATED
    assert stated("Opportunity__won", {}, clock="SystemModstamp").version == UNDATED


def test_the_list_is_ordered_by_the_same_clock_as_the_messages() -> None:
    delivery = samples.answered(ANSWERS["opportunity.listed__page"])
    (event,) = answers.split(delivery)
    other = replace(
        context_of(PROVIDER), answered=delivery.answered, settings={"clock": "SystemModstamp"}
    )

    found = NORMALISERS[event.type](event, other)

    # An hour behind LastModifiedDate.
    assert found == [
        replace(one, version=at)
        for one, at in (
            (WON_WITH_ROWS, listed(13, 8, 45)),
            (TO_COME, listed(13, 30)),
        )
    ]


def test_a_message_sent_again_has_its_key_and_what_is_true_by_now() -> None:
    first, again = (
        PROVIDER.split(samples.bare(samples.load("salesforce")[f"Opportunity__{one}"]))[0]
        for one in ("won", "resent")
    )

    assert first.key == again.key == "04l000000000001AAA"
    assert first.payload != again.payload


@pytest.mark.parametrize("name", ["00D000000000001EAA", "00D000000000001"])
def test_a_record_of_the_sources_organization_is_read_and_of_another_refused(name: str) -> None:
    assert stated("Opportunity__won", {}, organization=name).header == WON
    for other in ("00D000000000002EAA", "00D000000000009"):
        with pytest.raises(PayloadUnrecognised) as caught:
            stated("Opportunity__won", {}, organization=other)
        assert caught.value.path == "OrganizationId"


def test_settings_are_read_or_refused() -> None:
    assert read_organization(" 00D000000000001EAA\n") == "00D000000000001EAA"
    assert read_clock("SystemModstamp") == "SystemModstamp"
    for text in ("", "00D00000000001", "006000000000001AAA", "00D000000000001é"):
        with pytest.raises(ValueError, match=text or "^$"):
            read_organization(text)
    with pytest.raises(ValueError, match="CreatedDate"):
        read_clock("CreatedDate")


def test_a_session_is_no_part_of_what_is_read() -> None:
    for sample in samples.load("salesforce").values():
        if CASES[sample.name] != Unrecognised("$"):
            for event in PROVIDER.split(samples.bare(sample)):
                assert "Session" not in repr(event), sample.name


def test_the_answer_is_what_ends_the_repeating() -> None:
    assert PROVIDER.answer is not None
    outbound = "http://soap.sforce.com/2005/09/outbound"
    soap = "http://schemas.xmlsoap.org/soap/envelope/"

    told = Reader(parse_xml(PROVIDER.answer.body, {outbound, soap}))

    assert told["Envelope"]["Body"]["notificationsResponse"]["Ack"].text() == "true"
    assert PROVIDER.answer.content_type.startswith("text/xml")
