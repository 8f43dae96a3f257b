"""From a delivery to what its events state: the pure middle of settling."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from integrations import answers, pages
from integrations.contract import (
    Event,
    EventUnsupported,
    PayloadUnrecognised,
    Provider,
    Read,
    Statement,
)
from sales.statements import Stated

from . import outcomes
from .loading import CONFIRM, Loaded, request
from .models import Outcome

#: A longer key is cut and told apart by its digest: an index entry has a limit.
_KEY_LIMIT = 240

Providers = Mapping[str, Provider]


class Identity(NamedTuple):
    """What makes two events one: the row of the ledger. Sorted in this order everywhere."""

    account_id: int
    source_id: int
    key: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """One event of one delivery, not yet read."""

    loaded: Loaded
    position: int
    event: Event
    identity: Identity


@dataclass(frozen=True, slots=True)
class Understood:
    """What reading an event has shown: its statements, or a finding that ends it.

    ``heard`` is None where the delivery could not even be split. A page of a list has both where
    one of its items cannot be read: the finding is that item's.
    """

    loaded: Loaded
    position: int = 0
    heard: Heard | None = None
    statements: tuple[Statement, ...] = ()
    finding: Outcome | None = None
    reason: str = ""
    path: str = ""
    mapper: int = 0


def split(loaded: Loaded, provider: Provider) -> list[Heard]:
    """Return the events of a delivery. Raises what the provider raises."""
    answered = loaded.delivery.answered is not None
    events = (answers.split if answered else provider.split)(loaded.delivery)
    whole = len(events) == 1 and not loaded.delivery.body.lstrip().startswith(b"[")
    return [
        Heard(loaded, position, event, identity(loaded, event, whole=whole))
        for position, event in enumerate(events)
    ]


def identity(loaded: Loaded, event: Event, *, whole: bool) -> Identity:
    """Return the event's identity; ``whole`` says that it is all there is in the body."""
    content = loaded.sha256 if whole else _content(event.payload)
    return Identity(loaded.claim.account_id, loaded.claim.source_id, _short(event.key), content)


def _short(key: str) -> str:
    if len(key) <= _KEY_LIMIT:
        return key
    return f"{key[:_KEY_LIMIT]}…{hashlib.sha256(key.encode()).hexdigest()}"


def _content(payload: Any) -> bytes:
    # repr tells the number 1.0 from the text "1.0".
    text = json.dumps(payload, sort_keys=True, default=repr, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def twins(
    loaded: Loaded, head: tuple[str, str, bytes, bytes], providers: Providers
) -> list[Identity]:
    """Return the events of another delivery with the same body; none where it cannot be split.

    ``head`` is its method, path, query and headers as stored.
    """
    if loaded.delivery.answered is not None:
        return []  # an answer is dated by its question, never by another of the same words
    other = request(loaded.source.public_url, *head, loaded.delivery.body)
    try:
        heard = split(replace(loaded, delivery=other), loaded.source.provider_in(providers))
    except Exception:
        # It states nothing as it is, so it dates nothing; its own settling reports why.
        return []
    return [one.identity for one in heard]


def understand(heard: Heard, provider: Provider, received: datetime) -> Understood:
    """Read one event, first received then. Raises what is a bug."""
    try:
        return understand_strictly(heard, provider, received)
    except Exception as error:
        return found(heard.loaded, error, heard=heard, mapper=provider.mapper)


def understand_strictly(heard: Heard, provider: Provider, received: datetime) -> Understood:
    """Read one event, first received then. Raises whatever the provider raises."""
    statements, lacking = _statements(heard, provider, received)
    if lacking is not None:
        told = found(heard.loaded, lacking, heard=heard, mapper=provider.mapper)
        return replace(told, statements=tuple(statements or ()))
    return Understood(
        heard.loaded,
        heard.position,
        heard,
        tuple(statements or ()),
        finding=None if statements else Outcome.IGNORED,
        mapper=provider.mapper,
    )


def _statements(
    heard: Heard, provider: Provider, received: datetime
) -> tuple[Sequence[Statement] | None, PayloadUnrecognised | None]:
    """Return what an event states, and what is wrong with an item that states nothing."""
    kind, answered = heard.event.type, heard.loaded.delivery.answered
    if kind in provider.ignored:
        return None, None
    doubted = answered is None and bool(heard.loaded.source.settings.get(CONFIRM))
    normalise = provider.confirm.get(kind) if doubted else None
    normalise = normalise or provider.normalisers.get(kind)
    if normalise is None:
        raise EventUnsupported(kind)
    context = heard.loaded.source.context(received, answered)
    if answered is not None and kind.endswith(answers.LISTED):
        return pages.state(normalise, heard.event, context, nested=nested_in(provider, kind))
    stated = normalise(heard.event, context)
    if doubted and not all(isinstance(one, Read) for one in stated or ()):
        raise EventUnsupported(kind)  # nobody may be believed, and it names nothing to ask for
    return stated, None


def nested_in(provider: Provider, kind: str) -> int:
    """Return how many lists stand around the items of a page (``order.listed``)."""
    lists = provider.api.lists if provider.api else {}
    listing = lists.get(kind.removesuffix(answers.LISTED))
    return listing.nested if listing else 0


def found(
    loaded: Loaded, error: Exception, *, heard: Heard | None = None, mapper: int = 0
) -> Understood:
    """Return what a stated error says of an event or a whole delivery. Raises a bug again."""
    said = outcomes.finding(error)
    if said is None:
        raise error
    outcome, reason, path = said
    position = heard.position if heard else 0
    return Understood(
        loaded, position, heard, finding=outcome, reason=reason, path=path, mapper=mapper
    )


def given_up(loaded: Loaded, reason: str, *, heard: Heard | None = None) -> Understood:
    """Return the end of what no attempt could settle."""
    position = heard.position if heard else 0
    return Understood(loaded, position, heard, finding=Outcome.DEAD, reason=reason)


def empty(loaded: Loaded, provider: Provider) -> Understood:
    """Return what a delivery without any event amounts to."""
    return Understood(loaded, finding=Outcome.IGNORED, mapper=provider.mapper)


def stated(one: Understood, receipt: tuple[datetime, UUID]) -> list[Stated]:
    """Return what an event, first received then, states to the core."""
    received, delivery = receipt
    claim = one.loaded.claim
    return [
        Stated(draft, claim.account_id, claim.source_id, delivery, received, one.mapper)
        for draft in one.statements
        if not isinstance(draft, Read)
    ]
