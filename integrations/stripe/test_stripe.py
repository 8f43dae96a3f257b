"""What the recorded deliveries of Stripe state, worked out by hand from their payloads.

A card reader on 14 September 2026: 1387 cents are 13.87, of which 323, 3.23, go back.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from integrations import samples
from integrations.answers import envelope
from integrations.asking import Asked, Call, Reply, Window
from integrations.cases import (
    IGNORED,
    UNSUPPORTED,
    Case,
    Unrecognised,
    context_of,
    outcome,
    outcome_of_answer,
)
from integrations.clocks import micros
from integrations.contract import Event, PayloadUnrecognised
from sales.drafts import (
    Mention,
    Payment,
    PaymentDraft,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    RefundDraft,
    Version,
)

from . import PROVIDER
from .asking import API, TYPES, read_account
from .payload import READINGS

SAMPLES, ANSWERS = samples.load("stripe"), samples.load_answers("stripe")


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 9, 14, hour, minute, second, tzinfo=UTC)


def clock(hour: int, minute: int, second: int = 0, *, seq: int = 0) -> Version:
    return Version(Rank.FULL, micros(at(hour, minute, second)), seq)


JANE = "cus_9s6XKzkNRiz8i3"
INTENT = "pi_3Pq0ZZ2eZvKYlo2C1qwerty"
BY_CARD = Payment(
    external_id="ch_3Pq0ZZ2eZvKYlo2C1aBcDeFg",
    method="card",
    provider_method="card_present",
    amount=D("13.87"),
    currency="USD",
    paid_at=at(12, 8, 44),
    last4="4242",
    refunded_cum=D("0.00"),
)
# Held are 5000 cents, and taken of them 4200: 42.00.
HELD = replace(
    BY_CARD, external_id="ch_held", status="approved", amount=D("50.00"), paid_at=at(13, 0)
)
CROISSANT_BACK = Refund(
    external_id="re_3Pq0ZZ2eZvKYlo2C1back01",
    sale_external_id=INTENT,
    payment_external_id="ch_3Pq0ZZ2eZvKYlo2C1aBcDeFg",
    total=D("3.23"),
    currency="USD",
    occurred_at=at(12, 20, 32),
    reason="requested_by_customer",
)
ALL_BACK = Refund(
    external_id="re_full",
    sale_external_id="pi_held",
    payment_external_id="ch_held",
    total=D("42.00"),
    currency="USD",
    occurred_at=at(13, 30),
)
UNLINKED = replace(
    CROISSANT_BACK,
    external_id="re_alone",
    sale_external_id=None,
    payment_external_id=None,
    occurred_at=at(12, 21, 40),
)


def payment(sale: str, version: Version, content: Payment) -> Case:
    counted_at = datetime.fromtimestamp(version.clock // 1_000_000, UTC)
    return [
        PaymentDraft(
            external_id=str(content.external_id),
            version=version,
            sale_external_id=sale,
            content=replace(content, counted_at=counted_at),
        )
    ]


def refund(version: Version, content: Refund) -> Case:
    stated = replace(content, provider_at=datetime.fromtimestamp(version.clock // 1_000_000, UTC))
    return [RefundDraft(external_id=str(content.external_id), version=version, content=stated)]


def jane(version: Version, name: str) -> Case:
    content = {"name": name, "phone": None, "email": "jane@shop.example"}
    return [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER, external_id=JANE, version=version, content=content
        )
    ]


CASES: dict[str, Case] = {
    "charge.succeeded__terminal": payment(INTENT, clock(12, 8, 45, seq=1), BY_CARD),
    "charge.updated__settled": payment(
        INTENT,
        clock(12, 9, seq=1),
        replace(
            BY_CARD,
            location=Mention(external_id="tml_FKy1"),
            device=Mention(external_id="tmr_P40"),
            customer=Mention(external_id=JANE),
        ),
    ),
    "charge.succeeded__held": payment("pi_held", clock(13, 0), HELD),
    # Taken in the very second in which it was held: what is captured comes after what is not.
    "charge.captured__less": payment(
        "pi_held", clock(13, 0, seq=1), replace(HELD, status="completed", amount=D("42.00"))
    ),
    "charge.failed__declined": payment(
        "pi_declined",
        clock(12, 8, 45),
        replace(BY_CARD, external_id="ch_declined", status="failed"),
    ),
    # Yen have no minor unit. Without an intent the charge's own id stands for its sale.
    "charge.succeeded__yen_test": payment(
        "ch_yen",
        clock(12, 8, 45, seq=1),
        replace(
            BY_CARD,
            external_id="ch_yen",
            method="other",
            provider_method="konbini",
            amount=D("1500"),
            currency="JPY",
            last4=None,
            is_test=True,
        ),
    ),
    "charge.succeeded__same_sale": payment(
        "pi_same",
        clock(9, 0, 1, seq=1),
        replace(
            BY_CARD,
            external_id="ch_same",
            amount=D("378.00"),
            currency="RUB",
            paid_at=at(9, 0),
        ),
    ),
    "charge.succeeded__text_amount": Unrecognised("data.object.amount_captured"),
    "charge.succeeded__unsettled_currency": Unrecognised("data.object.currency"),
    # The seq is twice the 323 cents that went back, and one for captured.
    "charge.refunded__partial": payment(
        INTENT, clock(12, 20, 32, seq=647), replace(BY_CARD, refunded_cum=D("3.23"))
    ),
    "charge.dispute.created__later": UNSUPPORTED,
    "v2.core.event__thin": UNSUPPORTED,
    "refund.created__partial": refund(clock(12, 20, 32), replace(CROISSANT_BACK, status="pending")),
    "refund.updated__partial": refund(clock(12, 20, 33, seq=1), CROISSANT_BACK),
    "charge.refund.updated__partial": refund(clock(12, 20, 33, seq=1), CROISSANT_BACK),
    "refund.failed__partial": refund(
        clock(12, 30, seq=2), replace(CROISSANT_BACK, status="failed")
    ),
    "refund.created__full": refund(clock(13, 30), ALL_BACK),
    # It fails in the second in which it was made, and the failure comes after.
    "refund.failed__full": refund(clock(13, 30, seq=2), replace(ALL_BACK, status="failed")),
    "refund.created__without_sale": refund(clock(12, 21, 40), UNLINKED),
    "refund.created__same_sale": refund(
        clock(9, 30, 1),
        replace(
            CROISSANT_BACK,
            external_id="re_same",
            sale_external_id="pi_same",
            payment_external_id="ch_same",
            total=D("108.00"),
            currency="RUB",
            occurred_at=at(9, 30),
        ),
    ),
    # 1789387000, then each 100 s later.
    "customer.created__jane": jane(clock(11, 56, 40), "Jane Roe"),
    "customer.updated__jane": jane(clock(11, 58, 20, seq=1), "Jane Doe"),
    "customer.deleted__jane": [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=JANE,
            version=Version(Rank.FULL, micros(at(12, 0)) + 999_999),
            gone=True,
        )
    ],
    "payment_intent.canceled__terminal": IGNORED,
    "payment_intent.created__terminal": IGNORED,
    "payment_intent.payment_failed__terminal": IGNORED,
    "payment_intent.succeeded__terminal": IGNORED,
    "account.updated__no_sale": IGNORED,
    "balance.available__no_sale": IGNORED,
    "payout.paid__no_sale": IGNORED,
    "terminal.reader.action_failed__no_sale": IGNORED,
    "terminal.reader.action_succeeded__no_sale": IGNORED,
}


def together(*names: str) -> Case:
    """Return what these deliveries state, one after another."""
    cases = [CASES[name] for name in names]
    return [one for case in cases if isinstance(case, list) for one in case]


#: A page states what its events state as webhooks; what was not asked for says nothing.
CASES |= {
    "event.listed__page": together("refund.created__same_sale", "charge.succeeded__same_sale"),
    "event.listed__nothing": IGNORED,
    "event.listed__newest_first": together(
        *("refund.updated__partial", "charge.refunded__partial", "refund.created__partial"),
        *("charge.updated__settled", "charge.succeeded__terminal"),
        *("customer.deleted__jane", "customer.created__jane"),
    ),
    "event.listed__amount_in_words": Unrecognised("answers[0].data[1].data.object.amount"),
    # Without an id the next page could not be asked for: that is no end of the list.
    "event.listed__without_id": Unrecognised("answers[0].data[0].id"),
}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


def test_the_key_is_the_event_id_and_a_connected_account_is_the_merchant() -> None:
    recorded = SAMPLES
    names = ("charge.updated__settled", "charge.succeeded__terminal", "v2.core.event__thin")

    connected, own, thin = (
        PROVIDER.split(samples.signed(recorded[name], PROVIDER))[0] for name in names
    )

    assert connected.key == "evt_3Pq0ZZ2eZvKYlo2C1evt0002"
    assert connected.occurred_at == at(12, 9)
    assert (connected.merchant, own.merchant) == ("acct_1Connected", None)
    assert (thin.type, thin.occurred_at) == ("v2.core.account.updated", None)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (b'"amount_captured":1387', b'"amount_captured":-1387', "amount_captured"),
        (b'"amount_refunded":0', b'"amount_refunded":-1', "amount_refunded"),
        (b'"currency":"usd"', b'"currency":"us"', "currency"),
        (b'"status":"succeeded"', b'"status":"settled"', "status"),
        (b'"captured":true', b'"captured":1', "captured"),
    ],
)
def test_what_stripe_does_not_document_is_a_dead_letter(old: bytes, new: bytes, path: str) -> None:
    sample = SAMPLES["charge.succeeded__terminal"]
    assert old in sample.body

    mended = replace(sample, body=sample.body.replace(old, new))

    assert outcome(PROVIDER, mended) == Unrecognised(f"data.object.{path}")


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_recorded_page_states_what_its_events_state(name: str) -> None:
    assert outcome_of_answer(PROVIDER, ANSWERS[name]) == CASES[name]


@pytest.mark.parametrize(
    "name", [name for name in sorted(SAMPLES) if name.partition("__")[0] in READINGS]
)
def test_an_event_says_the_same_in_a_list_and_in_a_webhook(name: str) -> None:
    page = b'{"object": "list", "has_more": false, "data": [%b]}' % SAMPLES[name].body
    pushed = CASES[name]

    listed = outcome_of_answer(PROVIDER, envelope("event", "", "listed", [page]))

    if isinstance(pushed, Unrecognised):
        assert listed == Unrecognised(f"answers[0].data[0].{pushed.path}")
    else:
        assert listed == pushed


def first_page(cursor: str | None = None, **settings: Any) -> Call:
    window = Window(
        datetime(2026, 11, 1, 12, 0, 0, 250_000, tzinfo=UTC),
        datetime(2026, 11, 1, 13, 0, 0, 1, tzinfo=UTC),
    )
    return API.lists["event"].call(Asked("event", "", settings, "rk_live_key"), window, cursor)


def test_whole_seconds_around_the_stretch_are_asked_for() -> None:
    call = first_page()

    # 1 November 2026 is the 20 758th day since 1970: × 86 400 = 1 793 491 200; + 12 h, + 13 h 1 s.
    assert (call.path, call.query[:2]) == (
        "/v1/events",
        (("created[gte]", "1793534400"), ("created[lt]", "1793538001")),
    )
    assert [said for name, said in call.query if name == "types[]"] == sorted(READINGS)
    assert call.query[-1] == ("limit", "100")
    assert call.headers == {"Authorization": "Bearer rk_live_key"}
    assert API.host({}) == "api.stripe.com"


def test_a_page_behind_another_is_asked_for_by_its_last_event_and_for_one_account() -> None:
    call = first_page("evt_9", account="acct_1Connected")

    assert call.query[-2:] == (("limit", "100"), ("starting_after", "evt_9"))
    assert call.headers["Stripe-Account"] == "acct_1Connected"


def test_no_more_types_are_named_than_stripe_takes() -> None:
    assert len(TYPES) <= 20
    assert API.lists["event"].reaches == timedelta(days=30)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"has_more": True, "data": [{"id": "evt_2"}, {"id": "evt_1"}]}, "evt_1"),
        ({"has_more": False, "data": [{"id": "evt_2"}]}, None),
        ({"data": [{"id": "evt_2"}]}, None),
        ({"has_more": True, "data": []}, None),
        ({"has_more": True, "data": {}}, None),
        ({"has_more": True, "data": ["evt_2"]}, None),
        ([], None),
    ],
)
def test_a_list_ends_where_there_is_no_more_or_nothing(body: Any, expected: str | None) -> None:
    assert API.lists["event"].cursor(Reply(200, {}, body), None) == expected


def test_a_404_is_no_end_of_the_list() -> None:
    assert not API.missing(Reply(404, {}, {"error": {"code": "resource_missing"}}))


def test_an_account_is_read_and_one_that_is_none_is_asked_for_nowhere() -> None:
    assert read_account(" acct_1Connected ") == "acct_1Connected"
    assert API.host({"account": "acct_1Connected"}) == "api.stripe.com"
    for wrong in ("acct_", "1Connected", "acct_1\r\nx: y", "acct_é", "cus_1"):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            read_account(wrong)
    with pytest.raises(ValueError, match="cafe"):
        API.host({"account": "cafe"})


@pytest.mark.parametrize(
    ("settings", "states"),
    [({}, True), ({"account": "acct_1Connected"}, True), ({"account": "acct_1Other"}, False)],
)
def test_an_event_of_another_account_is_not_stated(
    settings: Mapping[str, Any], states: bool
) -> None:
    page = {"data": [json.loads(SAMPLES["charge.updated__settled"].body)]}
    event = Event("event::0", "event.listed", {"answers": [page]})
    context = replace(context_of(PROVIDER), settings=settings)

    if states:
        assert PROVIDER.normalisers["event.listed"](event, context)
        return
    with pytest.raises(PayloadUnrecognised) as refused:
        PROVIDER.normalisers["event.listed"](event, context)
    assert refused.value.path == "answers[0].data[0].account"
