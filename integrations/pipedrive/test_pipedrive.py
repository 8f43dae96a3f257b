"""What a company of Pipedrive states, worked out by hand from its hooks and recorded answers.

Deal 131 of 14 September 2026, won at 12:08:44 UTC: two cappuccinos at 220 with 40 off and a cake.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from integrations import samples
from integrations.asking import Asked, Reply, Window
from integrations.cases import (
    UNSUPPORTED,
    Case,
    Unrecognised,
    outcome,
    outcome_of_answer,
)
from integrations.contract import Read
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
from .asking import API, read_domain

SAMPLES = samples.load("pipedrive")
ANSWERS = samples.load_answers("pipedrive")
#: Midnight of 14 September 2026 in UTC: the 20 710th day since 1970, in microseconds.
MIDNIGHT = 20_710 * 86_400 * 1_000_000


def clock(hour: int, minute: int = 0, second: int = 0, milli: int = 0) -> int:
    return MIDNIGHT + (((hour * 60 + minute) * 60 + second) * 1000 + milli) * 1000


#: When every answer was asked for.
SENT = clock(17, 59, 58)
WON_AT = clock(12, 8, 44)
#: update_time, and inside its second when the hook was made, or when it was asked.
TOLD = Version(Rank.FULL, WON_AT, clock(12, 8, 44, 811))
READ = Version(Rank.FULL, WON_AT, SENT)
AS_READ = Version(Rank.FULL, SENT, 0, OrderedBy.READ)
#: 12:30:00.500 to the end of its millisecond.
GONE = Version(Rank.FULL, clock(12, 30, 0, 500) + 999)
ABSENT = Version(Rank.FULL, SENT + 999_999, SENT, OrderedBy.READ)
ANNA = CustomerLink(customer=Mention(external_id="84"))
NOBODY = CustomerLink(customer=None)

WON = Header(
    kind="deal",
    status="completed",
    number="Заказ 412",
    occurred_at=datetime(2026, 9, 14, 12, 8, 44, tzinfo=UTC),
    provider_at=datetime(2026, 9, 14, 11, 51, 2, tzinfo=UTC),
    currency="RUB",
    employee=Mention(external_id="1"),
    channel="crm",
    total=D("620.00"),
)
OPEN = replace(
    WON,
    status="open",
    number="Кофе в офис",
    occurred_at=WON.provider_at,
    employee=None,
    total=D("0.00"),
)
# 2 × 220 = 440 less 40
CAPPUCCINO = Line(
    key="1",
    product=Mention(external_id="101", name="Капучино"),
    name="Капучино",
    quantity=D(2),
    unit_price=D(220),
    gross=D("440.00"),
    discount=D("40.00"),
    total=D("400.00"),
)
CAKE = Line(
    key="2",
    product=Mention(external_id="102", name="Торт"),
    name="Торт",
    quantity=D(1),
    unit_price=D(220),
    gross=D("220.00"),
    discount=D("0.00"),
    total=D("220.00"),
)


def deal(name: str, header: Header, version: Version, customer: CustomerLink = ANNA) -> SaleDraft:
    return SaleDraft(external_id=name, version=version, header=header, customer=customer)


def rows(name: str, *lines: Line) -> SaleDraft:
    return SaleDraft(external_id=name, version=AS_READ, lines=lines)


def ask(name: str, at: int = WON_AT) -> Read:
    return Read("deal", name, clock=at, settle=10.0)


def end(name: str, version: Version) -> SaleDraft:
    return SaleDraft(external_id=name, version=version, gone=True)


def left(name: str, version: Version) -> ReferenceDraft:
    return ReferenceDraft(kind=ReferenceKind.CUSTOMER, external_id=name, version=version, gone=True)


LOST_AT = clock(12, 30)
LATER = Version(Rank.FULL, LOST_AT, clock(12, 30, 0, 500))
CREATED = Version(Rank.FULL, clock(11, 51, 2), clock(11, 51, 3, 100))

CASES: dict[str, Case] = {
    "deal.change__won": [deal("131", WON, TOLD), ask("131")],
    "deal.create__open": [deal("132", OPEN, CREATED, NOBODY), ask("132", clock(11, 51, 2))],
    "deal.change__lost": [
        deal("133", replace(WON, status="voided", occurred_at=WON.provider_at), LATER),
        ask("133", LOST_AT),
    ],
    "deal.change__marked_deleted": [end("134", LATER), ask("134", LOST_AT)],
    "deal.delete__merged": [end("135", GONE)],
    "deal.change__negative_value": Unrecognised("data.value"),
    "deal.change__no_such_currency": Unrecognised("data.currency"),
    "deal.change__without_data": Unrecognised("data"),
    "deal.change__old_version": Unrecognised("meta.version"),
    "person.create__new": [Read("person", "84")],
    "person.change__phone": [Read("person", "84")],
    "person.delete__merged": [left("85", GONE)],
    "organization.change__later": UNSUPPORTED,
    # 440 + 220 = 660, 40 off: 620. What is not enabled does not count.
    "deal.read__won": [
        deal("131", replace(WON, gross_total=D("660.00"), discount_total=D("40.00")), READ),
        rows("131", CAPPUCCINO, CAKE),
        Read("person", "84"),
    ],
    # 2 × 100 = 200, 20 % off is 40, 10 % of 160 on top is 16; 20 % of 48 is 9.60.
    # 200 + 48 = 248, less 40, with 25.60 of tax: 233.60
    "deal.read__tax_on_top": [
        deal(
            "137",
            replace(
                WON,
                total=D("233.60"),
                gross_total=D("248.00"),
                discount_total=D("40.00"),
                tax_total=D("25.60"),
                tax_included=False,
            ),
            READ,
            NOBODY,
        ),
        rows(
            "137",
            Line(
                key="4",
                product=Mention(external_id="104", name="Аренда"),
                name="Аренда",
                quantity=D(2),
                unit_price=D(100),
                gross=D("200.00"),
                discount=D("40.00"),
                total=D("160.00"),
                tax_code="10",
                tax_rate=D(10),
                tax_amount=D("16.00"),
                tax_included=False,
            ),
            Line(
                key="5",
                name="Доставка",
                quantity=D(1),
                unit_price=D(48),
                gross=D("48.00"),
                discount=D("0.00"),
                total=D("48.00"),
                tax_code="20",
                tax_rate=D(20),
                tax_amount=D("9.60"),
                tax_included=False,
            ),
        ),
    ],
    # Two pages: 220 + 400 = 620, and 20 more are off the deal: what is off in all is not said.
    "deal.read__discount_of_the_deal": [
        deal("139", replace(WON, total=D("600.00")), READ, NOBODY),
        rows("139", CAKE, CAPPUCCINO),
    ],
    "deal.read__without_products": [
        deal("132", OPEN, replace(READ, clock=clock(11, 51, 2)), NOBODY),
        rows("132"),
    ],
    "deal.read__deleted": [end("134", READ), rows("134"), Read("person", "84")],
    # The products were not found: of them nothing is said.
    "deal.read__products_not_found": [deal("138", WON, READ, NOBODY)],
    # 10 % of 300 and of 120: 270 + 108 = 378
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
            READ,
            NOBODY,
        ),
        rows(
            "321",
            replace(
                CAPPUCCINO,
                product=Mention(external_id="101", name="Кофе"),
                name="Кофе",
                unit_price=D(150),
                gross=D("300.00"),
                discount=D("30.00"),
                total=D("270.00"),
            ),
            replace(
                CAKE,
                product=Mention(external_id="102", name="Круассан"),
                name="Круассан",
                unit_price=D(120),
                gross=D("120.00"),
                discount=D("12.00"),
                total=D("108.00"),
            ),
        ),
    ],
    "deal.read__discount_of_a_kind": Unrecognised("answers[1].data[0].discount_type"),
    "deal.missing__gone": [end("135", ABSENT)],
    "deal.listed__page": [
        Read("deal", "131", clock=WON_AT),
        Read("deal", "132", clock=clock(11, 51, 2)),
    ],
    "person.read__full": [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id="84",
            version=Version(Rank.FULL, clock(12), SENT),
            content={"name": "Анна Ли", "phone": "+79001112233", "email": "anna@example.com"},
        )
    ],
    "person.read__deleted": [left("85", Version(Rank.FULL, clock(12), SENT))],
    "person.missing__gone": [left("86", ABSENT)],
}


@pytest.mark.parametrize("name", sorted({*CASES} & {*SAMPLES}))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted({*CASES} & {*ANSWERS}))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_a_hook_that_is_sent_again_is_the_same_event() -> None:
    first = samples.signed(SAMPLES["deal.change__won"], PROVIDER)
    again = replace(first, body=first.body.replace(b'"attempt": 1', b'"attempt": 2'))

    assert first.body != again.body
    assert PROVIDER.split(first) == PROVIDER.split(again)


ASKED = Asked("deal", "131", {"domain": "romashka.pipedrive.com"}, "token")


def reply(body: Any) -> Reply:
    return Reply(200, {}, body)


def page(cursor: Any) -> Reply:
    return reply({"data": [], "additional_data": {"next_cursor": cursor}})


def test_a_deal_is_asked_for_and_then_its_products_page_by_page() -> None:
    next_call = API.reads["deal"]
    found = reply({"data": {}})

    first, second = next_call(ASKED, []), next_call(ASKED, [found])
    third = next_call(ASKED, [found, page("second")])

    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.path, first.headers) == ("/api/v2/deals/131", {"x-api-token": "token"})
    assert second.path == third.path == "/api/v2/deals/131/products"
    assert second.query == (("limit", "500"),)
    assert third.query == (("limit", "500"), ("cursor", "second"))
    for last in (page(None), page(7), reply(None), reply({"additional_data": []})):
        assert next_call(ASKED, [found, last]) is None
    assert next_call(ASKED, [found, page("second"), page("third")]) is not None
    assert next_call(ASKED, [found, page("second"), page("second")]) is None  # it does not go on
    assert API.host(ASKED.settings) == "romashka.pipedrive.com"


def test_a_person_is_one_call() -> None:
    call = API.reads["person"](ASKED, [])

    assert call is not None
    assert call.path == "/api/v2/persons/131"
    assert API.reads["person"](ASKED, [reply({})]) is None


def test_lost_deals_are_listed_behind_a_cursor() -> None:
    listing = API.lists["deal"]
    window = Window(datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC))

    first, second = (listing.call(ASKED, window, cursor) for cursor in (None, "next"))

    assert dict(first.query) == {
        "updated_since": "2026-09-14T00:00:00.000Z",
        "updated_until": "2026-09-15T00:00:00.000Z",
        "sort_by": "update_time",
        "sort_direction": "asc",
        "limit": "500",
    }
    assert dict(second.query)["cursor"] == "next"
    bodies: list[Any] = [
        {"additional_data": {"next_cursor": found}} for found in ("more", "next", None)
    ]
    told = [listing.cursor(reply(body), "next") for body in [*bodies, {}, [], None]]
    assert told == ["more", *[None] * 5]


def test_a_company_is_named_by_its_part_of_the_address() -> None:
    assert read_domain("romashka") == read_domain("https://romashka.pipedrive.com/")
    with pytest.raises(ValueError, match="example"):
        read_domain("romashka.example.com")
