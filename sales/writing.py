"""The port for what people write: the API asks, ``tasks`` answers.

A hand's record or edit is a delivery too. It is staged and settled inside the transaction that is
open, so whoever wrote reads it at once; how that is done lies above this package.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

from .models.base import Entity


class Rejected(Exception):
    """A body or a field cannot be taken; ``path`` names the place, empty for the whole body."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Exists(Exception):
    """The record that was to be made is there already."""

    def __init__(self, key: UUID) -> None:
        super().__init__(str(key))
        self.key = key


class Writer(Protocol):
    """Who turns what a person wrote into deliveries. ``kind`` is that of ``drafts.Edit``."""

    def read(self, body: bytes, /) -> dict[str, Any]:
        """Parse a body strictly into one object, numbers exact. Raises Rejected."""

    def create(self, kind: str, account_id: int, data: Mapping[str, Any], /) -> UUID:
        """State a whole record of the source ``manual`` and return its id.

        Raises Rejected, and Exists.
        """

    def canonical(self, kind: str, row: Entity, fields: Mapping[str, Any], /) -> dict[str, Any]:
        """Return fields of an edit in their one form. Raises Rejected."""

    def edit(self, kind: str, row: Entity, fields: Mapping[str, Any], /) -> None:
        """Lay fields over a row that the caller has locked. Raises Rejected."""


_load: Callable[[], Writer] | None = None


def register(load: Callable[[], Writer]) -> None:
    """Say how to get the one implementation; it is loaded at the first use."""
    global _load  # noqa: PLW0603
    _load = load


def writer() -> Writer:
    """Return the implementation that was registered."""
    if _load is None:
        raise RuntimeError("nobody has registered a writer: is tasks in INSTALLED_APPS?")
    return _load()
