"""Cutting declared values out of a form, as loosely as any parser may read it.

What our strict parser refuses is still kept as a delivery, so that a key like ``auth[token]x`` or
``auth[token`` must not carry a token past the cut: here every reading of a key counts.
"""

import re
from collections.abc import Collection, Iterable
from itertools import accumulate
from urllib.parse import unquote_to_bytes

CUT = b"%5Bcut%5D"
_FIELD = re.compile(rb"(?:\A|&)([^&=]++)=([^&]++)")
_STEP = re.compile(r"[\[.]")


def cut_form(body: bytes, wanted: Collection[str]) -> tuple[bytes, set[str]]:
    """Return the form without the values at or below these paths, and the paths that were cut."""
    names = {_last_name(path) for path in wanted}
    plain = _unquoted(body)
    if not any(name in plain for name in names):
        return body, set()
    deepest = max(path.count(".") for path in wanted) + 1
    found: set[str] = set()
    pieces, position = [], 0
    for match in _FIELD.finditer(body):
        if path := _wanted_of(_unquoted(match[1]), wanted, deepest):
            found.add(path)
            pieces += [body[position : match.start(2)], CUT]
            position = match.end()
    return b"".join([*pieces, body[position:]]), found


def _last_name(path: str) -> bytes:
    """Return the last name of a path that is not ``*``: a body without it has nothing to cut."""
    return next((name for name in reversed(path.split(".")) if name != "*"), "").encode()


def _wanted_of(key: bytes, wanted: Collection[str], deepest: int) -> str | None:
    """Return the path of these that a key is, or lies below; items of a list are ``*`` as well."""
    text = key.decode(errors="replace").replace("]", "")
    steps = [step.strip() for step in _STEP.split(text, maxsplit=deepest)[:deepest]]
    starred = ["*" if not step or step.isdigit() else step for step in steps]
    return next((path for path in (*_heads(steps), *_heads(starred)) if path in wanted), None)


def _heads(steps: Iterable[str]) -> Iterable[str]:
    """Go over the paths that lead to a place: ``a``, ``a.b``, ``a.b.c``."""
    return accumulate(steps, "{}.{}".format)


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
