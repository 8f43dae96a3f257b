"""The bytes of a JSON text laid out line by line, and the place of a path in them.

Nothing is parsed into values: what is broken, said twice or too deep for a parser shows as it
came. One pass over the bytes, no recursion, and memory for the path alone.
"""

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from integrations.strict import child_path

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
#: A string that never ends is one token to the end of the body.
_TOKEN = re.compile(_STRING + rb'|[{}\[\],:]|[^\s{}\[\],:"]++|".*', re.DOTALL)
_BRACKET = re.compile(_STRING + rb'|[{}\[\]]|".*', re.DOTALL)
_OPENING, _CLOSING = (b"{", b"["), (b"}", b"]")
#: A deeper level is indented no further.
_DEEPEST = 20
#: Bytes that are searched: brackets alone, the worst there is, take about a second.
_SEARCHED = 2_000_000
#: How many tokens before a value its surroundings begin.
_SURROUNDINGS = 80


class Spot(NamedTuple):
    """Where a token begins, and how many brackets are open before it."""

    start: int
    depth: int


class Span(NamedTuple):
    """A value: its path, where its bytes begin and end, and where to begin to show them."""

    path: str
    start: int
    end: int
    before: Spot


class Row(NamedTuple):
    """One line of the layout: where its bytes begin, and what it says."""

    start: int
    text: bytes


def rows(body: bytes, spot: Spot = Spot(0, 0)) -> Iterator[Row]:  # noqa: B008
    """Lay the text out from a token on: one line for each member, item and bracket."""
    depth, start, line = spot.depth, spot.start, b""
    for match in _TOKEN.finditer(body, spot.start):
        token = match[0]
        if token in _CLOSING:
            if line:
                yield Row(start, line)
            depth, line = max(depth - 1, 0), b""
        if not line:
            start, line = match.start(), b"  " * min(depth, _DEEPEST)
        line += token + b" " * (token == b":")
        if token in _OPENING or token == b",":
            yield Row(start, line)
            depth, line = depth + (token != b","), b""
    if line:
        yield Row(start, line)


@dataclass(slots=True)
class _Frame:
    """An open object or list on the way to the place."""

    path: str
    start: int
    is_list: bool
    index: int = 0
    key: str | None = None


class _Search:
    """Follows a path down. Only what lies on the way is remembered."""

    def __init__(self, body: bytes, path: str, position: int) -> None:
        self.body = body
        self.wanted = "" if path == "$" else path
        self.position = position
        self.best: Span | None = None
        self.way: list[_Frame] = []
        self.passed: deque[Spot] = deque(maxlen=_SURROUNDINGS)

    def run(self) -> Span | None:
        """Return the value, or the nearest one above it."""
        at = 0
        while match := _TOKEN.search(self.body, at):
            start, at, token = match.start(), match.end(), match[0]
            self.passed.append(Spot(start, len(self.way)))
            if token in _CLOSING:
                self._close(at)
            elif token == b",":
                self._next()
            elif token != b":" and not self._value(start, token):
                at = self._pass_over(start)
        return self.best

    def _close(self, end: int) -> None:
        if self.way:
            frame = self.way.pop()
            if self.best and self.best.start == frame.start:
                self.best = self.best._replace(end=end)

    def _next(self) -> None:
        if self.way:
            self.way[-1].index += 1
            self.way[-1].key = None

    def _value(self, start: int, token: bytes) -> bool:
        """Look at a key or a value; False where an object or list leads elsewhere."""
        frame = self.way[-1] if self.way else None
        if frame and not frame.is_list and frame.key is None:
            frame.key = _name(token)
            return True
        path = self._path(frame)
        if path is None:
            return token not in _OPENING
        if self.best is None or len(path) >= len(self.best.path):
            self.best = Span(path, start, start + len(token), self.passed[0])
        if token in _OPENING:
            self.way.append(_Frame(path, start, token == b"["))
        return True

    def _path(self, frame: _Frame | None) -> str | None:
        """Return the path of a value below the frame, None where it leads elsewhere."""
        if frame is None:
            return "" if self.best is None else None
        if frame.is_list and len(self.way) == 1 and not self.wanted.startswith("["):
            # Each item of an outermost list is an event of its own, with paths of its own.
            return "" if frame.index == self.position else None
        path = child_path(frame.path, frame.index if frame.is_list else frame.key)
        leads = self.wanted == path or self.wanted.startswith((f"{path}.", f"{path}["))
        return path if leads else None

    def _pass_over(self, start: int) -> int:
        """Return where the object or list that begins here ends."""
        depth = 0
        for match in _BRACKET.finditer(self.body, start):
            token = match[0]
            if token in _OPENING:
                self.passed.append(Spot(match.start(), len(self.way) + depth))
                depth += 1
            elif token in _CLOSING:
                self.passed.append(Spot(match.start(), len(self.way) + depth))
                depth -= 1
                if not depth:
                    return match.end()
        return len(self.body)


def _name(token: bytes) -> str:
    """Return the name that a key spells, or its bytes as they are where it spells none."""
    text = token.decode("utf-8", "backslashreplace")
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')


def find(body: bytes, path: str, position: int = 0) -> Span | None:
    """Return the value at a path, else the nearest one above it; None where there is no value.

    ``position`` is that of the event in a body that is a list of events. Only the first two
    megabytes are searched.
    """
    return _Search(body[:_SEARCHED], path, position).run()
