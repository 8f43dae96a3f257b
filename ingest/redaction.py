"""Cutting declared values out of a JSON, form or XML body, leaving every other byte as it came."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from integrations.contract import Provider

from .redaction_forms import cut_form
from .redaction_texts import inside
from .redaction_xml import cut_xml

CUT = b'"[cut]"'
_FORM = "application/x-www-form-urlencoded"
_QUOTE = ord('"')
_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"

_TOKEN = re.compile(
    rb'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>[{}\[\]:,])|(?P<scalar>[^\s{}\[\]:,"]+))', re.S
)


class Span(NamedTuple):
    """A value of the body: its path, and where its bytes begin and end."""

    path: str
    start: int
    end: int


class Edit(NamedTuple):
    """What is to stand in place of some bytes, and the path of the value that stood there."""

    start: int
    end: int
    instead: bytes
    path: str


def cut(body: bytes, paths: Sequence[str], content_type: str = "") -> tuple[bytes, list[str]]:
    """Return the body without the values at these paths, and the paths that were cut.

    A path is dotted names, ``*`` for every item of a list: ``data.object.token``, ``items.*.key``.
    It goes on inside a text that is JSON itself: ``data.token``, where ``data`` is such a text. In
    a form, ``auth[token]=…`` is ``auth.token``, and a path cuts all that stands below it. In XML,
    its last name cuts every element of that name. Of a body that is JSON or a form only to a point,
    what stands before that point is cut; what says that it is one and looks like the other is cut
    as both.
    """
    wanted = {path.removeprefix("$.").replace("[*]", ".*") for path in paths}
    begins = body.lstrip(_BEFORE_JSON)[:1]
    looks_like_json, looks_like_xml = begins in (b"{", b"[", b'"'), begins == b"<"
    says_form = content_type.partition(";")[0].strip().lower() == _FORM
    found: set[str] = set()
    if says_form or not (looks_like_json or looks_like_xml):
        body, found = cut_form(body, wanted)
    if looks_like_json or not (says_form or looks_like_xml):
        body, more = _cut_json(body, wanted)
        found |= more
    if not looks_like_json:
        body, more = cut_xml(body, wanted)
        found |= more
    return body, sorted(found)


def cut_all(
    provider: Provider, query: bytes, body: bytes, content_type: str
) -> tuple[bytes, bytes, str]:
    """Return query and body without what the provider declares as secret, and the paths cut, a
    line each. A query is cut where it is read."""
    if not provider.redacted:
        return query, body, ""
    body, found = cut(body, provider.redacted, content_type)
    if provider.reads_query:
        query, more = cut(query, provider.redacted, _FORM)
        found = sorted({*found, *more})
    return query, body, "\n".join(found)


def _cut_json(body: bytes, wanted: Collection[str]) -> tuple[bytes, set[str]]:
    names = {path.rsplit(".", 1)[-1].encode() for path in wanted} - {b"*"}
    if b"\\" not in body and not any(name in body for name in names):
        return body, set()
    found = sorted(_edits(body, wanted), key=lambda one: (one.start, -one.end))
    pieces, position = [], 0
    for edit in found:
        if edit.start >= position:  # else it lies in one that is cut whole
            pieces += [body[position : edit.start], edit.instead]
            position = edit.end
    return b"".join([*pieces, body[position:]]), {edit.path for edit in found}


def _edits(body: bytes, wanted: Collection[str]) -> Iterator[Edit]:
    """Go over what is to be cut of a JSON text, inside its texts too.

    Each text within a text takes a step of a path: no deeper than the longest path has steps.
    """
    deepest = max((path.count(".") for path in wanted), default=0) + 1
    for path, start, end in _values(body, deepest):
        if path in wanted:
            yield Edit(start, end, CUT, path)
        elif body[start] == _QUOTE and (below := _below(path, wanted)):
            text = inside(body[start + 1 : end - 1])
            for edit in _edits(text.plain, below):
                first, last = (start + 1 + text.place(at) for at in (edit.start, edit.end))
                instead = json.dumps(edit.instead.decode())[1:-1].encode()
                yield Edit(first, last, instead, f"{path}.{edit.path}")


def _below(path: str, wanted: Collection[str]) -> set[str]:
    """Return what is left of the paths that go on below this one."""
    return {one.removeprefix(f"{path}.") for one in wanted if one.startswith(f"{path}.")}


def _values(body: bytes, deepest: int) -> Iterator[Span]:
    """Walk over the values of a JSON text, as far as it is one, down to a depth.

    No recursion, and no path is made below that depth: its length would grow with every bracket.
    """
    opened: list[tuple[bool, str, str, int]] = []  # is a list, its name, its path, its start
    key: str | None = None
    position = 0
    while match := _TOKEN.match(body, position):
        position = match.end()
        mark = match["mark"]
        in_list = bool(opened) and opened[-1][0]
        if mark == b",":
            key = None
        elif mark in (b"}", b"]"):
            if not opened:
                return
            _, _, path, began = opened.pop()
            yield Span(path, began, position)
        elif opened and not in_list and key is None and match["string"]:
            key = _name(match["string"])
        elif mark != b":":
            name = "*" if in_list else (key or "")
            path = _path(opened, name) if len(opened) <= deepest else ""
            start = match.start(match.lastgroup or 0)
            if mark:
                opened.append((mark == b"[", name, path, start))
                key = None
            else:
                yield Span(path, start, position)


def _path(opened: Sequence[tuple[bool, str, str, int]], name: str) -> str:
    """Return the path of a value below these; the outermost value has none."""
    return ".".join([*(one[1] for one in opened[1:]), name]) if opened else ""


def _name(raw: bytes) -> str:
    """Return the name that a JSON string spells; one that nobody can read is nobody's path."""
    try:
        return str(json.loads(raw))
    except ValueError:
        return "\0"
