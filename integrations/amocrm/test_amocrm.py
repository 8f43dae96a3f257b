"""What an account of amoCRM states, worked out by hand from recorded hooks and answers.

Order 412 of a coffee bar on 14 September 2026: made at 11:51:02 UTC (second 1 789 386 662), won for
620 roubles at 12:08:44 UTC (second 1 789 387 724). The answers were asked for at 17:59:58 UTC.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
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
    outcome_of_answer,
)
from integrations.contract import Delivery, PayloadUnrecognised, Read
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

SAMPLES = samples.load("amocrm")
ANSWERS = samples.load_answers("amocrm")
WON_AT = 1_789_387_724
SENT = 1_789_408_798_000_000  # 17:59:58, when every answer was asked for


def after(seconds: int) -> int:
    """Return so many seconds after the lead was won, on our clock of microseconds."""
    return (WON_AT + seconds) * 1_000_000


def changed(seconds: int) -> Version:
    return Version(Rank.FULL, after(seconds), SENT)


AS_READ = Version(Rank.FULL, SENT, 0, OrderedBy.READ)
#: The answer's second to its end: nothing of that second outlives it.
ABSENT = Version(Rank.FULL, SENT + 999_999, SENT, OrderedBy.READ)
ANNA = Read("contact", "84")

WON = Header(
    kind="deal",
    status="completed",
    number="Заказ 412",
    occurred_at=datetime(2026, 9, 14, 12, 8, 44, tzinfo=UTC),
    provider_at=datetime(2026, 9, 14, 11, 51, 2, tzinfo=UTC),
    currency="RUB",
    employee=Mention(external_id="504141"),
    channel="crm",
    total=D("620.00"),
)
OPEN = replace(WON, status="open", occurred_at=WON.provider_at)
LOST = replace(OPEN, status="voided", number="Заказ 413", total=D("300.00"))
TWO = Line(product=Mention(external_id="525439"), quantity=D(2))
ONE = Line(product=Mention(external_id="525441"), quantity=D(1))


def lead(
    header: Header,
    version: Version,
    *lines: Line,
    name: str = "12345678",
    contact: str | None = "84",
) -> list[Any]:
    customer = CustomerLink(customer=Mention(external_id=contact) if contact else None)
    return [
        SaleDraft(external_id=name, version=version, header=header, customer=customer),
        SaleDraft(external_id=name, version=AS_READ, lines=lines),
    ]


def person(seconds: int, content: dict[str, str | None] | None, name: str = "84") -> ReferenceDraft:
    return ReferenceDraft(
        kind=ReferenceKind.CUSTOMER,
        external_id=name,
        version=changed(seconds),
        content=content,
        gone=content is None,
    )


def absent_person() -> ReferenceDraft:
    return ReferenceDraft(kind=ReferenceKind.CUSTOMER, external_id="84", version=ABSENT, gone=True)


ANNA_IN_FULL: dict[str, str | None] = {
    "name": "Анна Иванова",
    "phone": "79000000001",
    "email": "anna@example.org",
}

CASES: dict[str, Case] = {
    "account__alone": Unrecognised("$"),
    "companies.update__later": UNSUPPORTED,
    "contacts.add__new": [Read("contact", "84", clock=1_789_386_660_000_000)],
    "contacts.delete__undated": [Read("contact", "84", deleted=True)],
    "contacts.note__value_and_parent": IGNORED,
    "contacts.responsible__another": [Read("contact", "84", clock=after(6))],
    "contacts.restore__dated": [Read("contact", "84", clock=after(9000))],
    "contacts.update__company": IGNORED,
    "contacts.update__phone": [Read("contact", "84", clock=after(5))],
    "leads.add__new": [Read("lead", "12345678", clock=1_789_386_662_000_000)],
    "leads.delete__undated": [Read("lead", "12345678", deleted=True)],
    "leads.note__call": IGNORED,
    "leads.responsible__another": [Read("lead", "12345678", clock=after(10))],
    "leads.restore__dated": [Read("lead", "12345678", clock=after(9000))],
    # Two words for one change: one read, as long as it waits.
    "leads.status__lost_and_changed": [Read("lead", "12345679", clock=after(60))] * 2,
    "leads.status__reopened": [Read("lead", "12345678", clock=after(7200))],
    "leads.status__won": [Read("lead", "12345678", clock=after(0))],
    "leads.update__dated_in_words": Unrecognised("leads.update[0].last_modified"),
    "leads.update__flat": Unrecognised("leads"),
    "leads.update__gap_in_the_count": [Read("lead", "12345680", clock=after(0))],
    "leads.update__not_utf8": Unrecognised("leads.update[0].name"),
    "leads.update__number_of_words": Unrecognised("leads.update[0].id"),
    "leads.update__price_after_won": [Read("lead", "12345678", clock=after(3600))],
    "leads.update__three_in_one": [
        Read("lead", "12345678", clock=after(0)),
        Read("lead", "12345679", clock=after(0)),
        Read("contact", "84", clock=after(1)),
    ],
    "leads.update__without_number": Unrecognised("leads.update[1].id"),
    "message.add__chat": IGNORED,
    "lead.read__won": [*lead(WON, changed(0), TWO, ONE), ANNA],
    "lead.read__price_after_won": [
        *lead(replace(WON, total=D("660.00")), changed(3600), TWO, ONE),
        ANNA,
    ],
    "lead.read__reopened": [*lead(OPEN, changed(7200), TWO, ONE), ANNA],
    # The second contact is the main one.
    "lead.read__lost": [
        *lead(LOST, changed(60), name="12345679", contact="85"),
        Read("contact", "85"),
    ],
    # Without a price, a name and anybody who answers for it; elements were not asked for.
    "lead.read__bare": [
        SaleDraft(
            external_id="12345680",
            version=changed(0),
            header=replace(OPEN, number=None, employee=None, total=None),
            customer=CustomerLink(customer=None),
        )
    ],
    # An answer that does not know contacts states nothing of the customer.
    "lead.read__quantity_in_metadata": [
        SaleDraft(external_id="12345681", version=changed(0), header=WON),
        SaleDraft(
            external_id="12345681",
            version=AS_READ,
            lines=(
                Line(product=Mention(external_id="525443"), quantity=D("1.5")),
                Line(product=Mention(external_id="525444")),
            ),
        ),
    ],
    "lead.read__deleted": [
        SaleDraft(external_id="12345678", version=changed(8000), gone=True),
        ANNA,
    ],
    # 2 × 150 + 120 = 420, less a tenth 378: the account tells the sum, and what, but no prices.
    "lead.read__same_sale": [
        *lead(
            replace(WON, number="Заказ 700", total=D("378.00")),
            changed(0),
            TWO,
            ONE,
            name="12345700",
        ),
        ANNA,
    ],
    "lead.read__price_of_words": Unrecognised("answers[0].price"),
    "lead.read__undated": Unrecognised("answers[0].updated_at"),
    "lead.missing__no_content": [SaleDraft(external_id="12345678", version=ABSENT, gone=True)],
    "lead.missing__not_found": [SaleDraft(external_id="12345678", version=ABSENT, gone=True)],
    "lead.listed__page": [
        *lead(WON, changed(0), TWO, ONE),
        *lead(LOST, changed(60), name="12345679", contact="85"),
    ],
    "contact.missing__no_content": [absent_person()],
    "contact.read__full": [person(5, ANNA_IN_FULL)],
    "contact.listed__page": [
        person(5, ANNA_IN_FULL),
        person(5, {"name": "Пётр", "phone": None, "email": None}, "85"),
        person(5, None, "86"),
    ],
}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


def test_each_entity_of_a_hook_is_an_event_known_by_the_body_and_its_place() -> None:
    sample = SAMPLES["leads.update__three_in_one"]
    digest = hashlib.sha256(sample.body).hexdigest()

    found = PROVIDER.split(samples.signed(sample, PROVIDER))

    assert [event.key for event in found] == [
        f"{digest}:leads.update:0",
        f"{digest}:leads.update:1",
        f"{digest}:contacts.update:0",
    ]
    assert {event.merchant for event in found} == {"romashka"}


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("romashka.amocrm.ru", True),
        ("romashka.kommo.com", True),
        ("romashka2.amocrm.ru", False),
        (None, True),
    ],
)
def test_a_hook_of_another_account_is_a_dead_letter_that_names_it(
    host: str | None, accepted: bool
) -> None:
    (event,) = PROVIDER.split(samples.signed(SAMPLES["leads.status__won"], PROVIDER))
    context = replace(context_of(PROVIDER), settings={"subdomain": host} if host else {})

    if accepted:
        assert PROVIDER.normalisers[event.type](event, context)
    else:
        with pytest.raises(PayloadUnrecognised, match=r"account\.subdomain: not romashka2"):
            PROVIDER.normalisers[event.type](event, context)


def test_a_form_of_five_thousand_fields_is_as_many_reads_as_it_has_leads() -> None:
    fields = [("id", "7"), ("name", "x"), ("price", "1"), ("last_modified", str(WON_AT))]
    fields += [(f"custom_fields[{index}][values][0][value]", "y") for index in range(6)]
    body = "&".join(
        f"leads[update][{lead}][{key.partition('[')[0]}]{key[len(key.partition('[')[0]) :]}={value}"
        for lead in range(500)
        for key, value in fields
    ).encode()
    assert body.count(b"&") + 1 == 5_000

    found = PROVIDER.split(Delivery("POST", "", "", {}, body, ""))

    # Each event holds its own lead alone, and the body's hash was made once.
    assert len(found) == 500
    assert all(len(event.payload["item"]) == 5 for event in found)
    context = context_of(PROVIDER)
    reads = [PROVIDER.normalisers[event.type](event, context) for event in found]
    assert set(map(str, reads)) == {str((Read("lead", "7", clock=after(0)),))}
