"""Paths: what they find and where, what is no path, and that nothing in a body makes them cost."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.reading import Reader, parse_json

from .paths import PathInvalid, parse

BODY: Any = parse_json(
    json.dumps(
        {
            "a": {"b": [1, 2.50, None]},
            "it's": 1,
            "x y": {"я": 2},
            "paid": [
                {"kind": "cash", "sum": 5, "ok": True},
                {"kind": "card", "sum": 7, "ok": False},
                {"sum": 5},
                "none",
            ],
            "by": {"one": {"n": 1}, "two": {"n": 2}},
        }
    ).encode()
)


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("$", ["$"]),
        ("$.a.b[0]", ["a.b[0]"]),
        ("$.a.b[-1]", ["a.b[2]"]),
        ("$.a.b[3]", []),
        ("$.a.b[*]", ["a.b[0]", "a.b[1]", "a.b[2]"]),
        ("$.a[0]", []),
        ("$.a.b.c", []),
        ("$['it\\'s']", ["it's"]),
        ('$["x y"].я', ["x y.я"]),
        ("$.by[*].n", ["by.one.n", "by.two.n"]),
        ("$.paid[?@.kind == 'cash'].sum", ["paid[0].sum"]),
        ('$.paid[?@.kind != "cash"]', ["paid[1]", "paid[2]", "paid[3]"]),
        ("$.paid[?@.sum==5.0]", ["paid[0]", "paid[2]"]),
        ("$.paid[?@.ok == true]", ["paid[0]"]),
        ("$.paid[?@.sum == true]", []),
        ("$.a.b[?@.c == null]", []),
    ],
)
def test_a_path_finds_values_with_their_places(path: str, places: list[str]) -> None:
    assert [one.path for one in parse(path).find(Reader(BODY))] == places


def test_numbers_stay_exact() -> None:
    (found,) = parse("$.sum").find(Reader(parse_json(b'{"sum": 9007199254740993.10}')))

    assert str(found.value) == "9007199254740993.10"


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a.b", "$a", "$.", "$..a", "$.a[", "$.a[x]", "$.a[1:2]", "$.a[?@.b]", "$.a b",
        "$.a[?@.b > 1]", "$.a[?@.b =~ 'x']", "$.a[?length(@.b) == 1]", "$.a[(@.length-1)]",
        "$['a\\x']", "$.a[9999999]", "$" + ".a" * 17, "$." + "a" * 300, "$.a[?$.b == 1]",
        "$.__import__('os')",
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(PathInvalid):
        parse(text)


def test_a_list_is_stated_although_it_is_empty() -> None:
    body = Reader({"items": [], "other": 5})

    assert parse("@.items[*]").is_stated(body)
    assert parse("@.items[?@.kind == 'x'].n").is_stated(body)
    for absent in ("@.lines[*]", "@.other[*]", "@.items[0].all[*]", "@.lines"):
        assert not parse(absent).is_stated(body)


@given(st.text("$@^.[]?*='\"ab 0-!<>()\\", max_size=40))
def test_any_text_is_a_path_or_is_refused(text: str) -> None:
    try:
        found = parse(text)
    except PathInvalid:
        return
    found.find(Reader(BODY))


def test_the_cost_of_a_path_is_bounded_by_the_body() -> None:
    wide = Reader([[{"a": 1}] * 100] * 500)
    path = parse("$[*][*][?@.a == 2]")
    started = time.process_time()

    assert path.find(wide) == []
    assert time.process_time() - started < 5
