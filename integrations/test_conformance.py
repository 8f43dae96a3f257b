"""Every sample of every provider: what holds for one provider holds for all.

A new provider gets this suite by its line in the registry.
"""

import base64
import contextlib
import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from . import samples
from .cases import IGNORED, Case, context_of, outcome
from .catalogue import heard
from .contract import (
    Delivery,
    Event,
    EventUnsupported,
    PayloadUnrecognised,
    PersonNeeded,
    Provider,
    Read,
    Secret,
    SignatureInvalid,
)
from .forms import is_form
from .registry import PROVIDERS
from .samples import TEST_SECRET, TEST_URL, Sample
from .schemes import Address

NOW = 1_789_408_800
OTHER = Secret("whsec_b3RoZXItc2VjcmV0LW9mLXRoZS1zYW1wbGVzLTAwMDI=")
HEARD = [samples.configured(one) for one in heard(PROVIDERS.values())]
SAMPLES = [
    (provider, sample)
    for provider in HEARD
    for sample in samples.load(provider.slug).values()
    if not samples.is_unsigned_question(provider, sample)
]


def proven_otherwise() -> Iterator[tuple[str, Provider, Sample]]:
    """Go over a described till with every kind of proof that a description may name."""
    settings, sample = samples.settings("custom"), samples.load("custom")["PING__test"]
    proofs = json.loads((Path(samples.__file__).parent / "custom/proofs.json").read_text())
    for one in proofs["proofs"]:
        text = json.dumps({**json.loads(settings["description"]), "proof": one["proof"]})
        yield one["id"], PROVIDERS["custom"].of({"description": text}), sample


PROVEN = [*proven_otherwise()]
every_provider = pytest.mark.parametrize("provider", HEARD, ids=lambda provider: provider.slug)
every_sample = pytest.mark.parametrize(
    ("provider", "sample"),
    [*SAMPLES, *((provider, sample) for _, provider, sample in PROVEN)],
    ids=[
        *(f"{provider.slug}-{sample.name}" for provider, sample in SAMPLES),
        *(f"custom-{name}" for name, *_ in PROVEN),
    ],
)


def signed(provider: Provider, sample: Sample, secret: Secret = TEST_SECRET) -> Delivery:
    return samples.signed(sample, provider, secret=secret, now=NOW)


def cases(provider: Provider) -> dict[str, Case]:
    module = importlib.import_module(f"integrations.{provider.slug}.test_{provider.slug}")
    found: dict[str, Case] = module.CASES
    return found


def accepts(provider: Provider, delivery: Delivery, *secrets: Secret) -> bool:
    """Say whether it is accepted; anything but SignatureInvalid fails the test."""
    try:
        provider.scheme.verify(delivery, secrets or (TEST_SECRET,), NOW)
    except SignatureInvalid:
        return False
    return True


def events(provider: Provider, delivery: Delivery) -> list[Event]:
    try:
        return provider.split(delivery)
    except PayloadUnrecognised:
        return []


def read(provider: Provider, delivery: Delivery) -> list[object]:
    """Return keys, types and statements of a delivery, or why there are none."""
    try:
        return [
            (event.key, event.type, event.merchant, normalise(event, context_of(provider)))
            for event in provider.split(delivery)
            if (normalise := provider.normalisers.get(event.type))
        ]
    except (PayloadUnrecognised, EventUnsupported, PersonNeeded) as error:
        return [str(error)]


def with_header(delivery: Delivery, name: str, value: str | None) -> Delivery:
    headers = {key: text for key, text in delivery.headers.items() if key != name}
    return replace(delivery, headers=headers if value is None else {**headers, name: value})


def flips(text: str) -> Iterator[str]:
    """Go over the text with one bit of one byte changed."""
    for index, character in enumerate(text):
        yield text[:index] + chr(ord(character) ^ 1) + text[index + 1 :]


def inside(provider: Provider, delivery: Delivery) -> Iterator[Delivery]:
    """Go over all deliveries with one bit changed in what the scheme covers, proof included."""
    covers = provider.scheme.covers
    if "body" in covers:
        for index, byte in enumerate(delivery.body):
            body = delivery.body[:index] + bytes([byte ^ 1]) + delivery.body[index + 1 :]
            yield replace(delivery, body=body)
    for name in (one.removeprefix("field:") for one in covers if one.startswith("field:")):
        document = {} if is_form(delivery.body) else json.loads(delivery.body)
        for value in flips(str(document.get(name, ""))):
            yield replace(delivery, body=json.dumps({**document, name: value}).encode())
    if "url" in covers:
        yield from (replace(delivery, url=url) for url in flips(delivery.url))
    if "target" in covers:
        host, slash, target = delivery.url.rpartition("/hooks/")
        yield from (replace(delivery, url=host + slash + flipped) for flipped in flips(target))
    signed_headers = {part.removeprefix("header:") for part in covers if part.startswith("header:")}
    for name in signed_headers | provider.scheme.sign(delivery, TEST_SECRET, NOW).keys():
        for value in flips(delivery.headers[name]):
            yield with_header(delivery, name, value)


def outside(provider: Provider, delivery: Delivery) -> Iterator[Delivery]:
    """Go over deliveries with one bit changed in what no proof covers and nothing reads."""
    scheme = provider.scheme
    read_or_proof = scheme.headers | scheme.secret_headers | provider.reads_headers
    for name in delivery.headers.keys() - read_or_proof:
        for value in flips(delivery.headers[name]):
            yield with_header(delivery, name, value)
    yield replace(delivery, query=f"{delivery.query}&flipped=1")
    if scheme.covers.isdisjoint(("url", "target")):
        yield replace(delivery, url="https://elsewhere.example/")


@every_sample
def test_the_owner_of_the_secret_is_heard_and_nobody_else(
    provider: Provider, sample: Sample
) -> None:
    delivery = signed(provider, sample)

    assert accepts(provider, delivery)
    if isinstance(provider.scheme, Address):
        assert not provider.signed
        return
    assert not accepts(provider, delivery, OTHER)
    assert not accepts(provider, delivery, replace(TEST_SECRET, value=""))
    with pytest.raises(SignatureInvalid):
        provider.scheme.verify(delivery, (), NOW)


@every_sample
def test_F60_a_stripped_header_is_refused(provider: Provider, sample: Sample) -> None:
    delivery = signed(provider, sample)

    for name in provider.scheme.sign(delivery, TEST_SECRET, NOW):
        assert not accepts(provider, with_header(delivery, name, None)), name


@every_sample
def test_old_and_new_secret_are_accepted_while_rotating(provider: Provider, sample: Sample) -> None:
    for secret in (TEST_SECRET, OTHER):
        assert accepts(provider, signed(provider, sample, secret), TEST_SECRET, OTHER)


@every_sample
def test_a_changed_bit_inside_what_is_covered_is_refused(
    provider: Provider, sample: Sample
) -> None:
    delivery = signed(provider, sample)

    assert not [changed for changed in inside(provider, delivery) if accepts(provider, changed)]


@every_sample
def test_a_changed_bit_outside_changes_nothing(provider: Provider, sample: Sample) -> None:
    delivery = signed(provider, sample)
    stated = read(provider, delivery)

    for changed in outside(provider, delivery):
        assert accepts(provider, changed)
        assert read(provider, changed) == stated


@every_sample
def test_a_delivery_reads_the_same_every_time(provider: Provider, sample: Sample) -> None:
    again = samples.parse(sample.name, _recording(provider, sample))
    later = samples.signed(again, provider, secret=OTHER, now=NOW + 86_400)

    assert read(provider, later) == read(provider, signed(provider, sample))
    assert outcome(provider, sample) == outcome(provider, again)


def _recording(provider: Provider, sample: Sample) -> bytes:
    folder = Path(samples.__file__).parent / provider.slug / "samples"
    return (folder / f"{sample.name}.http").read_bytes()


def hostile(value: str) -> Iterator[str]:
    """Go over what strangers send in place of a proof."""
    body = value.rpartition(",")[2]
    yield from ("", " ", ",", "v1,", "v1,,", "v9," + body, "Bearer", "Bearer ", "\x00")
    yield from (body[:-1], value[:-1], value + "=", value + "A", value.replace(",", ""))
    yield from (value[: len(value) // 2], "YW!!Jj", "====", "v1,YW!!Jj", "v1a,YW!!Jj")
    yield from ("\xff\xfe" + value, value + "\xe9", "подпись", "١٢", "1_0", " 12 ", "9" * 5000)
    yield from ("A" * 4097, " ".join([value] * 9), ", ".join([value] * 2))
    if re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", body) and len(body) % 4 == 0:
        yield base64.b64decode(body).hex()


@pytest.mark.parametrize(
    "provider",
    [*HEARD, *(provider for _, provider, _ in PROVEN)],
    ids=[*(provider.slug for provider in HEARD), *(f"custom-{name}" for name, *_ in PROVEN)],
)
def test_hostile_proofs_are_refused_and_never_crash(provider: Provider) -> None:
    sample = next(iter(samples.load(provider.slug).values()))
    delivery = signed(provider, sample)

    for name in provider.scheme.sign(delivery, TEST_SECRET, NOW):
        true = delivery.headers[name]
        for value in set(hostile(true)) - {true}:
            assert not accepts(provider, with_header(delivery, name, value)), (name, value)
    for url in ("", "http://кириллица.example/"):
        accepts(provider, replace(delivery, url=url))


@every_provider
def test_every_sample_has_a_row_and_every_row_a_sample(provider: Provider) -> None:
    recorded = samples.load(provider.slug).keys() | samples.load_answers(provider.slug).keys()

    assert recorded == cases(provider).keys()


@every_provider
def test_what_is_asked_for_can_be_read(provider: Provider) -> None:
    if provider.api is None:
        return

    reads = {f"{kind}.{end}" for kind in provider.api.reads for end in ("read", "missing")}
    lists = {f"{kind}.listed" for kind in provider.api.lists}
    assert reads | lists <= provider.normalisers.keys()


@every_sample
def test_a_source_that_confirms_believes_nothing_of_what_is_pushed(
    provider: Provider, sample: Sample
) -> None:
    if not provider.confirm:
        return
    assert provider.api is not None

    for event in events(provider, signed(provider, sample)):
        doubting = provider.confirm.get(event.type) or provider.normalisers.get(event.type)
        if doubting is None or event.type in provider.ignored:
            continue
        with contextlib.suppress(PayloadUnrecognised):
            stated = doubting(event, context_of(provider)) or ()
            assert {
                one.kind for one in stated if isinstance(one, Read)
            } <= provider.api.reads.keys()
            assert all(isinstance(one, Read) for one in stated), event.type


@every_provider
def test_what_is_answered_without_proof_is_recorded_and_states_nothing(provider: Provider) -> None:
    handshake = provider.handshake
    answered = [
        sample
        for sample in samples.load(provider.slug).values()
        if handshake is not None and handshake(samples.bare(sample))
    ]

    assert bool(answered) == (handshake is not None)
    for sample in answered:
        assert provider.scheme.headers.isdisjoint(sample.headers), sample.name
        assert outcome(provider, sample) is IGNORED, sample.name


@every_provider
def test_every_declared_type_has_a_sample(provider: Provider) -> None:
    recorded = {
        event.type
        for sample in samples.load(provider.slug).values()
        for event in events(provider, signed(provider, sample))
    } | {name.partition("__")[0] for name in samples.load_answers(provider.slug)}

    assert provider.normalisers.keys() | provider.ignored <= recorded


@every_sample
def test_a_sample_is_what_the_provider_would_send(provider: Provider, sample: Sample) -> None:
    assert sample.method in provider.methods
    assert sample.headers.get("content-length", str(len(sample.body))) == str(len(sample.body))
    assert sample.name.count("__") == 1


@every_provider
def test_no_type_is_both_read_and_ignored(provider: Provider) -> None:
    assert not provider.normalisers.keys() & provider.ignored


@every_provider
def test_a_provider_says_in_two_languages_how_to_connect_it(provider: Provider) -> None:
    readme = (Path(samples.__file__).parent / provider.slug / "README.md").read_text()

    assert "Как подключить" in readme
    assert "How to connect" in readme
    assert "2026-11" in readme or provider.slug == "standard"


def test_nothing_is_heard_for_what_people_enter() -> None:
    manual = PROVIDERS["manual"]

    delivery = Delivery("POST", "", "", {}, b'{"type":"ping"}', TEST_URL)

    assert not accepts(manual, delivery)
    assert manual.scheme.sign(delivery, TEST_SECRET, NOW) == {}
