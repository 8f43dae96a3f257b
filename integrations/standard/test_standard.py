"""What the recorded deliveries of our own schema state, worked out by hand from their payloads."""

from dataclasses import replace

import pytest

from integrations import samples
from integrations.cases import context_of, outcome
from integrations.contract import Delivery, Secret, SignatureInvalid
from integrations.envelope_cases import CASES, MINIMAL_SALE
from sales.drafts import Mention

from . import PROVIDER


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, samples.load("standard")[name]) == CASES[name]


def event_key(headers: dict[str, str], body: bytes = b'{"type":"ping"}') -> str:
    return PROVIDER.split(Delivery("POST", "", "", headers, body, ""))[0].key


def test_the_key_is_the_id_of_the_message_under_either_name() -> None:
    assert event_key({"webhook-id": "msg_1"}) == "msg_1"
    assert event_key({"svix-id": "msg_2"}) == "msg_2"


def test_without_an_id_the_key_is_the_hash_of_the_body() -> None:
    keys = {
        event_key({}),
        event_key({"webhook-timestamp": "1"}),
        event_key({}, b'{"type": "ping"}'),
    }

    assert len(keys) == 2  # the time of an attempt changes nothing


@pytest.mark.parametrize("name", ["x" * 201, "msg\x00", "msg\xe9"])
def test_an_id_that_no_table_would_keep_is_hashed(name: str) -> None:
    key = event_key({"webhook-id": name})

    assert len(key) == 64
    assert key != event_key({})
    assert key == event_key({"webhook-id": name}, b'{"type":"pong"}')


def test_a_bearer_is_accepted_only_as_a_bearer() -> None:
    sample = samples.load("standard")["sale.created__1c"]
    bearer = Secret("token-of-the-shop", "bearer")
    delivery = samples.signed(sample, PROVIDER, secret=bearer)

    PROVIDER.scheme.verify(delivery, [bearer], 0)
    for secrets in ([Secret("other", "bearer")], [Secret(bearer.value)], []):
        with pytest.raises(SignatureInvalid):
            PROVIDER.scheme.verify(delivery, secrets, 0)


def test_a_test_source_states_test_sales() -> None:
    sample = samples.load("standard")["sale.created__minimal"]
    event = PROVIDER.split(samples.signed(sample, PROVIDER))[0]
    context = replace(context_of(PROVIDER), is_test=True, location="shop-9")

    drafts = PROVIDER.normalisers[event.type](event, context)

    assert MINIMAL_SALE.header is not None
    header = replace(MINIMAL_SALE.header, is_test=True, location=Mention(external_id="shop-9"))
    assert drafts == (replace(MINIMAL_SALE, header=header),)
