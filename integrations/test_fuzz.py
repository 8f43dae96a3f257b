"""Mutated payloads: whatever a signed sender sends, a provider raises IntegrationError or reads.

What it reads can be stored: amounts within the tables' bounds, times that convert to UTC.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from sales.drafts import digest

from . import answers, samples
from .cases import context_of
from .contract import (
    Context,
    Delivery,
    Event,
    IntegrationError,
    PayloadUnrecognised,
    Provider,
    SettingUnusable,
)
from .forms import parse_form
from .registry import PROVIDERS
from .samples import Sample
from .strict import parse_json
from .test_forms import body_of, written

HEARD = [samples.configured(one) for one in PROVIDERS.values() if one.slug != "manual"]
NASTY: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 10**40, 1.5, 1e308, -0.0, 0.30000000000000004, "", "x", "NaN", "1_000",
     "-5", "9" * 15, "1e5", "0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00", "Ж" * 3000, [],
     {}, [None], [[]], {"id": None}, {"amount": 10**18, "currency": "JPY"}, "\u202etxt", "A\u030a",
     "999999999999999.999999"]
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in members:
            yield from places(item, (*path, key))


def mutated(data: st.DataObject, document: Any, nasty: st.SearchStrategy[Any] = NASTY) -> Any:
    """Return the document with one place deleted or replaced."""
    path = data.draw(st.sampled_from(list(places(document))))
    if not path:
        return deepcopy(data.draw(nasty))
    owner = document
    for key in path[:-1]:
        owner = owner[key]
    if data.draw(st.booleans()):
        del owner[path[-1]]
    else:
        owner[path[-1]] = deepcopy(data.draw(nasty))
    return document


def values(value: Any) -> Iterator[Any]:
    if is_dataclass(value):
        for item in fields(value):
            yield from values(getattr(value, item.name))
    elif isinstance(value, dict | tuple | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from values(item)
    else:
        yield value


def read(provider: Provider, delivery: Delivery) -> list[Any]:
    """Return the statements; anything but IntegrationError fails the test."""
    split = answers.split if delivery.answered else provider.split
    context = replace(context_of(provider), answered=delivery.answered)
    try:
        found = split(delivery)
    except IntegrationError:
        return []
    return _stated(provider, found, context)


def _stated(provider: Provider, found: list[Event], context: Context) -> list[Any]:
    stated: list[Any] = []
    for event in found:
        try:
            normalise = provider.normalisers.get(event.type)
            stated += (normalise(event, context) if normalise else None) or ()
        except IntegrationError:
            continue
    return stated


def check_storable(statement: Any) -> None:
    for value in values(statement):
        if isinstance(value, Decimal):
            assert abs(value) < Decimal(10) ** 15
        if isinstance(value, int):
            assert abs(value) < 2**63
        if isinstance(value, datetime):
            value.astimezone(UTC)
        if isinstance(value, str):
            assert "\x00" not in value
            assert len(value.encode()) <= 4000
    assert len(digest(statement)) == 8


@pytest.mark.parametrize("provider", HEARD, ids=lambda provider: provider.slug)
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_F45_a_mutated_payload_is_read_or_refused(provider: Provider, data: st.DataObject) -> None:
    recorded = readable(samples.load(provider.slug))
    sample = recorded[data.draw(st.sampled_from(sorted(recorded)))]
    text = said(sample)
    document = document_of(text)
    for _ in range(data.draw(st.integers(1, 3))):
        document = mutated(data, document)

    changed = xml_of(document) if is_xml(text) else _written(document, text)
    if sample.body:
        sample = replace(sample, body=changed)
    else:
        sample = replace(sample, query=changed.decode("latin-1"))

    for statement in read(provider, samples.bare(sample)):
        check_storable(statement)


def readable(recorded: dict[str, Sample]) -> dict[str, Sample]:
    """Return the samples that are documents; some are recorded for being none."""
    found: dict[str, Sample] = {}
    for name, sample in recorded.items():
        with suppress(PayloadUnrecognised, ValueError, SyntaxError):
            document_of(said(sample))
            found[name] = sample
    return found


def _written(document: Any, text: bytes) -> bytes:
    return form_of(document) if is_form(text) else json.dumps(document).encode()


def document_of(text: bytes) -> Any:
    if is_xml(text):
        return tree_of(etree.fromstring(text, etree.XMLParser(resolve_entities=False)))
    return parse_form(text) if is_form(text) else json.loads(text)


def said(sample: Sample) -> bytes:
    """Return the document of a sample: its body, or its query where it has none."""
    return sample.body or sample.query.encode("latin-1")


def is_form(text: bytes) -> bool:
    return not text.lstrip().startswith((b"{", b"["))


def form_of(document: Any) -> bytes:
    """Return the form of a tree, whatever it has become; an empty object or list leaves none."""
    return body_of(written(document)) if isinstance(document, dict) else b"x"


def is_xml(text: bytes) -> bool:
    return text.startswith(b"<")


def tree_of(element: Any) -> Any:
    """Return an element as a tree that can be mutated: its name, attributes, text and elements."""
    inside = [tree_of(one) for one in element]
    return [element.tag, dict(element.attrib), element.text or "", inside]


def xml_of(tree: Any) -> bytes:
    """Return the XML of a tree, whatever it has become; what is no name or text is left out."""
    try:
        return bytes(etree.tostring(_element_of(tree), encoding="UTF-8", xml_declaration=True))
    except (AttributeError, TypeError, ValueError):
        return str(tree).encode()


def _element_of(tree: Any) -> Any:
    tag, attributes, text, inside = tree
    element = etree.Element(tag, {key: str(value) for key, value in attributes.items()})
    element.text = str(text)
    for one in inside:
        with suppress(AttributeError, TypeError, ValueError):
            element.append(_element_of(one))
    return element


#: What may stand in a description somewhere.
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, "", "$", "@", "^", "$[*]", "@[*]", "@.items[*]", "^.sum", "sale", "ignored",
     [], {}, ["$"], {"value": None}, {"value": []}, {"path": "@"}, {"path": []}, {"join": ["@"]},
     {"each": "@"}, {"path": "@.sum", "map": {"1": None}}, "%Y-%m-%d", "address", "form", "я" * 400]
)  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_description_is_refused_or_reads_every_body(data: st.DataObject) -> None:
    document = json.loads(samples.settings("custom")["description"])
    for _ in range(data.draw(st.integers(1, 2))):
        document = mutated(data, document, ODD)
    try:
        provider = PROVIDERS["custom"].of({"description": json.dumps(document)})
    except SettingUnusable:
        return

    for sample in samples.load("custom").values():
        for statement in read(provider, samples.signed(sample, provider)):
            check_storable(statement)


ASKED = [provider for provider in HEARD if provider.api is not None]


@pytest.mark.parametrize("provider", ASKED, ids=lambda provider: provider.slug)
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_answer_is_read_or_refused(provider: Provider, data: st.DataObject) -> None:
    recorded = samples.load_answers(provider.slug)
    document = json.loads(recorded[data.draw(st.sampled_from(sorted(recorded)))])
    for _ in range(data.draw(st.integers(1, 3))):
        document = mutated(data, document)

    for statement in read(provider, samples.answered(json.dumps(document).encode())):
        check_storable(statement)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_bytes_of_any_kind_are_parsed_or_refused(body: bytes) -> None:
    for provider in HEARD:
        read(provider, Delivery("POST", "", "", {}, body, ""))
    with suppress(IntegrationError):
        parse_json(body)
