"""What may never leave the process in a log or an error report, and how it is cut out."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "…"

#: Names of headers, fields and variables whose values are never shown. Compared in lower case.
SECRET_NAMES = frozenset(
    """authorization proxy-authorization cookie set-cookie secret secrets client_secret signature
    webhook-signature svix-signature x-square-hmacsha256-signature x-shopify-hmac-sha256
    x-shopify-access-token access_token refresh_token id_token tokens token password passwd
    api_key apikey private_key dsn sentry_dsn csrftoken csrfmiddlewaretoken sessionid
    body raw phone phones email emails customer card pan""".split()
)

#: Order matters: what is cut by an earlier rule no longer meets a later one.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # An endpoint's address is its password.
    (re.compile(r"(/hooks/[\w-]{0,6})[^/?#\s\"'<>]*"), r"\1" + HIDDEN),
    # Bitrix24's key to a portal stands in the path of the call.
    (re.compile(r"(/rest/\d+/)[^/?#\s\"'<>]+"), r"\1" + HIDDEN),
    (re.compile(r"\b(wh(?:sec|sk|pk)_)[A-Za-z0-9+/=_-]+"), r"\1" + HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic|token)(\s+)[A-Za-z0-9._~+/=-]{8,}"), r"\1\2" + HIDDEN),
    (re.compile(r"(?i)\b(authorization[\"']?\s*[:=]\s*[\"']?)[^\s\"',;]+"), r"\1" + HIDDEN),
    (
        re.compile(r"(?i)\b(password|secret|sig|signature|(?:access_)?token)=[^\s&\"']+"),
        r"\1=" + HIDDEN,
    ),
    (re.compile(r"(://[^:/@\s]*:)[^@/\s]+@"), r"\1" + HIDDEN + "@"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w"), HIDDEN),
    # Telephone numbers: international, or Russian with or without marks in between.
    (re.compile(r"\+\d[\d\s()-]{8,16}\d"), HIDDEN),
    (
        re.compile(
            r"(?<![\w.-])[78][\s(-]{0,2}\d{3}[\s)-]{0,2}\d{3}[\s-]?\d{2}[\s-]?\d{2}(?![\w.])"
        ),
        HIDDEN,
    ),
)
#: Deeper than this nothing of ours is nested.
_DEPTH = 12


def mask_text(text: str) -> str:
    """Return the text without tokens, secrets, passwords, telephone numbers and addresses."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def mask(value: Any, depth: int = 0) -> Any:
    """Return a copy of lists and mappings without secrets; bytes become their length."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if depth > _DEPTH:
        return HIDDEN
    if isinstance(value, Mapping):
        return {name: _entry(name, inner, depth) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask(inner, depth + 1) for inner in value]
    return value


def _entry(name: Any, value: Any, depth: int) -> Any:
    if isinstance(name, str) and name.lower() in SECRET_NAMES and value not in (None, ""):
        return HIDDEN
    return mask(value, depth + 1)
