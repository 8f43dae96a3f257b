"""An event that was received earlier than the ledger knew: it is dated anew, exactly.

``merge.md`` dates an undated event by its first receipt. A delivery with an earlier one may settle
later: its own commit took longer, or the event was one of many in another body. Then the registers
that the event holds under the later date are emptied and stated under the true one, and a replay
states again what it had beaten in between.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from sales.recording import lowering
from sales.statements import Stated
from sales.totals import hold_days

from . import ledger, understanding
from .ledger import Known, Receipt
from .models import Outcome, Replay
from .selection import NIL, Filter
from .traces import Decided
from .understanding import Heard, Identity, Providers, Understood

log = structlog.get_logger(__name__)

#: Who began the replay.
CAUSE = "receipt"
_UNREAD = {Outcome.DEAD, Outcome.UNSUPPORTED}


def lower(
    understood: Sequence[Understood],
    settled: Mapping[Identity, Receipt],
    first: Mapping[Identity, Receipt],
    providers: Providers,
) -> None:
    """Empty the registers of events whose true receipt is an earlier one; the caller states them.

    Must run before anything of the batch is recorded.
    """
    late = {
        one.heard.identity: (one, one.heard)
        for one in understood
        if one.heard and one.statements and _is_late(one.heard.identity, settled, first)
    }
    moved = []
    for identity, (one, heard) in late.items():
        old = _stated(heard, providers, settled[identity])
        new = understanding.stated(one, first[identity])
        if lowering.differ(old, new):
            moved.append((heard, old, new))
    sources = sorted({heard.loaded.source.id for heard, _, _ in moved})
    for source in sources:
        hold_days(source)
    for _, old, new in moved:
        lowering.forget(old, new)
    ledger.note({heard.identity: first[heard.identity] for heard, _, _ in moved})
    for source in sources:
        _state_again(
            source,
            min(
                first[heard.identity][0]
                for heard, _, _ in moved
                if heard.loaded.source.id == source
            ),
        )


def note_unread(decided: Decided, known: Known) -> None:
    """Keep when events were heard that nobody could read: of an array, nothing else tells it."""
    ledger.note(
        {
            one.heard.identity: one.loaded.receipt
            for one, outcome in decided
            if outcome in _UNREAD
            and one.heard
            and one.heard.identity.content != one.loaded.sha256
            and one.heard.identity not in known.settled
        }
    )


def _is_late(
    one: Identity, settled: Mapping[Identity, Receipt], first: Mapping[Identity, Receipt]
) -> bool:
    return one in settled and one in first and first[one] < settled[one]


def _stated(heard: Heard, providers: Providers, receipt: Receipt) -> list[Stated]:
    """Return what an event stated when it was taken to be received then."""
    provider = heard.loaded.source.provider_in(providers)
    said = understanding.understand(heard, provider, receipt[0])
    return understanding.stated(said, receipt)


def _state_again(source: int, received: datetime) -> None:
    """Begin a replay of what the event may have beaten, unless one is about to begin anyway."""
    since = ledger.beaten_since(received)
    log.info("receipt_lowered", source=source, received=received.isoformat())
    waiting = Replay.objects.filter(
        cause=CAUSE, state=Replay.State.RUNNING, upto=None, filter__source=source
    )
    if any(datetime.fromisoformat(one.filter["since"]) <= since for one in waiting):
        return
    chosen = Filter(source=source, since=since)
    Replay.objects.create(filter=chosen.as_json(), cause=CAUSE, after=NIL)
