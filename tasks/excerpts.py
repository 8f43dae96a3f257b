"""A body beside the place in it that could not be read: a few lines, one of them marked.

Pure functions from bytes to text that is safe to print: bounded, without control characters.
Whatever a body is, something of it is shown: JSON, a form, text, else its bytes as hex.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from urllib.parse import unquote_plus

from . import laying
from .laying import Row, Span

#: Lines shown before and after the marked one, and of a body without a place.
BEFORE, AFTER = 8, 12
_WIDEST = 300
_VALUE_LIMIT = 2000
_FORM_FIELDS = 1000
_HEX_BYTES, _HEX_WIDTH = 512, 16
_BOM = b"\xef\xbb\xbf"
#: A text of which only the beginning is looked at.
_TEXT_BYTES = 65536


class Form(StrEnum):
    """What a body looks like."""

    JSON = "json"
    FORM = "form"
    TEXT = "text"
    BINARY = "binary"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an excerpt."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """What is shown of a body.

    ``found`` is the place that is marked: the wanted one where ``exact``, else the nearest above
    it; None where the body has no places. ``value`` is what stands there, cut if it is long;
    ``offset`` counts the bytes before it.
    """

    form: Form
    size: int
    lines: tuple[Line, ...]
    found: str | None = None
    exact: bool = False
    value: str | None = None
    offset: int | None = None


def excerpt(body: bytes, content_type: str, path: str, position: int = 0) -> Excerpt:
    """Show the place ``path`` of a body; ``position`` is its event's in a list of events."""
    if not body.strip():
        return Excerpt(form=Form.EMPTY, size=len(body), lines=())
    if body.removeprefix(_BOM).lstrip()[:1] in (b"{", b"["):
        return _of_json(body.replace(_BOM, b"   ", 1), path, position)
    text = _text(body)
    if text is None:
        return Excerpt(form=Form.BINARY, size=len(body), lines=tuple(_hex(body)))
    if "form-urlencoded" in content_type.lower():
        return _of_form(body, path)
    kept = text.split("\n", BEFORE + AFTER + 1)[: BEFORE + AFTER + 1]
    return Excerpt(form=Form.TEXT, size=len(body), lines=tuple(Line(_shown(line)) for line in kept))


def printable(text: str) -> str:
    """Return text in which nothing can move a cursor, ring a bell or turn the direction round."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _shown(text: str, limit: int = _WIDEST) -> str:
    rest = f"… (+{len(text) - limit})" if len(text) > limit else ""
    return printable(text[:limit]) + rest


def _decoded(raw: bytes, limit: int) -> str:
    # Four bytes a character at most: a megabyte is not decoded to show a line of it.
    text = raw[: 4 * limit].decode("utf-8", "backslashreplace")
    rest = f"… (+{len(raw) - limit})" if len(raw) > 4 * limit else ""
    return _shown(text, limit) + rest


def _text(body: bytes) -> str | None:
    """Return the beginning of a body as text, None where it is none."""
    head = body[:_TEXT_BYTES].removeprefix(_BOM)
    try:
        # A character cut in half at the end is no reason for hex.
        text = head.decode("utf-8", "strict" if len(body) <= _TEXT_BYTES else "ignore")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _of_json(body: bytes, path: str, position: int) -> Excerpt:
    span = laying.find(body, path, position)
    return Excerpt(
        form=Form.JSON,
        size=len(body),
        lines=tuple(_around(body, span)),
        found=None if span is None else span.path or "$",
        exact=span is not None and span.path == ("" if path == "$" else path),
        value=None if span is None else _decoded(body[span.start : span.end], _VALUE_LIMIT),
        offset=None if span is None else span.start,
    )


def _around(body: bytes, span: Span | None) -> Iterator[Line]:
    """Return the lines around the one in which the value begins."""
    if span is None:
        yield from (Line(_laid(row)) for row in islice(laying.rows(body), BEFORE + AFTER + 1))
        return
    before: deque[Row] = deque(maxlen=BEFORE + 1)
    following: list[Row] = []
    rows = laying.rows(body, span.before)
    for row in rows:
        if row.start > span.start and before:
            following = [row, *islice(rows, AFTER - 1)]
            break
        before.append(row)
    *earlier, marked = before
    yield from (Line(_laid(row)) for row in earlier)
    yield Line(_laid(marked), marked=True)
    yield from (Line(_laid(row)) for row in following)


def _laid(row: Row) -> str:
    return _decoded(row.text, _WIDEST)


def _of_form(body: bytes, path: str) -> Excerpt:
    pairs = [pair.partition(b"=") for pair in body.split(b"&", _FORM_FIELDS)[:_FORM_FIELDS]]
    fields = [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]
    at = next((n for n, (name, _) in enumerate(fields) if name and name == path), None)
    first = max(0, (at or 0) - BEFORE)
    shown = fields[first : (at or 0) + AFTER + 1]
    return Excerpt(
        form=Form.FORM,
        size=len(body),
        lines=tuple(
            Line(_shown(f"{name} = {value}"), number == at)
            for number, (name, value) in enumerate(shown, first)
        ),
        found=None if at is None else fields[at][0],
        exact=at is not None,
        value=None if at is None else _shown(fields[at][1], _VALUE_LIMIT),
    )


def _unquoted(raw: bytes) -> str:
    return unquote_plus(raw[:_TEXT_BYTES].decode("latin-1"), errors="backslashreplace")


def _hex(body: bytes) -> Iterator[Line]:
    for start in range(0, min(len(body), _HEX_BYTES), _HEX_WIDTH):
        piece = body[start : start + _HEX_WIDTH]
        # ASCII alone: a byte of another alphabet means nothing without its encoding.
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        yield Line(f"{start:06x}  {piece.hex(' '):<47}  {letters}")
