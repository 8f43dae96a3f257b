"""XML from strangers: read strictly, refused with a reason, and never at a price."""

import time
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .contract import IntegrationError, PayloadUnrecognised
from .reading import Reader
from .strict_xml import MAX_ATTRIBUTES, MAX_DEPTH, MAX_MARKS, boolean, each, number, parse_xml

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
MEGA = 4_000_000
#: No body may cost half a second (I14); a slow machine beside other work may take a few times that.
BOUND = 2.0


def parsed(text: str | bytes) -> Any:
    body = text.encode() if isinstance(text, str) else text
    return parse_xml(body, {"", "urn:known"})


def refused(text: str | bytes) -> str:
    with pytest.raises(PayloadUnrecognised) as caught:
        parsed(text)
    assert len(caught.value.reason) < 300
    return caught.value.path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<r/>", {"r": ""}),
        ("<r>a &amp; b &#1078;</r>", {"r": "a & b ж"}),
        ("<r><![CDATA[<a/>]]></r>", {"r": "<a/>"}),
        ("<r>6<!-- no word -->20</r>", {"r": "620"}),
        ("<r> <a>1</a>\n<b/> </r>", {"r": {"a": "1", "b": ""}}),
        ("<r><a>1</a><b/><a>2</a><a>3</a></r>", {"r": {"a": ["1", "2", "3"], "b": ""}}),
        (f'<r {XSI}><a xsi:nil="true"/><a xsi:nil="1"/></r>', {"r": {"a": [None, None]}}),
        (f'<r {XSI}><a xsi:nil="false"/></r>', {"r": {"a": ""}}),
        (f'<r {XSI} xsi:type="sf:Deal"><a/></r>', {"r": {"@type": "Deal", "a": ""}}),
        (f'<r {XSI} xsi:type="xsd:double">1.0</r>', {"r": "1.0"}),
        # Whatever prefix the sender likes; a name of another namespace is another name.
        ('<k:r xmlns:k="urn:known"><k:a>1</k:a></k:r>', {"r": {"a": "1"}}),
        ('<r xmlns="urn:known"><a xmlns="urn:x">1</a></r>', {"r": {"{urn:x}a": "1"}}),
        ('<?xml version="1.0" encoding="UTF-8"?><r/>', {"r": ""}),
        ("<?xml version='1.0' encoding = 'utf-8' ?><r/>", {"r": ""}),
    ],
)
def test_a_document_becomes_objects_lists_and_texts(text: str, expected: Any) -> None:
    assert parsed(text) == expected


def test_a_name_without_a_namespace_is_none_of_an_expected_one() -> None:
    assert parse_xml(b"<r/>", {"urn:known"}) == {"{}r": ""}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "$"),
        (" \n ", "$"),
        ("no xml", "$"),
        ("{}", "$"),
        ("<r>", "$"),
        ("<r><a></r></a>", "$"),
        ("<r/><r/>", "$"),
        ("<r/>more", "$"),
        (' <?xml version="1.0"?><r/>', "$"),
        ('<r a="1" a="2"/>', "$"),
        ("<k:r/>", "$"),
        ("<r>&nbsp;</r>", "$"),
        ("<r>\0</r>", "$"),
        ("<r>&#0;</r>", "$"),
        ("<r>&#xd800;</r>", "$"),
        ("<r>\x07</r>", "$"),
        ("<r><?php 1?></r>", "$"),
        ("<r><a>text<b/></a></r>", "r.a"),
        ("<!DOCTYPE r><r/>", "$"),
    ],
)
def test_what_parsers_disagree_on_is_refused(text: str, path: str) -> None:
    assert refused(text) == path


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="UTF-16"?>'])
def test_F66_another_encoding_is_refused(coding: str, declared: str) -> None:
    assert refused((declared + "<r>ж</r>").encode(coding)) == "$"


@pytest.mark.parametrize(
    "coding", ["UTF-16", "ISO-8859-1", "windows-1251", "utf-7", "US-ASCII", "none such", ""]
)
def test_F66_a_declaration_of_another_encoding_than_the_real_one_is_refused(coding: str) -> None:
    assert refused(f'<?xml version="1.0" encoding="{coding}"?><r>+AGE-</r>') == "$"


def test_F66_bytes_that_are_not_the_declared_utf_8_are_refused() -> None:
    text = '<?xml version="1.0" encoding="UTF-8"?><r>цена</r>'

    assert refused(text.encode("windows-1251")) == "$"


def laughs(entities: int, of: int, inside: str) -> str:
    """Return a document whose entities stand for many of the one before."""
    names = [f"e{number}" for number in range(entities)]
    lines = [f'<!ENTITY {names[0]} "{inside}">']
    lines += [f"<!ENTITY {name} '" + f"&{before};" * of + "'>" for before, name in pairwise(names)]
    return "<!DOCTYPE r [" + "".join(lines) + f"]><r>&{names[-1]};</r>"


def with_attributes(name: str, count: int) -> str:
    """Return an element with so many attributes."""
    return "<r " + " ".join(f'{name}{number}="1"' for number in range(count)) + "/>"


BOMBS: dict[str, str | bytes] = {
    "billion laughs": laughs(10, 10, "lol"),
    "quadratic blow-up": laughs(2, 10_000, "x" * 100_000),
    "external entity": '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r>&a;</r>',
    "external entity over http": '<!DOCTYPE r [<!ENTITY a SYSTEM "http://127.0.0.1:1/">]><r>&a;</r>',
    "parameter entity": '<!DOCTYPE r [<!ENTITY % a SYSTEM "http://127.0.0.1:1/"> %a;]><r/>',
    "external dtd": '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/r.dtd"><r/>',
    "public dtd": '<!DOCTYPE r PUBLIC "-//x//y" "http://127.0.0.1:1/r.dtd"><r/>',
    "default attributes": '<!DOCTYPE r [<!ATTLIST r a CDATA "1">]><r/>',
    "a dtd without end": "<!DOCTYPE r [" + "<!ENTITY a 'b'>" * 200_000,
    "4 MB of nested elements": "<a>" * (MEGA // 3),
    "4 MB of nested and closed elements": "<a>" * (MEGA // 7) + "</a>" * (MEGA // 7),
    "4 MB of siblings": "<r>" + "<a/>" * (MEGA // 4) + "</r>",
    "4 MB of attributes": with_attributes("a", MEGA // 11),
    "4 MB of namespaces": with_attributes("xmlns:a", MEGA // 17),
    "4 MB of comments": "<r>" + "<!---->" * (MEGA // 7) + "</r>",
    "4 MB of instructions": "<r>" + "<?a?>" * (MEGA // 5) + "</r>",
    "4 MB of a name": f"<{'a' * MEGA}/>",
    "4 MB of an open tag": "<r " + " " * MEGA,
    "4 MB of an open attribute": '<r a="' + "x" * MEGA,
    "4 MB of an open comment": "<r><!--" + "-" * MEGA,
    "4 MB of open CDATA": "<r><![CDATA[" + "]" * MEGA,
    "4 MB of brackets": "<" * MEGA,
    "4 MB of an open declaration": "<?xml " + "encoding " * (MEGA // 9),
}


@pytest.mark.parametrize("name", BOMBS)
def test_F69_F88_a_bomb_is_refused_at_once(name: str) -> None:
    begun = time.process_time()

    assert refused(BOMBS[name]) == "$"

    assert time.process_time() - begun < BOUND


@pytest.mark.parametrize(
    "text",
    [
        "<r>" + "x" * MEGA + "</r>",
        "<r>" + "&#9;" * (MEGA // 4) + "</r>",
        "<r>" + "&amp;" * (MEGA // 5) + "</r>",
        "<r>" + "=" * MEGA + "</r>",
        "<r>" + "a=\t" * (MEGA // 3) + "</r>",
        "<r>" + "<a>1</a>" * ((MAX_MARKS - 2) // 2) + "</r>",
        with_attributes("a", MAX_ATTRIBUTES),
        "<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH,
    ],
    ids=lambda text: text[:8],
)
def test_what_is_long_and_plain_is_read_in_a_moment(text: str) -> None:
    begun = time.process_time()

    parsed(text)

    assert time.process_time() - begun < BOUND


def test_an_include_is_an_element_like_any_other() -> None:
    text = '<r xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="file:///etc/passwd"/></r>'

    assert parsed(text) == {"r": {"{http://www.w3.org/2001/XInclude}include": ""}}


ODD = st.text(alphabet="<>/r=\"' &;!?[]-:#x\n", max_size=60).map(str.encode)


@given(st.binary(max_size=80) | ODD)
def test_bytes_of_any_kind_are_parsed_or_refused(body: bytes) -> None:
    with suppress(IntegrationError):
        parsed(body)
    with suppress(IntegrationError):
        parsed(b"<r>" + body + b"</r>")


def test_elements_are_gone_over_be_they_one_or_many() -> None:
    root = Reader(parsed("<r><one>1</one><two>1</two><two>2</two></r>"))["r"]

    assert [one.text() for one in each(root, "one")] == ["1"]
    assert [(one.path, one.text()) for one in each(root, "two")] == [
        ("r.two[0]", "1"),
        ("r.two[1]", "2"),
    ]
    assert list(each(root, "none")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("620.0", "620.00"),
        ("1.234567E7", "12345670.00"),
        ("-5.0E-1", "-0.50"),
        ("1.0E12", "1000000000000.00"),
        ("1.0E13", None),
        ("1.0E99", None),
        ("1e5", None),
        ("12.0E5", None),
        ("NaN", None),
        ("INF", None),
        ("", None),
    ],
)
def test_a_double_is_read_to_the_last_digit_or_refused(text: str, expected: str | None) -> None:
    found = number(Reader({"a": text}), "a")
    assert found is not None

    if expected is not None:
        assert str(found.amount("USD")) == expected
        return
    with pytest.raises(PayloadUnrecognised) as caught:
        found.amount("USD")
    assert caught.value.path == "a"


def test_true_and_false_are_spelled_in_two_ways() -> None:
    assert [boolean(Reader(text)) for text in ("true", "1", "false", "0")] == [
        *(True, True),
        *(False, False),
    ]
    with pytest.raises(PayloadUnrecognised):
        boolean(Reader("TRUE"))
