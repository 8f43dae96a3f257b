"""Signature schemes against published values, and what hostile senders try."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from .contract import Delivery, Scheme, Secret, SignatureInvalid, SignatureStale
from .samples import TEST_SECRET
from .schemes import (
    SCHEMES,
    Basic,
    Bearer,
    EchoedToken,
    HmacHeader,
    Never,
    StandardWebhooks,
    StaticHeader,
    named,
    new_signing_secret,
)
from .schemes.base import leading_text

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text())
#: Where one provider has several schemes, or one scheme several providers.
OTHER_NAMES = {
    "svix": "standard-webhooks",
    "standard-webhooks-v1a": "standard-webhooks",
    "hubspot": "hubspot-v3",
}
UNSIGNED = {"address", "basic", "bearer"}
NOW = 1_614_265_330
PRIVATE = next(vector["private_key"] for vector in VECTORS if "private_key" in vector)
PUBLIC = Secret(next(v["secret"] for v in VECTORS if "private_key" in v), "public_key")
EMPTY = Delivery("POST", "", "", {}, b'{"type":"ping"}', "https://hooks.example/h")


def delivery_of(vector: dict[str, Any]) -> Delivery:
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    method, url = vector.get("method", "POST"), vector.get("url", "")
    return Delivery(method, "", "", headers, vector["body"].encode(), url)


def scheme_of(vector: dict[str, Any]) -> Scheme:
    version = vector["headers"].get("X-HubSpot-Signature-Version")
    provider = vector["provider"]
    return named(f"hubspot-{version}" if version else OTHER_NAMES.get(provider, provider))


def proven(scheme: Scheme, secret: Secret, delivery: Delivery = EMPTY) -> Delivery:
    return replace(delivery, headers={**scheme.sign(delivery, secret, NOW)})


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_published_values_are_judged_as_published(vector: dict[str, Any]) -> None:
    scheme, now = scheme_of(vector), vector.get("now", 0)
    secrets = [Secret(vector["secret"])]

    if vector["valid"] and vector["secret"]:
        scheme.verify(delivery_of(vector), secrets, now)
    else:
        with pytest.raises(SignatureInvalid):
            scheme.verify(delivery_of(vector), secrets, now)


def test_every_scheme_that_signs_has_a_published_or_documented_value() -> None:
    proven = {id(scheme_of(vector)) for vector in VECTORS if vector["valid"]}

    assert {name for name, one in SCHEMES.items() if id(one) not in proven} == UNSIGNED


def test_an_empty_secret_makes_the_published_value_of_woocommerce_and_proves_nothing() -> None:
    vector = next(one for one in VECTORS if one["id"] == "woo-core-unit")
    scheme, delivery = scheme_of(vector), delivery_of(vector)

    assert scheme.sign(delivery, Secret(""), 0) == delivery.headers
    with pytest.raises(SignatureInvalid):
        scheme.verify(delivery, [Secret(""), Secret("x")], 0)


@pytest.mark.parametrize(("age", "fresh"), [(300, True), (301, False), (-300, True), (-301, False)])
def test_F41_a_signed_time_holds_for_five_minutes_both_ways(age: int, fresh: bool) -> None:
    scheme = StandardWebhooks()
    delivery = proven(scheme, TEST_SECRET)

    if fresh:
        scheme.verify(delivery, [TEST_SECRET], NOW + age)
    else:
        with pytest.raises(SignatureStale):
            scheme.verify(delivery, [TEST_SECRET], NOW + age)


def test_one_of_several_signatures_is_enough_and_unknown_versions_are_passed_over() -> None:
    scheme, old = StandardWebhooks(), Secret(new_signing_secret())
    theirs = proven(scheme, old)
    both = f"v2,abc {theirs.headers['webhook-signature']} v1,AAAA"

    delivery = replace(theirs, headers={**theirs.headers, "webhook-signature": both})

    scheme.verify(delivery, [TEST_SECRET, old], NOW)


def test_F51_more_than_eight_signatures_are_refused() -> None:
    scheme = StandardWebhooks()
    delivery = proven(scheme, TEST_SECRET)
    true = delivery.headers["webhook-signature"]

    for count, accepted in ((8, True), (9, False)):
        headers = {**delivery.headers, "webhook-signature": " ".join([true] * count)}
        if accepted:
            scheme.verify(replace(delivery, headers=headers), [TEST_SECRET], NOW)
        else:
            with pytest.raises(SignatureInvalid):
                scheme.verify(replace(delivery, headers=headers), [TEST_SECRET], NOW)


def test_a_public_key_proves_and_other_last_characters_of_its_base64_do_not() -> None:
    scheme = StandardWebhooks()
    delivery = proven(scheme, Secret(PRIVATE))
    text = delivery.headers["webhook-signature"]
    alias = text[:-3] + chr(ord(text[-3]) + 1) + "=="  # 64 bytes leave four bits unused
    assert base64.b64decode(alias[4:]) == base64.b64decode(text[4:])

    scheme.verify(delivery, [PUBLIC], NOW)
    headers = {**delivery.headers, "webhook-signature": alias}
    with pytest.raises(SignatureInvalid):
        scheme.verify(replace(delivery, headers=headers), [PUBLIC], NOW)


@pytest.mark.parametrize(
    "value",
    ["", "whsec_", "whsec_!!!", "whsec_кот", "whpk_", "whpk_AAAA", "whpk_" + "A" * 43 + "="],
)
def test_a_secret_that_cannot_be_one_proves_nothing(value: str) -> None:
    scheme = StandardWebhooks()
    for delivery in (proven(scheme, TEST_SECRET), proven(scheme, Secret(PRIVATE))):
        with pytest.raises(SignatureInvalid):
            scheme.verify(delivery, [Secret(value)], NOW)


@pytest.mark.parametrize(
    "scheme",
    [
        HmacHeader("x-signature"),
        Bearer(),
        Basic(),
        EchoedToken(),
        StaticHeader("x-auth"),
        SCHEMES["stripe"],
    ],
    ids=["hmac", "bearer", "basic", "echoed", "static", "stripe"],
)
def test_an_empty_secret_proves_nothing_although_it_can_sign(scheme: Scheme) -> None:
    empty = Secret("")
    with pytest.raises(SignatureInvalid):
        scheme.verify(proven(scheme, empty), [empty], NOW)


@pytest.mark.parametrize(
    "timestamp", ["1_0", " 12", "+12", "-1", "١٢", "1.0", "9" * 13, "9" * 5000]
)
def test_F59_a_timestamp_is_ascii_digits(timestamp: str) -> None:
    scheme = StandardWebhooks()
    delivery = proven(scheme, TEST_SECRET)

    headers = {**delivery.headers, "webhook-timestamp": timestamp}
    with pytest.raises(SignatureInvalid):
        scheme.verify(replace(delivery, headers=headers), [TEST_SECRET], NOW)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_a_scheme_is_data(digest: str, encoding: str) -> None:
    scheme = HmacHeader("x-signature", digest, encoding, prefix=f"{digest}=")
    delivery = proven(scheme, TEST_SECRET)

    scheme.verify(delivery, [TEST_SECRET], NOW)
    assert delivery.headers["x-signature"].startswith(f"{digest}=")
    with pytest.raises(SignatureInvalid):
        replace(scheme, digest="sha512").verify(delivery, [TEST_SECRET], NOW)


def test_the_word_bearer_is_of_any_case_and_the_token_is_not() -> None:
    for value, accepted in (("bearer Tok", True), ("BEARER Tok", True), ("Bearer tok", False)):
        delivery = replace(EMPTY, headers={"authorization": value})
        if accepted:
            Bearer().verify(delivery, [Secret("Tok")], NOW)
        else:
            with pytest.raises(SignatureInvalid):
                Bearer().verify(delivery, [Secret("Tok")], NOW)


def test_schemes_name_what_they_cover_and_what_must_not_be_kept() -> None:
    assert StandardWebhooks().covers == {"body", "id", "timestamp"}
    assert StandardWebhooks().secret_headers == Bearer().secret_headers == {"authorization"}
    assert HmacHeader("x", parts=("url", "body")).covers == {"body", "url"}
    assert HmacHeader("x").covers == {"body"}
    for empty in (Never().covers, Never().headers, Never().secret_headers, Bearer().covers):
        assert empty == frozenset()
    assert HmacHeader("x").secret_headers == frozenset()
    assert Bearer().headers == {"authorization"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"timestamp":"2026"}', "2026"),
        (b' {\n "timestamp" : "a\\u0041\\"" ,"x": 1', 'aA"'),
        (b'{"guid":"1","timestamp":"2026"}', None),
        (b'{"timestamp":2026}', None),
        (b'{"timestamp":"' + b"x" * 300 + b'"}', None),
        (b'{"timestamp":"\\q"}', None),
        (b'{"timestamp":"\xff"}', None),
        (b'["timestamp","2026"]', None),
        (b'{"timestamp":"\\ud800"}', None),
        (b"", None),
    ],
)
def test_a_text_that_a_body_begins_with_is_found_without_parsing_it(
    body: bytes, text: str | None
) -> None:
    assert leading_text(body, "timestamp") == text


def test_toast_is_verified_wherever_its_time_stands() -> None:
    scheme, secret = named("toast"), Secret("a-secret")
    rest = b'"x":["' + b"y" * 600_000 + b'"]'
    for body in (b'{"timestamp":"T",' + rest + b"}", b"{" + rest + b',"timestamp":"T"}'):
        delivery = Delivery("POST", "", "", {}, body, "")
        proof = scheme.sign(delivery, secret, 0)
        scheme.verify(replace(delivery, headers=proof), [secret], 0)
        for changed in (body.replace(b'"T"', b'"U"'), body.replace(b"yy", b"yz", 1)):
            with pytest.raises(SignatureInvalid):
                scheme.verify(replace(delivery, headers=proof, body=changed), [secret], 0)
