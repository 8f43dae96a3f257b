"""Reading what a described till sends, by its description and then by our standard schema."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from integrations.contract import (
    Context,
    Delivery,
    Event,
    Normaliser,
    PayloadUnrecognised,
    Statement,
)
from integrations.envelope import NORMALISERS as STANDARD
from integrations.forms import parse_form
from integrations.reading import ID_LIMIT, Reader
from integrations.strict import parse_json

from .description import Description, Section
from .fields import Action
from .mapping import Scope, Told, envelope, items, read_at
from .reads import Value, paths_of

MOST_RECORDS = 5000
_TYPE_LIMIT = 100
_DATA = "data."
_PARSE: Mapping[str, Callable[[bytes], Any]] = {"json": parse_json, "form": parse_form}


Outside = Mapping[str, Sequence[Reader]]


class Record(dict[str, Any]):
    """One record of a body, with a digest of what its fields read from outside it.

    ``place`` is where it stands, which is no part of what it says; ``outside`` is what the digest
    is of: told once for all records of a body, or many of them would cost their square.
    """

    def __init__(self, node: Reader, outside: Outside, digest: str) -> None:
        super().__init__(record=node.value, outside=digest)
        self.place = node.path
        self.outside = outside

    def scope(self, currency: str, told: list[Told] | None = None) -> Scope:
        """Return what its paths begin at."""
        at = Reader(self["record"], "" if self.place == "$" else self.place)
        return Scope(at, at, self.outside, currency, told)


def splitter(description: Description) -> Callable[[Delivery], list[Event]]:
    """Return what splits a delivery into the records of it."""
    heads = [description.type, *((description.key,) if description.key else ())]
    above = [path for value in heads for path in paths_of(value) if path.root == "$"]

    def split(delivery: Delivery) -> list[Event]:
        root = Reader(_PARSE[description.body](delivery.body))
        outside = {path.text: path.find(root) for path in description.shared}
        said = _digest(outside)
        whole = {path.text: path.find(root) for path in above}
        digest = hashlib.sha256(delivery.body).hexdigest()
        return [
            _event(
                description,
                Record(one, outside, said),
                whole,
                digest if n == 0 else f"{digest}:{n}",
            )
            for n, one in enumerate(_records(description, root))
        ]

    return split


def _digest(outside: Outside) -> str:
    values = {path: [one.value for one in found] for path, found in outside.items()}
    text = json.dumps(values, sort_keys=True, default=repr) if values else ""
    return hashlib.sha256(text.encode()).hexdigest()


def _records(description: Description, root: Reader) -> list[Reader]:
    """Return the records; a body without the list of them is one itself."""
    path = description.records
    if not path.is_stated(root):
        return [root]
    found = path.find(root)
    if len(found) > MOST_RECORDS:
        raise PayloadUnrecognised(path.sought(root), f"more than {MOST_RECORDS} records")
    return found


def _event(description: Description, record: Record, whole: Outside, key: str) -> Event:
    inner = record.scope("")
    scope = Scope(inner.record, inner.at, whole, "")
    kind = read_at(description.type, scope)
    if kind is None:
        raise PayloadUnrecognised(_sought(description.type, scope), "missing (description: type)")
    named = None if description.key is None else read_at(description.key, scope)
    if named is not None:
        text = str(named.value)
        key = text if len(text) <= ID_LIMIT else hashlib.sha256(text.encode()).hexdigest()
    name = kind.text(_TYPE_LIMIT)
    return Event(key=key, type=name, payload=record, occurred_at=_time(description, name, record))


def _sought(value: Value, scope: Scope) -> str:
    return next((scope.sought(path) for path in paths_of(value)), "$")


def _time(description: Description, kind: str, record: Record) -> datetime | None:
    """Return as of when a record is true, for display; its normaliser judges a bad one."""
    for action in description.types.get(kind, ()):
        section = description.sections[action.document]
        with suppress(PayloadUnrecognised):
            if section.timestamp and (at := read_at(section.timestamp, record.scope(""))):
                return at.time("UTC")
    return None


def normalisers(description: Description) -> Mapping[str, Normaliser]:
    """Return the normaliser of each type that becomes something."""
    return {
        kind: _normaliser(description, actions)
        for kind, actions in description.types.items()
        if actions
    }


def _normaliser(description: Description, actions: Sequence[Action]) -> Normaliser:
    def normalise(event: Event, context: Context) -> Sequence[Statement]:
        return [
            statement
            for action in actions
            for statement in _stated(event, context, description.sections[action.document], action)
        ]

    return normalise


def _stated(
    event: Event, context: Context, section: Section, action: Action
) -> Iterator[Statement]:
    scope = event.payload.scope(context.currency)
    for at in items(section.each, scope):
        document = envelope(section, action, scope.inside(at))
        try:
            standard = Event(event.key, action.event, document)
            yield from STANDARD[action.event](standard, context) or ()
        except PayloadUnrecognised as error:
            raise _located(error, section, action, scope.inside(at)) from None


def told(section: Section, action: Action, scope: Scope) -> list[Told]:
    """Return how the fields of a document came about, as far as they can be read."""
    trail: list[Told] = []
    with suppress(PayloadUnrecognised):
        envelope(section, action, replace(scope, told=trail))
    return trail


def _located(
    error: PayloadUnrecognised, section: Section, action: Action, scope: Scope
) -> PayloadUnrecognised:
    """Return the error of the standard schema at the place of the body that it speaks of."""
    trail = {one.target: one for one in told(section, action, scope)}
    target = error.path
    while target not in trail and "." in target:
        target = target.rpartition(".")[0]
    came = trail.get(target, trail["data"])
    place = came.place or scope.at.path
    inner = error.path.removeprefix(_DATA)
    return PayloadUnrecognised(place, f"{error.reason} (description: {came.setting}, {inner})")
