"""A body at the failing path: found without parsing, whatever the body is, and safe to print."""

import json
import time
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.strict import child_path

from .excerpts import AFTER, BEFORE, Form, excerpt
from .laying import find, rows

ORDER = b'{"data": {"object": {"id": "o-1", "total": "12,50", "note": "a: b, {c"}}, "v": 1}'


def marked(body: bytes, path: str, kind: str = "application/json", position: int = 0) -> str:
    shown = [line.text.strip() for line in excerpt(body, kind, path, position).lines if line.marked]
    assert len(shown) == 1
    return shown[0]


def test_the_value_at_the_path_stands_marked_among_its_neighbours() -> None:
    shown = excerpt(ORDER, "application/json", "data.object.total")

    assert [f"{'>' if line.marked else ' '}{line.text}" for line in shown.lines] == [
        " {",
        '   "data": {',
        '     "object": {',
        '       "id": "o-1",',
        '>      "total": "12,50",',
        '       "note": "a: b, {c"',
        "     }",
        "   },",
        '   "v": 1',
        " }",
    ]
    assert (shown.found, shown.exact, shown.value) == ("data.object.total", True, '"12,50"')
    assert shown.offset is not None
    assert ORDER[shown.offset :].startswith(b'"12,50"')


def test_what_is_missing_marks_the_nearest_place_above_it() -> None:
    shown = excerpt(ORDER, "application/json", "data.object.currency")

    assert (shown.found, shown.exact) == ("data.object", False)
    assert marked(ORDER, "data.object.currency") == '"object": {'
    assert marked(ORDER, "$") == "{"


@pytest.mark.parametrize(
    ("path", "position", "line"),
    [
        ("total", 0, '"total": 1'),
        ("total", 1, '"total": "x"'),
        ("[0].total", 1, '"total": 1'),
        ("lines[1].tax", 1, '"tax": "bad"'),
    ],
)
def test_each_event_of_a_list_has_paths_of_its_own(path: str, position: int, line: str) -> None:
    body = b'[{"total": 1}, {"lines": [{"tax": 0}, {"tax": "bad"}], "total": "x"}]'

    assert marked(body, path, position=position) == line


@pytest.mark.parametrize(
    ("body", "path", "line"),
    [
        (b'{"a": 1, "a": 2}', "a", '"a": 2'),
        (b'{"a": {"b": 1', "a.b", '"b": 1'),
        (b'{"a": tru', "a", '"a": tru'),
        (b'{"a": "no end', "a", '"a": "no end'),
        (b'\xef\xbb\xbf{"a": 1}', "a", '"a": 1'),
        (b'{"\xff": 1, "a": "\xff"}', "a", '"a": "\\xff"'),
        (b'{"\\u0061": 3}', "a", '"\\u0061": 3'),
        (b"[]]]}", "$", "["),
        ('{"т.с": {"[0]": 5}}'.encode(), "т.с.[0]", '"[0]": 5'),
    ],
)
def test_what_no_parser_takes_is_shown_as_it_came(body: bytes, path: str, line: str) -> None:
    assert marked(body, path) == line


def test_nothing_that_moves_a_cursor_or_turns_text_round_is_printed() -> None:
    body = '{"name": "\x1b[2J\u202etxt", "b": "\x07"}'.encode()

    for text in (line.text for line in excerpt(body, "", "name").lines):
        assert text.isprintable()
    assert marked(body, "name") == '"name": "\\x1b[2J\\u202etxt",'


def test_a_form_marks_the_field() -> None:
    body = b"id=7&total=12%2C50+%D1%80&x=" + b"y" * 5000
    kind = "application/x-www-form-urlencoded; charset=utf-8"

    assert excerpt(body, kind, "total").form is Form.FORM
    assert marked(body, "total", kind) == "total = 12,50 р"
    assert [line.marked for line in excerpt(body, kind, "$").lines] == [False] * 3
    assert max(len(line.text) for line in excerpt(body, kind, "$").lines) < 400


@pytest.mark.parametrize(
    ("body", "form", "first"),
    [
        (b"", Form.EMPTY, None),
        (b" \r\n", Form.EMPTY, None),
        ("<чек>\n<b/>".encode(), Form.TEXT, "<чек>"),
        (
            b"\x1f\x8b\x08\x00ab",
            Form.BINARY,
            "000000  1f 8b 08 00 61 62                                ....ab",
        ),
        ("привет".encode("utf-16"), Form.BINARY, None),
    ],
)
def test_what_is_no_json_is_shown_as_text_or_hex(
    body: bytes, form: Form, first: str | None
) -> None:
    shown = excerpt(body, "text/plain", "data.id")

    assert (shown.form, shown.found, shown.size) == (form, None, len(body))
    if first is not None:
        assert shown.lines[0].text.replace("  ", " ") == first.replace("  ", " ")


@pytest.mark.parametrize(
    ("body", "path", "exact"),
    [
        (b"[" * 5_000_000, "a.b", False),
        (b'{"a":' * 1_000_000, "a.a.a.b", False),
        (b'{"k":"' + b'\\"' * 2_500_000, "k", True),
        (b'{"k":"' + b"x" * 1_900_000 + b'","z":1}', "z", True),
        (b'{"l":[' + b'{"t":1},' * 600_000 + b'{"t":2}]}', "l[600000].t", False),
        (b"\n" * 5_000_000 + b'{"a":1}', "a", False),
        (b"a=1&" * 1_250_000, "b", False),
        (b"\xff" * 5_000_000, "a", False),
    ],
)
def test_a_huge_body_costs_bounded_time_and_gives_a_bounded_excerpt(
    body: bytes, path: str, exact: bool
) -> None:
    started = time.process_time()
    shown = excerpt(body, "application/x-www-form-urlencoded", path)

    assert time.process_time() - started < 30
    assert shown.exact is exact
    assert len(shown.lines) <= max(BEFORE + AFTER + 1, 32)
    assert sum(len(line.text) for line in shown.lines) < 20_000


#: No dots and brackets: with them a path may mean two places.
KEYS = st.text('abт"\\ \n', min_size=1)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, VALUES, min_size=1), st.data())
def test_every_place_of_every_document_is_found_where_it_is(
    value: dict[str, Any], data: st.DataObject
) -> None:
    path, node = "", cast("Any", value)
    while isinstance(node, dict | list) and node and (not path or data.draw(st.booleans())):
        key = data.draw(
            st.sampled_from(list(node) if isinstance(node, dict) else [*range(len(node))])
        )
        path, node = child_path(path, key), node[key]
    body = json.dumps(value, ensure_ascii=data.draw(st.booleans())).encode()

    span = find(body, path)

    assert span is not None
    assert span.path == path
    assert json.loads(body[span.start : span.end]) == node
    laid = b"\n".join(row.text for row in rows(body))
    assert json.loads(laid) == value
