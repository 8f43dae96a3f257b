"""Every bound of the receiver, with its default. The table for people is in docs/settings.md."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

PREFIX = "GJANGO_"


class LimitInvalid(Exception):
    """A bound in the environment is not a positive number; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds in the unit that ends their names: bytes, seconds, rows, or a plain count."""

    body_bytes: int = 5 * 1024 * 1024
    body_seconds: float = 10.0
    #: Of all bodies being read at once, beyond the first 64 KB of each.
    reading_bytes: int = 64 * 1024 * 1024
    header_bytes: int = 8192
    signature_bytes: int = 4096
    signatures: int = 8
    #: Longer bodies are verified in a thread.
    verify_inline_bytes: int = 65_536

    answer_seconds: float = 3.0
    #: Of the time that a sender waits for an answer, what goes by on the way there and back.
    travel_seconds: float = 0.3
    #: A row that would wait longer for its commit to begin is refused at once.
    wait_seconds: float = 0.5
    #: What is ready at once is taken in for so long; the rest of it is refused.
    turn_seconds: float = 0.25
    database_seconds: float = 3.0
    connect_seconds: int = 2
    statement_seconds: float = 2.0
    lock_seconds: float = 0.5

    writers: int = 1
    batch_rows: int = 512
    batch_bytes: int = 4 * 1024 * 1024
    queue_rows: int = 4096
    queue_bytes: int = 64 * 1024 * 1024
    retry_min_seconds: int = 2
    retry_max_seconds: int = 10

    source_cache_seconds: float = 2.0
    source_cache_rows: int = 10_000
    lookup_rows: int = 1024

    #: Answers 401 and 404 that one address may draw; further ones are 429.
    refusals_per_minute: int = 600
    refusal_addresses: int = 10_000

    #: Rejected deliveries of one source that may be kept; and that wait to be written.
    quarantine_per_minute: int = 30
    quarantine_rows: int = 64

    wakeup_seconds: float = 0.2
    wakeup_break_seconds: float = 5.0
    wakeup_rows: int = 256


def from_environment(environment: Mapping[str, str] = os.environ) -> Limits:
    """Read the bounds (``GJANGO_BODY_BYTES`` …), each with its default. Raises LimitInvalid."""
    given: dict[str, Any] = {
        field.name: _number(f"{PREFIX}{field.name.upper()}", text, type(field.default))
        for field in fields(Limits)
        if (text := environment.get(f"{PREFIX}{field.name.upper()}", "").strip())
    }
    return Limits(**given)


def _number(name: str, text: str, kind: type) -> int | float:
    try:
        value: int | float = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < 2**40:
        raise LimitInvalid(
            f"{name}: нужно положительное {'целое ' if kind is int else ''}число, а не {text!r}, "
            f"см. docs/settings.md. / {name} must be a positive "
            f"{'whole ' if kind is int else ''}number, not {text!r}; see docs/settings.md."
        )
    return value
