"""Strict JSON: what parsers disagree on is refused, with its place in the document."""

import json
import re
from array import array
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, NoReturn

from .contract import PayloadUnrecognised

MAX_DEPTH = 64
MAX_DIGITS = 30

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SUSPICIOUS_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_BETWEEN = re.compile(r"[\s,]*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


class _Suspect(Exception):
    """Something in the document is refused: it is parsed again to find out where."""


class _Refused:
    """Stands in a parsed document where something is refused, with the reason."""

    def __init__(self, reason: str, key: str | None = None) -> None:
        self.reason = reason
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Suspect
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _Suspect
    return int(text)


def _number(text: str) -> Decimal:
    if len(text) > MAX_DIGITS + 7:
        raise _Suspect
    try:
        found = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        raise _Suspect from None
    if len(found.as_tuple().digits) > MAX_DIGITS or abs(found.adjusted()) > MAX_DIGITS:
        raise _Suspect
    return found


def _constant(_: str) -> NoReturn:
    raise _Suspect


def _or_refused(read: Callable[[str], Any], reason: str) -> Callable[[str], Any]:
    def mark(text: str) -> Any:
        try:
            return read(text)
        except _Suspect:
            return _Refused(reason)

    return mark


def _unique_or_refused(pairs: list[tuple[str, Any]]) -> Any:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Refused("the key occurs twice", key)
        seen.add(key)
    return dict(pairs)


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_number, parse_int=_integer, parse_constant=_constant
)
_MARKING = json.JSONDecoder(
    object_pairs_hook=_unique_or_refused,
    parse_float=_or_refused(_number, "a number out of range"),
    parse_int=_or_refused(_integer, "a number out of range"),
    parse_constant=_or_refused(_constant, "not a number of JSON"),
)


def parse_json(body: bytes) -> Any:
    """Parse strict JSON; numbers become int or Decimal.

    Raises PayloadUnrecognised for what is not UTF-8 (a BOM and UTF-16 included), is empty, repeats
    a key, nests deeper than 64, holds NaN, a number of more than 30 digits, NUL or half a
    surrogate pair.
    """
    text = decoded(body)
    _check_depth(body)
    try:
        found = _decode(_STRICT, text)
    except _Suspect:
        found = _decode(_MARKING, text)
        _inspect(found, "")
    if _SUSPICIOUS_ESCAPE.search(body):
        _inspect(found, "")
    return found


def _decode(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except ValueError as error:
        raise PayloadUnrecognised("$", f"not JSON: {error}") from None


def decoded(body: bytes) -> str:
    """Return the text of a body in UTF-8. Raises PayloadUnrecognised for what is empty, begins with
    a byte order mark, or is of another encoding."""
    if not body.strip():
        raise PayloadUnrecognised("$", "empty")
    if body.startswith(b"\xef\xbb\xbf"):
        raise PayloadUnrecognised("$", "starts with a byte order mark")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise PayloadUnrecognised("$", f"not UTF-8 at byte {error.start}") from None


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", body).translate(_STEPS, _NOT_BRACKETS)
    if max(accumulate(array("b", brackets)), default=0) > MAX_DEPTH:
        raise PayloadUnrecognised("$", f"nested deeper than {MAX_DEPTH}")


def _inspect(value: Any, path: str) -> None:
    """Raise PayloadUnrecognised at the first place that is refused."""
    if isinstance(value, _Refused):
        raise PayloadUnrecognised(child_path(path, value.key) or "$", value.reason)
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise PayloadUnrecognised(path or "$", "NUL or half of a surrogate pair")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _inspect(item, child_path(path, index))
    if isinstance(value, dict):
        for key, item in value.items():
            if _UNSTORABLE.search(key):
                raise PayloadUnrecognised(path or "$", "a key with NUL or half a surrogate pair")
            _inspect(item, child_path(path, key))


def child_path(path: str, key: str | int | None) -> str:
    """Return the path of what stands under a key or an index."""
    if key is None:
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def texts_of(text: str, start: int = 0) -> list[bytes]:
    """Return the texts of the items of a list, byte for byte, of JSON that was parsed before.

    ``start`` is where its bracket stands.
    """
    found, at = [], text.index("[", start) + 1
    while text[begin := _after(text, at)] != "]":
        _, at = json.JSONDecoder().raw_decode(text, begin)
        found.append(text[begin:at].encode())
    return found


def members_of(text: str) -> dict[str, str]:
    """Return the texts of an object's values by their names, of JSON that was parsed before."""
    found, at = {}, text.index("{") + 1
    while text[begin := _after(text, at)] != "}":
        name, at = json.JSONDecoder().raw_decode(text, begin)
        begin = _after(text, text.index(":", at) + 1)
        _, at = json.JSONDecoder().raw_decode(text, begin)
        found[name] = text[begin:at]
    return found


def _after(text: str, at: int) -> int:
    """Return where what separates two items ends."""
    match = _BETWEEN.match(text, at)
    return match.end() if match else at
