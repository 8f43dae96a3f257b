"""Our own schema as CloudEvents states what it states in its own envelope."""

from dataclasses import replace

import pytest

from integrations import envelope_cases, samples
from integrations.cases import Case, Unrecognised, context_of, outcome
from integrations.contract import Delivery, PayloadUnrecognised, SignatureInvalid

from . import PROVIDER
from .payload import permission

SAMPLES = samples.load("cloudevents")
MINIMAL = envelope_cases.MINIMAL_SALE
CASES: dict[str, Case] = {
    **envelope_cases.CASES,
    "unreadable__in_a_batch": Unrecognised("specversion"),
    # The data of the second is the same document, in base64, of another sale.
    "sale.created__batch": [MINIMAL, replace(MINIMAL, external_id="sale_two")],
    # Neither a time nor an id of the sale.
    "sale.created__documented_example": Unrecognised("data.occurred_at"),
    "sale.created__not_base64": Unrecognised("data_base64"),
    "sale.created__other_version": Unrecognised("specversion"),
    "sale.created__no_event": Unrecognised("headers.ce-specversion"),
    "sale.created__no_such_time": Unrecognised("time"),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_recorded_delivery_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome(PROVIDER, SAMPLES[name]) == CASES[name]


def test_an_event_is_known_by_its_source_and_its_id_in_whatever_mode() -> None:
    body = b'{"specversion":"1.0","id":"1","source":"/till","type":"a.b.ping","data":{}}'
    structured = {"content-type": "application/cloudevents+json"}
    binary = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/till", "ce-type": "b.ping"}
    other = {**binary, "ce-source": "/till/%32"}

    keys = [
        PROVIDER.split(Delivery("POST", "", "", headers, sent, ""))[0].key
        for headers, sent in ((structured, body), (binary, b"{}"), (other, b"{}"))
    ]

    assert keys[0] == keys[1]
    assert keys[1] != keys[2]


@pytest.mark.parametrize(
    ("missing", "path"),
    [("ce-id", "headers.id"), ("ce-source", "headers.source"), ("ce-type", "headers.type")],
)
def test_an_attribute_that_is_missing_is_named(missing: str, path: str) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/", "ce-type": "ping"}
    del headers[missing]

    with pytest.raises(PayloadUnrecognised) as refused:
        PROVIDER.split(Delivery("POST", "", "", headers, b"{}", ""))

    assert refused.value.path == path


def test_a_header_that_is_no_utf_8_is_refused() -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "%ff", "ce-source": "/", "ce-type": "ping"}

    with pytest.raises(PayloadUnrecognised, match="not UTF-8"):
        PROVIDER.split(Delivery("POST", "", "", headers, b"{}", ""))


def test_a_sender_that_asks_is_permitted_to_send() -> None:
    found = permission({"webhook-request-origin": "events.example.com"})

    assert found is not None
    assert found.headers == {
        "allow": "POST",
        "webhook-allowed-origin": "events.example.com",
        "webhook-allowed-rate": "*",
    }
    assert permission({}) is None
    assert permission({"webhook-request-origin": "a\r\nb"}) is None


def test_the_token_may_stand_in_the_query_where_no_header_holds_it() -> None:
    verify, secret = PROVIDER.scheme.verify, samples.TEST_SECRET
    bare = Delivery("POST", "", f"access_token={secret.value}", {}, b"{}", "")

    verify(bare, [secret], 0)
    verify(
        replace(bare, query="", headers={"authorization": f"Bearer {secret.value}"}), [secret], 0
    )
    for wrong in (
        replace(bare, query=""),
        replace(bare, query="access_token="),
        replace(bare, query="access_token=guess"),
        replace(bare, query=f"{bare.query}&{bare.query}"),
        replace(bare, headers={"authorization": "Bearer guess"}),
    ):
        with pytest.raises(SignatureInvalid):
            verify(wrong, [secret], 0)


@pytest.mark.parametrize("broken", [b"7", b"{}", b'{"specversion":"1.0","id":7}'])
def test_an_event_of_a_batch_that_is_none_holds_up_no_other(broken: bytes) -> None:
    delivery = samples.signed(SAMPLES["sale.created__batch"], PROVIDER)
    alone = PROVIDER.split(delivery)

    body = delivery.body[:-1] + b"," + broken + b"]"

    *told, lacking = PROVIDER.split(replace(delivery, body=body))

    assert told == alone
    assert lacking.type == "unreadable"
    with pytest.raises(PayloadUnrecognised):
        PROVIDER.normalisers[lacking.type](lacking, context_of(PROVIDER))
