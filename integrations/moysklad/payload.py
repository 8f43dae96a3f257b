"""From a notice of MoySklad to events, and from an event to what it states.

A notice says which documents changed, never how: each one asks for the document. An address inside
is not followed, only the id at its end is taken.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from integrations.answers import missing, refund_gone, sale_gone
from integrations.clocks import is_plausible, micros, version
from integrations.contract import Context, Delivery, Event, Normaliser, Read, Statement
from integrations.reading import Reader, parse_json
from sales.drafts import Draft, Rank, Version

from . import documents, positions, words

#: Kind of document → how it is read, and what is stated when it is gone.
_KINDS: Mapping[str, tuple[documents.Document, Callable[[str, Version], Draft]]] = {
    "retaildemand": (documents.sale, sale_gone),
    "retailsalesreturn": (documents.refund, refund_gone),
}
_NO_SALES = ("retailshift", "retaildrawercashin", "retaildrawercashout")
_CHANGES = ("create", "update", "processed")
IGNORED = frozenset(
    {"stock", "empty"}
    | {f"{kind}.{action}" for kind in _NO_SALES for action in ("create", "update", "delete")}
)

_SECOND = timedelta(seconds=1)
_REQUEST = re.compile(r"(?:^|&)requestId=([0-9A-Za-z-]{1,64})(?:&|$)")


def split(delivery: Delivery) -> list[Event]:
    """Return the events of a notice. ``requestId`` is the same on each of its retries."""
    body = Reader(parse_json(delivery.body))
    named = _REQUEST.search(delivery.query)
    request = named[1] if named else ""
    if body.get("stockType") is not None:
        return [Event(f"{request}:0", "stock", body.value)]
    context = body.get("auditContext")
    found = [
        _event(f"{request}:{index}", event, context) for index, event in enumerate(body["events"])
    ]
    return found or [Event(f"{request}:0", "empty", body.value)]


def _event(key: str, event: Reader, context: Reader | None) -> Event:
    kind, action = event["meta"]["type"].text(60), event["action"].text(30)
    return Event(
        key=key,
        type=f"{kind}.{action.lower()}",
        payload={"event": event.value, "auditContext": None if context is None else context.value},
        occurred_at=None if context is None else context.maybe("moment", words.time),
    )


def _changed(kind: str) -> Normaliser:
    def normalise(event: Event, _: Context, /) -> Sequence[Statement]:
        return [Read(kind, words.linked(Reader(event.payload)["event"]))]

    return normalise


def _deleted(kind: str) -> Normaliser:
    _, gone_at = _KINDS[kind]

    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        name, at = words.linked(Reader(event.payload)["event"]), event.occurred_at
        if at is None or not is_plausible(at, context):
            return [Read(kind, name, deleted=True)]
        # ``moment`` has whole seconds, ``updated`` milliseconds: the tombstone covers its second.
        when = version(Rank.FULL, at, context, round_up=_SECOND)
        return [gone_at(name, when), Read(kind, name, clock=when.clock, deleted=True)]

    return normalise


def _doubted(kind: str) -> Normaliser:
    """Return the normaliser of a deletion that is not believed: neither that, nor when."""

    def normalise(event: Event, _: Context, /) -> Sequence[Statement]:
        return [Read(kind, words.linked(Reader(event.payload)["event"]), deleted=True)]

    return normalise


def _read(kind: str) -> Normaliser:
    state, _ = _KINDS[kind]

    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        answers = Reader(event.payload)["answers"]
        found = list(answers)
        if not found:
            raise answers.refuse("no answer")
        document, *pages = found
        return state(document, positions.read(document, pages), context)

    return normalise


def _listed(kind: str) -> Normaliser:
    state, _ = _KINDS[kind]

    def one(document: Reader, context: Context) -> Sequence[Statement]:
        found = positions.read(document)
        if found is None:  # a list holds the first positions only
            updated = micros(words.time(document["updated"]))
            return [Read(kind, words.uuid(document["id"]), clock=updated)]
        return state(document, found, context)

    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        pages = Reader(event.payload)["answers"]
        rows = (row for page in pages for row in page["rows"])
        return [statement for row in rows for statement in one(row, context)]

    return normalise


def _of(kind: str) -> dict[str, Normaliser]:
    changes = {f"{kind}.{action}": _changed(kind) for action in _CHANGES}
    return changes | {
        f"{kind}.delete": _deleted(kind),
        f"{kind}.read": _read(kind),
        f"{kind}.missing": missing(_KINDS[kind][1]),
        f"{kind}.listed": _listed(kind),
    }


CONFIRM: Mapping[str, Normaliser] = {f"{kind}.delete": _doubted(kind) for kind in _KINDS}
NORMALISERS: Mapping[str, Normaliser] = {
    name: read for kind in _KINDS for name, read in _of(kind).items()
}
