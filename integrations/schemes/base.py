"""What schemes share: proof read from headers and bodies within limits.

Signatures are compared as canonical text, in bytes and in constant time: decoded base64 would
accept other last characters. Whatever a stranger sends raises SignatureInvalid, nothing else.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Iterable, Mapping

from integrations.contract import (
    Delivery,
    PayloadUnrecognised,
    Secret,
    SignatureInvalid,
    SignatureMissing,
)
from integrations.forms import is_form, parse_form
from integrations.strict import parse_json

MAX_HEADER = 4096
_SHORT = rb'"(?:[^"\\]|\\.){0,200}"'
_LEADING = re.compile(rb"\s*\{\s*(" + _SHORT + rb")\s*:\s*(" + _SHORT + rb")")
MAX_SIGNATURES = 8


class Plain:
    """A scheme that covers nothing and reads nothing, unless it says otherwise."""

    __slots__ = ()

    @property
    def covers(self) -> frozenset[str]:
        return frozenset()

    @property
    def headers(self) -> frozenset[str]:
        return frozenset()

    @property
    def secret_headers(self) -> frozenset[str]:
        return frozenset()

    def sign(self, delivery: Delivery, secret: Secret, now: float) -> Mapping[str, str]:
        """Return no headers: nothing in them proves such a delivery."""
        return {}


def header_bytes(delivery: Delivery, name: str) -> bytes:
    """Return the value of a header as it came; raises SignatureInvalid where it cannot be proof."""
    value = delivery.headers.get(name, "")
    if not value:
        raise SignatureMissing(f"no header {name}")
    if len(value) > MAX_HEADER:
        raise SignatureInvalid(f"header {name} is too long")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        raise SignatureInvalid(f"header {name} is not bytes") from None


def seconds_of(text: bytes, *, digits: int = 12) -> int:
    """Return the number that a signed time is. Raises SignatureInvalid."""
    if not (text.isdigit() and len(text) <= digits):
        raise SignatureInvalid("the timestamp is not a number of seconds")
    return int(text)


def body_fields(body: bytes, names: Iterable[str], *, form: str = "") -> dict[str, str]:
    """Return those fields of a JSON object that are there, as the text that is signed; where
    ``form`` says so, of what a form has under this name.

    Raises SignatureInvalid for what is no strict JSON object, and for fields of other types than
    text and whole number: nobody knows how their sender spelled them.
    """
    try:
        found = parse_form(body).get(form) if form and is_form(body) else parse_json(body)
    except PayloadUnrecognised as error:
        raise SignatureInvalid(f"the signed fields cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise SignatureInvalid("the body is no JSON object, which has the signed fields")
    texts = {name: found[name] for name in names if name in found}
    for name, value in texts.items():
        if type(value) not in (str, int):
            raise SignatureInvalid(f"{name} is neither a text nor a whole number")
    return {name: str(value) for name, value in texts.items()}


def leading_text(body: bytes, name: str) -> str | None:
    """Return the text that a JSON object begins with, where it stands under this name.

    Only for bodies that are signed whole: whoever changed anything behind it is refused anyway, and
    nobody waits until half a megabyte is parsed.
    """
    found = _LEADING.match(body)
    if found is None or found[1] != f'"{name}"'.encode():
        return None
    try:
        text = json.loads(found[2])
    except ValueError:
        return None
    # What is no plain text is for the strict parser to judge.
    return text if text.isascii() and text.isprintable() else None


def decoded(text: str) -> bytes:
    """Decode base64 with or without its padding; empty where it is none."""
    try:
        return base64.b64decode(
            text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True
        )
    except (binascii.Error, ValueError):
        return b""


def with_text(body: bytes, name: str, value: str) -> bytes:
    """Return a JSON object with this text under a name, every other byte as it came."""
    text, key = json.dumps(value).encode(), json.dumps(name).encode()
    field = re.compile(rb'(%s\s*:\s*)"[^"\\]*"' % re.escape(key))
    changed, found = field.subn(rb"\1" + text, body, count=1)
    if found:
        return changed
    end = body.rindex(b"}")
    return body[:end] + b",%s:%s" % (key, text) + body[end:]


def is_one_of(given: bytes, expected: Iterable[bytes]) -> bool:
    """Say whether the proof is one of these, in a time that does not tell how much of it is."""
    return any(hmac.compare_digest(given, one) for one in expected)
