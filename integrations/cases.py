"""The words of CASES: what each recorded delivery must become, and a way to see what it becomes.

Every provider states ``CASES = {sample: drafts | IGNORED | UNSUPPORTED | Unrecognised(path)}``
with drafts worked out by hand from the payload, and FOR_PERSON among them where an event asks for
what only a person can do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from . import answers
from .contract import (
    Context,
    Delivery,
    Event,
    EventUnsupported,
    PayloadUnrecognised,
    PersonNeeded,
    Provider,
    Statement,
)
from .samples import Sample, answered, signed

#: First receipt of every sample: 2026-09-14T18:00:00Z, in microseconds.
RECEIVED = 1_789_408_800_000_000


class Word(Enum):
    """What a delivery becomes where it states nothing."""

    IGNORED = "ignored"
    UNSUPPORTED = "unsupported"
    FOR_PERSON = "for_person"


IGNORED, UNSUPPORTED, FOR_PERSON = Word.IGNORED, Word.UNSUPPORTED, Word.FOR_PERSON


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A dead letter that names this path in the payload."""

    path: str


Case = Sequence[Statement | Word] | Word | Unrecognised


def context_of(provider: Provider) -> Context:
    """Return the settings that samples are read with."""
    currency = provider.default_currency or "RUB"
    return Context(currency=currency, timezone="Europe/Moscow", received=RECEIVED)


def outcome(provider: Provider, sample: Sample) -> Case:
    """Return what a sample becomes: the statements of all its events, or the one word for it."""
    return _outcome(provider, signed(sample, provider), provider.split)


def outcome_of_answer(provider: Provider, body: bytes, *, over: int | None = None) -> Case:
    """Return what a recorded answer of the provider's API becomes."""
    return _outcome(provider, answered(body, over=over), answers.split)


def _outcome(
    provider: Provider, delivery: Delivery, split: Callable[[Delivery], list[Event]]
) -> Case:
    context = replace(context_of(provider), answered=delivery.answered)
    try:
        found = [_normalised(provider, event, context) for event in split(delivery)]
    except EventUnsupported:
        return UNSUPPORTED
    except PayloadUnrecognised as error:
        return Unrecognised(error.path)
    return [statement for statements in found for statement in statements] or IGNORED


def _normalised(
    provider: Provider, event: Event, context: Context
) -> Sequence[Statement] | Sequence[Word]:
    if event.type in provider.ignored:
        return ()
    if event.type not in provider.normalisers:
        raise EventUnsupported(event.type)
    try:
        return provider.normalisers[event.type](event, context) or ()
    except PersonNeeded:
        return (FOR_PERSON,)
