"""Our own schema in GitHub's clothes states what it states in its own."""

import hashlib
from dataclasses import replace

import pytest

from integrations import envelope_cases, samples
from integrations.cases import IGNORED, Case, Unrecognised, outcome
from integrations.contract import Delivery, PayloadUnrecognised

from . import PROVIDER

SAMPLES = samples.load("github")
CASES: dict[str, Case] = {
    **{name: case for name, case in envelope_cases.CASES.items() if name != "ping__test"},
    "sale.created__form": [envelope_cases.MINIMAL_SALE],
    "ping__connected": IGNORED,
    "push__no_type": Unrecognised("type"),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


def test_the_headers_are_a_key_and_never_say_what_a_signed_body_is() -> None:
    delivery = samples.signed(SAMPLES["sale.created__minimal"], PROVIDER)
    as_ping = replace(delivery, headers={**delivery.headers, "x-github-event": "ping"})
    bare = replace(delivery, headers={})

    (event,), (pinged,), (hashed,) = map(PROVIDER.split, (delivery, as_ping, bare))

    assert event == pinged
    assert event.key == delivery.headers["x-github-delivery"]
    assert hashed.key == hashlib.sha256(delivery.body).hexdigest()


@pytest.mark.parametrize("key", ["x" * 201, "\xe9", "a\x00"])
def test_an_id_that_no_table_would_keep_is_hashed(key: str) -> None:
    delivery = Delivery("POST", "", "", {"x-github-delivery": key}, b'{"type":"ping"}', "")

    assert PROVIDER.split(delivery)[0].key == hashlib.sha256(key.encode()).hexdigest()


def test_a_form_without_the_payload_is_refused() -> None:
    for body in (b"payload=", b"other=1", b"payload[a]=1"):
        with pytest.raises(PayloadUnrecognised):
            PROVIDER.split(Delivery("POST", "", "", {}, body, ""))
