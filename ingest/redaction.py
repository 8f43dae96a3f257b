"""Cutting declared values out of a JSON body, leaving every other byte as it came."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from integrations.contract import PayloadUnrecognised

CUT = b'"[cut]"'

_TOKEN = re.compile(
    rb'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>[{}\[\]:,])|(?P<scalar>[^\s{}\[\]:,"]+))', re.S
)


class Span(NamedTuple):
    """A value of the body: its path, and where its bytes begin and end."""

    path: str
    start: int
    end: int


def cut(body: bytes, paths: Sequence[str]) -> tuple[bytes, list[str]]:
    """Return the body without the values at these paths, and the paths that were cut.

    A path is dotted names, ``*`` for every item of a list: ``data.object.token``, ``items.*.key``.
    A body that is no JSON is returned as it is: nobody can say where a token would be in it.
    """
    names = {path.removeprefix("$.").rsplit(".", 1)[-1].encode() for path in paths}
    if b"\\" not in body and not any(name in body for name in names if name != b"*"):
        return body, []
    wanted = {path.removeprefix("$.").replace("[*]", ".*") for path in paths}
    try:
        found = [span for span in _values(body) if span.path in wanted]
    except PayloadUnrecognised:
        return body, []
    for span in sorted(found, key=lambda one: one.start, reverse=True):
        body = body[: span.start] + CUT + body[span.end :]
    return body, sorted({span.path for span in found})


def _values(body: bytes) -> Iterator[Span]:
    """Walk over every value of a JSON text, without recursion. Raises PayloadUnrecognised."""
    open_values: list[tuple[str, int]] = []
    in_list: list[bool] = []
    names: list[str] = []
    key: str | None = None
    position = 0
    while match := _TOKEN.match(body, position):
        position = match.end()
        mark, start = match["mark"], match.start(match.lastgroup or 0)
        if mark == b",":
            key = None
        elif mark in (b"}", b"]"):
            if not open_values:
                raise PayloadUnrecognised("", "unbalanced")
            in_list.pop()
            names.pop()
            path, began = open_values.pop()
            yield Span(path, began, position)
        elif mark != b":":
            expects_name = bool(in_list) and not in_list[-1] and key is None
            if expects_name and match["string"]:
                key = _name(match["string"])
                continue
            own = "*" if in_list and in_list[-1] else (key or "")
            path = ".".join([*names[1:], own]) if in_list else ""
            if mark:
                open_values.append((path, start))
                in_list.append(mark == b"[")
                names.append(own)
                key = None
            else:
                yield Span(path, start, position)
    if body[position:].strip():
        raise PayloadUnrecognised("", "no JSON")


def _name(raw: bytes) -> str:
    try:
        return str(json.loads(raw))
    except ValueError as error:
        raise PayloadUnrecognised("", "no JSON") from error
