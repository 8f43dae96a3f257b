"""What hostile senders try against every scheme, and what a scheme refuses to be."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import registry
from .contract import Delivery, ProofInBody, Scheme, Secret, SignatureInvalid, SignatureStale
from .schemes import (
    SCHEMES,
    Basic,
    EchoedToken,
    FieldsDigest,
    HmacHeader,
    StaticHeader,
    UnknownScheme,
    named,
)
from .schemes.known import without_entities

NOW = 1_789_387_724
FIELDS = {"account": "a", "object": "o", "object_id": 7, "action": "changed", "time": "1"}
BODY = json.dumps({**FIELDS, "timestamp": "2026-09-14T12:08:44.011Z", "payload": '{"a":1}'})
EMPTY = Delivery("POST", "", "", {}, BODY.encode(), "https://hooks.example/h")
SECRET = Secret("whsec_dGVzdC1zZWNyZXQtb2YtdGhlLXNhbXBsZXMtMDAwMQ==")
OTHER = Secret("whsec_b3RoZXItc2VjcmV0LW9mLXRoZS1zYW1wbGVzLTAwMDI=")
PROVEN = sorted(SCHEMES.keys() - {"address"})
every_scheme = pytest.mark.parametrize("scheme", [SCHEMES[name] for name in PROVEN], ids=PROVEN)


def sealed(scheme: Scheme, secret: Secret = SECRET, delivery: Delivery = EMPTY) -> Delivery:
    body = scheme.sealed(delivery, secret) if isinstance(scheme, ProofInBody) else delivery.body
    headers = {**delivery.headers, **scheme.sign(delivery, secret, NOW)}
    return replace(delivery, headers=headers, body=body)


def refuses(scheme: Scheme, delivery: Delivery, *secrets: Secret, now: float = NOW) -> bool:
    try:
        scheme.verify(delivery, secrets or (SECRET,), now)
    except SignatureInvalid:
        return True
    return False


@every_scheme
def test_what_a_secret_proves_no_other_does(scheme: Scheme) -> None:
    delivery = sealed(scheme)

    assert not refuses(scheme, delivery)
    assert not refuses(scheme, delivery, OTHER, SECRET)
    assert refuses(scheme, delivery, OTHER)
    assert refuses(scheme, sealed(scheme, Secret("")), Secret(""))


@every_scheme
def test_F59_a_hostile_proof_is_refused_and_nothing_else_happens(scheme: Scheme) -> None:
    true = sealed(scheme)
    hostile = [
        "",
        "x",
        ",",
        "=",
        "t=",
        "t=1,v1",
        "v1,",
        "é" * 40,
        "☕",
        "\0",
        "A" * 5000,
        "Basic é",
    ]

    for name in scheme.headers:
        value = true.headers[name]
        for text in [*hostile, f"{value}x", f"{value}=", f" {value}", f"{value}\n"]:
            changed = replace(true, headers={**true.headers, name: text})
            assert refuses(scheme, changed), text
        without = {key: value for key, value in true.headers.items() if key != name}
        assert refuses(scheme, replace(true, headers=without)), name


@every_scheme
@given(st.binary(max_size=200))
def test_a_body_of_any_bytes_is_judged_and_never_an_exception(scheme: Scheme, body: bytes) -> None:
    refuses(scheme, replace(sealed(scheme), body=body))


@pytest.mark.parametrize("name", ["toast", "zettle", "poster"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"timestamp":"a","timestamp":"b","payload":"c"}',
        b"[" * 100_000,
        b"\xff",
        b'{"timestamp":true,"payload":1.5,"account":null}',
        b'{"timestamp":"\\ud800","payload":"x"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_signed_fields_are_read_as_strictly_as_everything_else(name: str, body: bytes) -> None:
    scheme = SCHEMES[name]

    assert refuses(scheme, replace(sealed(scheme), body=body))


def test_a_signature_of_fields_fits_one_reading_only() -> None:
    scheme = SCHEMES["poster"]
    assert isinstance(scheme, FieldsDigest)
    body = json.dumps({**FIELDS, "data": "x;y"}).encode()
    proof = json.loads(sealed(scheme, delivery=replace(EMPTY, body=body)).body)["verify"]

    def read(**fields: Any) -> Delivery:
        return replace(EMPTY, body=json.dumps({**FIELDS, **fields, "verify": proof}).encode())

    assert not refuses(scheme, read(data="x;y"))
    assert refuses(scheme, read(data="x", time="y;1"))
    assert refuses(scheme, read(action="changed;x;y"))


def test_fields_in_a_form_are_signed_like_those_of_an_object() -> None:
    scheme = SCHEMES["poster"]
    fields = "&".join(f"data[{name}]={value}" for name, value in FIELDS.items())
    form = sealed(scheme, delivery=replace(EMPTY, body=f"url=x&{fields}&data[verify]=0".encode()))
    proof = json.loads(sealed(scheme).body)["verify"]

    assert form.body == f"url=x&{fields}&data[verify]={proof}".encode()
    assert not refuses(scheme, form)
    for body in (
        form.body.replace(b"changed", b"removed"),
        form.body + b"&data[action]=removed",
        form.body + b"&data[data]=x",
        form.body.replace(b"data", b"date"),
        form.body.replace(b"&data[time]=1", b""),
        f"data[0][{fields}".encode(),
    ):
        assert refuses(scheme, replace(form, body=body)), body


def test_only_the_past_of_stripe_is_bounded_and_hubspots_time_both_ways() -> None:
    for name, after in (("stripe", False), ("hubspot-v3", True)):
        scheme = SCHEMES[name]
        delivery = sealed(scheme)

        with pytest.raises(SignatureStale):
            scheme.verify(delivery, [SECRET], NOW + 301)
        assert refuses(scheme, delivery, now=NOW - 301) is after


def test_eight_versions_of_a_signature_are_read_and_no_more() -> None:
    scheme = SCHEMES["stripe"]
    true = sealed(scheme).headers["stripe-signature"]

    for others, accepted in ((7, True), (8, False)):
        value = true + ",v1=00" * others
        changed = replace(EMPTY, headers={"stripe-signature": value})
        assert refuses(scheme, changed) is not accepted
    for twice in (f"t=1,{true}", f"{true}, {true}"):
        assert refuses(scheme, replace(EMPTY, headers={"stripe-signature": twice}))


def test_a_static_header_and_basic_take_the_secret_itself() -> None:
    for scheme, name, value in (
        (StaticHeader("x-clover-auth"), "x-clover-auth", "user:pass"),
        (Basic(), "authorization", "basic dXNlcjpwYXNz"),
        (EchoedToken(), "authorization", "user:pass"),
        (EchoedToken(), "authorization", "bearer user:pass"),
    ):
        delivery = replace(EMPTY, headers={name: value})

        assert not refuses(scheme, delivery, Secret("user:pass"))
        assert refuses(scheme, delivery, Secret("user:pas"))
        assert scheme.secret_headers == scheme.headers == {name}
        assert scheme.covers == frozenset()


@pytest.mark.parametrize(
    ("kept", "key"),
    [
        ("a&amp;b", "a&b"),
        ("&lt;&gt;&quot;&#039;&#39;&#x27;&#0034;&#X22;&#60;&#62;&#38;&#x0026;", "<>\"'''\"\"<>&&"),
        ("&amp;lt;", "&lt;"),
        ("&eacute;&#65;&amp", "&eacute;&#65;&amp"),
        ("plain", "plain"),
    ],
)
def test_a_secret_of_wordpress_is_decoded_once(kept: str, key: str) -> None:
    assert without_entities(kept) == key

    theirs = sealed(HmacHeader("x-wc-webhook-signature"), Secret(key))
    assert not refuses(SCHEMES["woocommerce"], theirs, Secret(kept))


@pytest.mark.parametrize(
    "wrong",
    [
        {"digest": "md4"},
        {"digest": ""},
        {"encoding": "none"},
        {"keyed": "none"},
        {"parts": ()},
        {"parts": ("text:x",)},
        {"parts": ("body", "nonce")},
    ],
)
def test_a_scheme_that_nobody_knows_does_not_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        HmacHeader("x-signature", **wrong)


def test_an_unknown_or_missing_scheme_is_refused_and_never_becomes_none() -> None:
    with pytest.raises(UnknownScheme, match="stripe"):
        named("none")
    missing: Any
    for missing in (None, "none", object()):
        with pytest.raises(TypeError, match=r"square.*Address"):
            replace(registry.get("square"), scheme=missing)
