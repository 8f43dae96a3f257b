"""Secrets in JSON that stands in a text of JSON are cut where they were spelled."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.redaction import cut

PATHS = ("data.token", "list.*.deep.er.key")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb'{"data":"{\"a\":1,\"token\":\"T\"}","x": 1.10}', rb"\"[cut]\""),
        (rb'{"data":"{\"a\":1,\"token\":{\"T\":[1,2]}}"}', rb"\"[cut]\""),
        (rb'{"data":"{\u0022a\":\"\u0430\n\\\\\",\"token\":17 }"}', rb"\"[cut]\""),
        (rb'{"data":"{\"t\\u006fken\":\"T\\\"\",\"a\":\"\\\"\"}"}', rb"\"[cut]\""),
        (rb'{"data": "  {\"token\":\"T', None),  # no end of the text: nobody reads it
        (rb'{"data":"{\"token\":\"T\""}', rb"\"[cut]\""),
        (rb'{"data":"\"token\""}', None),
        (rb'{"data":["{\"token\":1}"]}', None),
        (rb'{"data":{"token":"T"}}', rb'"[cut]"'),
        (rb'{"list":[{"deep":"{\"er\":\"{\\\"key\\\":true}\"}"}]}', rb"\\\"[cut]\\\""),
        (rb'["{\"token\":1}"]', None),
        (rb'"{\"data\":{\"token\":1}}"', None),  # a text is no delivery of anybody
    ],
)
def test_a_declared_value_inside_a_text_is_cut_and_no_other_byte_changes(
    body: bytes, expected: bytes | None
) -> None:
    left, found = cut(body, PATHS)

    assert bool(found) is (expected is not None)
    if expected is None:
        assert left == body
    else:
        before, after = left.split(expected)
        assert body.startswith(before)
        assert body.endswith(after)
        assert b"T" not in left.replace(b"True", b"")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@settings(max_examples=50)
@given(_VALUES, _VALUES, st.booleans(), st.booleans())
def test_what_is_left_reads_the_same_but_for_the_value(
    value: Any, secret: Any, outer: bool, inner: bool
) -> None:
    text = json.dumps({"a": value, "token": secret, "b": value}, ensure_ascii=inner)
    body = json.dumps({"x": text, "data": text, "y": value}, ensure_ascii=outer)

    left, found = cut(body.encode(), ("data.token",))

    assert found == ["data.token"]
    told = json.loads(left)
    assert json.loads(told.pop("data")) == {"a": value, "token": "[cut]", "b": value}
    assert told == {"x": text, "y": value}


@given(st.binary(max_size=100), st.text(max_size=50))
def test_texts_of_any_kind_are_survived(raw: bytes, text: str) -> None:
    cut(b'{"data":"' + raw + b'"}', PATHS)
    cut(json.dumps({"data": text}).encode(), PATHS)


def test_texts_within_texts_are_followed_no_further_than_a_path_goes() -> None:
    text = "1"
    for _ in range(12):  # each doubles the marks of escape of the one within
        text = json.dumps({"data": text})

    assert cut(text.encode(), ("data.token",)) == (text.encode(), [])
