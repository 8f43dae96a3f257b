"""Strict forms: ``application/x-www-form-urlencoded`` with PHP's nested keys, from the raw bytes.

    leads[status][0][id]=7   →   {"leads": {"status": [{"id": "7"}]}}

Every value is a text. Keys that count 0, 1, 2 … without a gap make a list, all others an object;
``[]`` is the next number. A key that is both a value and a parent (amoCRM sends ``type=3`` beside
``type[message_uuid]=…``) keeps its own value under the empty key: ``{"": "3", "message_uuid": …}``.
What parsers disagree on is refused with its place: a key that occurs twice, a broken bracket or
percent escape, what is not UTF-8.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from .contract import PayloadUnrecognised
from .strict import child_path

MAX_FIELDS = 10_000
MAX_DEPTH = 12
MAX_KEY = 1_000
#: The key of a value whose own key is a parent as well; no form can spell it.
OWN = ""

_FIELD = re.compile(rb"(?=[^&])([^&=]*)=?([^&]*)")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")


class Field(NamedTuple):
    """One ``key=value`` as it came, still escaped; the value is ``body[start:end]``."""

    key: bytes
    start: int
    end: int


def is_form(body: bytes) -> bool:
    """Say whether the body of a sender of both JSON objects and forms is a form."""
    return not body.lstrip().startswith(b"{")


def fields(body: bytes) -> Iterator[Field]:
    """Go over the fields of a form, empty pieces left out.

    Raises PayloadUnrecognised beyond 10 000 of them.
    """
    for match in _matches(body):
        yield Field(match[1], *match.span(2))


def _matches(body: bytes) -> Iterator[re.Match[bytes]]:
    """Go over the fields as matches of key and value. Raises PayloadUnrecognised."""
    for count, match in enumerate(_FIELD.finditer(body)):
        if count >= MAX_FIELDS:
            raise PayloadUnrecognised("$", f"more than {MAX_FIELDS} fields")
        yield match


def keys_of(raw: bytes) -> tuple[str, ...]:
    """Return the path that the key of a field spells; ``[]`` is an empty step.

    Raises PayloadUnrecognised.
    """
    if len(raw) > MAX_KEY:
        raise _unreadable(raw, f"a key of more than {MAX_KEY} bytes")
    return _steps_of(raw)


@lru_cache(maxsize=2048)
def _steps_of(raw: bytes) -> tuple[str, ...]:
    """Return the steps of a key: the hooks of one account spell the same ones over and over."""
    try:
        # Most keys have nothing escaped but their brackets.
        key = _decoded(raw.replace(b"%5B", b"[").replace(b"%5D", b"]"), "$")
    except PayloadUnrecognised as error:
        raise _unreadable(raw, error.reason) from None
    match = _KEY.fullmatch(key)
    if match is None:
        raise _unreadable(raw, "not a key like a[b][0]")
    steps = match[2][1:-1].split("][") if match[2] else ()
    if len(steps) >= MAX_DEPTH:
        raise _unreadable(raw, f"nested deeper than {MAX_DEPTH}")
    return (match[1], *steps)


def _unreadable(key: bytes, reason: str) -> PayloadUnrecognised:
    return PayloadUnrecognised(key[:100].decode("latin-1") or "$", reason)


def path_of(keys: Sequence[str]) -> str:
    """Return a path as readers write it: ``leads.status[0].id``."""
    path = ""
    for key in keys:
        path = child_path(path, int(key) if path and _INDEX.fullmatch(key) else key)
    return path


def value_of(field: Field, body: bytes) -> str:
    """Return the text of a field. Raises PayloadUnrecognised."""
    return _text(body[field.start : field.end], field.key)


def _text(raw: bytes, key: bytes) -> str:
    try:
        return _decoded(raw, "$")
    except PayloadUnrecognised as error:  # the path is only put together when it is asked for
        raise PayloadUnrecognised(path_of(keys_of(key)), error.reason) from None


def fields_of(path: str, body: bytes) -> list[Field]:
    """Return the fields whose key spells a path (``auth.application_token``), escaped or not.

    Raises PayloadUnrecognised beyond 10 000 fields of any kind.
    """
    if body.count(b"&") >= MAX_FIELDS:
        deque(fields(body), maxlen=0)
    # A first "&" spares the pattern an alternative, and the search its speed.
    found = _spelling(path).finditer(b"&" + body)
    return [Field(match[1], match.start(2) - 1, match.end(2) - 1) for match in found]


@cache
def _spelling(path: str) -> re.Pattern[bytes]:
    """Return the pattern of a field, each character of its key plain or escaped."""
    name, *steps = path.split(".")
    key = name + "".join(f"[{step}]" for step in steps)
    escaped = "".join(f"(?:{re.escape(one)}|(?i:%{ord(one):02x}))" for one in key)
    return re.compile(f"&({escaped})(?=[=&]|\\Z)=?([^&]*)".encode())


def parse_form(body: bytes) -> dict[str, Any]:
    """Parse a form into objects, lists and texts.

    Raises PayloadUnrecognised for what is empty, not a form of UTF-8, repeats a key, holds NUL,
    more than 10 000 fields, a key of more than 1 000 bytes or of more than 12 steps.
    """
    root: dict[str, Any] = {}
    for match in _matches(body):
        key, raw = match.groups()
        _put(root, keys_of(key), _text(raw, key))
    if not root:
        raise PayloadUnrecognised("$", "empty")
    return {key: item if type(item) is str else _settled(item) for key, item in root.items()}


def _decoded(raw: bytes, path: str) -> str:
    """Return the text of an escaped one."""
    plain = raw.replace(b"+", b" ")
    if b"%" in raw:
        if _BROKEN_ESCAPE.search(raw):
            raise PayloadUnrecognised(path, "a broken percent escape")
        plain = unquote_to_bytes(plain)
    try:
        text = plain.decode()
    except UnicodeDecodeError as error:
        raise PayloadUnrecognised(path, f"not UTF-8 at byte {error.start}") from None
    if "\0" in text:
        raise PayloadUnrecognised(path, "NUL")
    return text


def _put(root: dict[str, Any], keys: Sequence[str], text: str) -> None:
    """Put a text at its place; what was a text on the way becomes an object that keeps it."""
    node = root
    for step in keys[:-1]:
        key = step or _next(node, keys)
        child = node.get(key)
        if type(child) is not dict:
            child = node[key] = {} if child is None else {OWN: child}
        node = child
    key = keys[-1] or _next(node, keys)
    found = node.get(key)
    if type(found) is dict and OWN not in found:
        found[OWN] = text
    elif found is None:
        node[key] = text
    else:
        raise PayloadUnrecognised(path_of(keys), "the key occurs twice")


def _next(node: dict[str, Any], keys: Sequence[str]) -> str:
    """Return the number of the next item. Raises PayloadUnrecognised where it is there already:
    ``[]`` after ``[1]`` is 2 to one parser and 1 to another."""
    key = str(len(node) - (OWN in node))
    if key in node:
        raise PayloadUnrecognised(path_of(keys), "[] among numbered items")
    return key


def _settled(value: dict[str, Any]) -> dict[str, Any] | list[Any]:
    """Return an object with those inside that count from 0 turned into lists, itself too."""
    count = len(value)
    if "0" in value and all(map(value.__contains__, map(str, range(count)))):
        items = (value[str(index)] for index in range(count))
        return [item if type(item) is str else _settled(item) for item in items]
    return {key: item if type(item) is str else _settled(item) for key, item in value.items()}
