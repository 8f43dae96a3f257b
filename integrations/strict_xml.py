"""Strict XML: no DTD, no entities of its own, nothing fetched, and bounds on all that costs time.

    <n><Id>7</Id><o xsi:type="sf:Deal"><Sum>5.0</Sum><Note xsi:nil="true"/></o></n>
    →   {"n": {"Id": "7", "o": {"@type": "Deal", "Sum": "5.0", "Note": None}}}

An element with elements in it becomes an object, any other its text; what occurs twice in one
parent becomes a list. Names of expected namespaces are plain, whatever their prefix, and all others
are spelled ``{namespace}name``, so that nobody takes one for the other.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from lxml import etree

from .contract import PayloadUnrecognised
from .reading import Reader
from .strict import decoded

MAX_DEPTH = 64
#: Tags, comments, instructions: a hundred records of five hundred fields have as many.
MAX_MARKS = 100_000
MAX_ATTRIBUTES = 20_000
#: Under which the type of a record stands, where ``xsi:type`` names one.
TYPE = "@type"

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DECLARATION = re.compile(r"<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([^\"']*)[\"']")
_ATTRIBUTE = re.compile(rb"=\s{0,8}[\"']")
_TRUE = frozenset({"true", "1"})
#: How Java writes a double from ten million on, and below a thousandth.
_DOUBLE = re.compile(r"-?[0-9]\.[0-9]{1,17}E-?[0-9]{1,2}")


def parse_xml(body: bytes, namespaces: Collection[str]) -> dict[str, Any]:
    """Parse an XML document into objects, lists, texts and None; its root is the only member.

    Raises PayloadUnrecognised for what is not well-formed UTF-8 (a BOM, UTF-16 and a declaration of
    another encoding included), has a DTD, an undeclared prefix, text between elements, nests deeper
    than 64, or has more than 100 000 tags or 20 000 attributes.
    """
    _check(body)
    parser = etree.XMLParser(
        target=_Tree(frozenset(namespaces)),
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
    )
    try:
        found: dict[str, Any] = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise _not_xml(error.msg) from None
    if parser.error_log:  # an undeclared prefix is forgiven, and only noted here
        raise _not_xml(parser.error_log[0].message)
    return found


def each(parent: Reader, key: str) -> Iterator[Reader]:
    """Go over the elements of a name, be there one, many or none."""
    child = parent.get(key)
    if child is None:
        return
    yield from child if type(child.value) is list else (child,)


def number(parent: Reader, key: str) -> Reader | None:
    """Return a number that may be written as a double (``1.234E7``), None where there is none."""
    child = parent.get(key)
    if child is None or type(child.value) is not str or not _DOUBLE.fullmatch(child.value):
        return child
    return Reader(Decimal(child.value), key, parent)


def boolean(reader: Reader) -> bool:
    """Return true or false, as XML spells them."""
    return reader.one_of(_TRUE | {"false", "0"}) in _TRUE


def _check(body: bytes) -> None:
    """Refuse by a look at the bytes what the parser would take, or take too long over."""
    text = decoded(body)
    declared = _DECLARATION.match(text)
    if declared and declared[1].lower() not in ("utf-8", "utf8"):
        raise PayloadUnrecognised("$", "declares an encoding other than UTF-8")
    if body.count(b"<") > MAX_MARKS:
        raise PayloadUnrecognised("$", f"more than {MAX_MARKS} tags")
    if body.count(b"=") > MAX_ATTRIBUTES and len(_ATTRIBUTE.findall(body)) > MAX_ATTRIBUTES:
        raise PayloadUnrecognised("$", f"more than {MAX_ATTRIBUTES} attributes")


def _not_xml(reason: str | None) -> PayloadUnrecognised:
    return PayloadUnrecognised("$", f"not XML: {(reason or 'malformed')[:200].strip()}")


class _Element:
    """An element that is not closed yet."""

    __slots__ = ("is_nil", "members", "name", "texts", "type")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.type = attributes.get(f"{{{_XSI}}}type")
        self.is_nil = attributes.get(f"{{{_XSI}}}nil") in _TRUE
        self.members: dict[str, Any] = {}
        self.texts: list[str] = []

    def add(self, name: str, value: Any) -> None:
        """Keep what stands in it; of a name that occurs again, a list of all."""
        found = self.members.get(name)
        if type(found) is list:
            found.append(value)
        else:
            self.members[name] = [found, value] if name in self.members else value


class _Tree:
    """Takes what the parser finds, and stops it at the first thing that is refused."""

    def __init__(self, namespaces: Collection[str]) -> None:
        self._namespaces = namespaces
        self._open = [_Element("", {})]

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self._open) > MAX_DEPTH:
            raise PayloadUnrecognised("$", f"nested deeper than {MAX_DEPTH}")
        self._open.append(_Element(self._named(tag), attributes))

    def end(self, tag: str) -> None:
        closed = self._open.pop()
        self._open[-1].add(closed.name, self._value(closed))

    def data(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def comment(self, text: str) -> None:
        """Comments say nothing."""

    def pi(self, target: str, text: str | None = None) -> None:
        raise PayloadUnrecognised("$", "a processing instruction")

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise PayloadUnrecognised("$", "a DTD")

    def close(self) -> dict[str, Any]:
        return self._open[0].members

    def _named(self, tag: str) -> str:
        namespace, _, name = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
        return name if namespace in self._namespaces else f"{{{namespace}}}{name}"

    def _value(self, closed: _Element) -> Any:
        text = "".join(closed.texts)
        if not closed.members:
            return None if closed.is_nil and not text.strip() else text
        if text.strip():
            place = ".".join(one.name for one in (*self._open[1:], closed))
            raise PayloadUnrecognised(place, "text between elements")
        if closed.type is None:
            return closed.members
        return {TYPE: closed.type.rpartition(":")[2], **closed.members}
