"""One batch in one transaction: split, look up, normalise, record, leave traces, finish.

The number of statements does not depend on the size of the batch. Whatever is written is written
in sorted order, and in this order: inbox, ledger, sales, parts of apps' deliveries, attempts, dead
letters, reads.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import sentry_sdk
import structlog

from integrations.contract import Read
from sales.drafts import Edit, entity_id
from sales.recording import Stated, record

from . import (
    inbox,
    lateness,
    ledger,
    oddities,
    options,
    outcomes,
    routing,
    traces,
    understanding,
)
from .fetching import judging
from .ledger import Receipt
from .loading import Loaded
from .models import Outcome
from .understanding import Heard, Identity, Providers, Understood

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class How:
    """How a batch is settled.

    ``replay`` states again what the ledger knows. ``strict`` raises instead of making dead letters
    or trying later: for an edit by hand, inside the request's own transaction.
    """

    providers: Providers
    replay: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch as it was read: what each event says, and which deliveries are to be tried later."""

    understood: Sequence[Understood]
    failed: Mapping[UUID, Exception]


def settle(loaded: Sequence[Loaded], how: How) -> Counter[str]:
    """Settle deliveries in the running transaction and count their events by outcome."""
    every, unsplit = _split(loaded, how)
    heard = [one for one in every if not one.loaded.source.is_app]
    known = ledger.known(heard)
    settled = known.settled
    fresh = [one for one in heard if how.replay or _is_fresh(one, settled) or _asks_again(one, how)]
    first = ledger.first_receipts(fresh, known, how.providers)
    reading = _understand(heard, fresh, first, unsplit=unsplit, how=how)
    lateness.lower(reading.understood, settled, first, how.providers)
    decided = _record(reading.understood, settled, first, how=how)
    lateness.note_unread(decided, known)
    parts = [one for one in every if one.loaded.source.is_app]
    decided += routing.route(parts, how.providers, wakes=not how.replay)
    traces.append_attempts(decided)
    traces.settle_dead_letters(decided)
    oddities.note_drift(decided)
    _leave(loaded, reading.failed)
    return Counter(outcome.value for _, outcome in decided)


def _is_fresh(one: Heard, settled: Mapping[Identity, Receipt]) -> bool:
    """An earlier receipt of what the ledger knows is stated again: ``received_at`` is the least."""
    return one.identity not in settled or one.loaded.receipt < settled[one.identity]


def _asks_again(one: Heard, how: How) -> bool:
    """Say whether a repetition has to be read for what it asks: a replay is none."""
    pushed = one.loaded.delivery.answered is None
    return not how.replay and pushed and one.loaded.source.provider_in(how.providers).asks_again


def _split(loaded: Sequence[Loaded], how: How) -> tuple[list[Heard], Reading]:
    heard: list[Heard] = []
    ended: list[Understood] = []
    failed: dict[UUID, Exception] = {}
    for one in loaded:
        try:
            provider = one.source.provider_in(how.providers)
            events = understanding.split(one, provider)
            heard += events
            ended += [] if events else [understanding.empty(one, provider)]
        except Exception as error:
            ended += _excuse(one, error, failed, how=how)
    return heard, Reading(ended, failed)


def _excuse(
    loaded: Loaded,
    error: Exception,
    failed: dict[UUID, Exception],
    *,
    how: How,
    heard: Heard | None = None,
) -> list[Understood]:
    """Sort an error by its consequence: an outcome now, or another attempt of the delivery."""
    if how.strict:
        raise error
    try:
        return [understanding.found(loaded, error, heard=heard)]
    except Exception:
        report(loaded.claim, error)
    if loaded.claim.attempt < options.attempts():
        failed[loaded.claim.delivery_id] = error
        return []
    return [understanding.given_up(loaded, outcomes.fingerprint(error), heard=heard)]


def report(claim: inbox.Claim, error: BaseException) -> None:
    """Tell Sentry and the log of a bug, without any data of the delivery."""
    sentry_sdk.capture_exception(error)
    log.error(
        "delivery_failed",
        delivery=str(claim.delivery_id),
        source=claim.source_id,
        attempt=claim.attempt,
        error=outcomes.fingerprint(error),
    )


def _understand(
    heard: Sequence[Heard],
    fresh: Sequence[Heard],
    first: Mapping[Identity, Receipt],
    *,
    unsplit: Reading,
    how: How,
) -> Reading:
    """Read each distinct event once, and give every repetition of it what was found."""
    read: dict[Identity, Understood | Exception] = {}
    for one in fresh:
        if one.identity not in read:
            read[one.identity] = _read(one, first[one.identity], how)
    failed = dict(unsplit.failed)
    result: list[Understood] = []
    for one in heard:
        match read.get(one.identity):
            case None:
                result.append(Understood(one.loaded, one.position, one))
            case Understood() as said:
                result.append(replace(said, loaded=one.loaded, position=one.position, heard=one))
            case Exception() as error:
                result += _excuse(one.loaded, error, failed, how=how, heard=one)
    return Reading(
        [
            *unsplit.understood,
            *(one for one in result if one.loaded.claim.delivery_id not in failed),
        ],
        failed,
    )


def _read(one: Heard, receipt: Receipt, how: How) -> Understood | Exception:
    try:
        provider = one.loaded.source.provider_in(how.providers)
        if how.strict:
            return understanding.understand_strictly(one, provider, receipt[0])
        return understanding.understand(one, provider, receipt[0])
    except Exception as error:
        return error


def _record(
    understood: Sequence[Understood],
    settled: Mapping[Identity, Receipt],
    first: Mapping[Identity, Receipt],
    *,
    how: How,
) -> list[tuple[Understood, Outcome]]:
    carriers = _carriers(understood)
    entered = ledger.enter(
        {
            identity: (one.heard, first[identity])
            for identity, one in carriers.items()
            if one.heard and identity not in settled
        }
    )
    settled = {**settled, **_overtaken(carriers, entered, settled, first, how=how)}
    stating = [
        one
        for identity, one in carriers.items()
        if identity in entered or how.replay or identity in settled
    ]
    changed, tied = _state(stating, first)
    oddities.note_conflicts(entered, carriers, len(tied))
    news = {id(one) for identity, one in carriers.items() if identity in entered}
    asking = news | {id(one) for one in stating if one.heard and _asks_again(one.heard, how)}
    traces.ask(
        (one, read)
        for one in stating
        if id(one) in asking
        for read in (*_reads(one), *_reads_of_ties(one, tied, how.providers))
    )
    return [
        (
            one,
            outcomes.decide(
                one.finding,
                changed=id(one) in changed,
                known=id(one) not in news,
                reads=bool(_reads(one)),
            ),
        )
        for one in understood
    ]


def _reads(one: Understood) -> list[Read]:
    return [statement for statement in one.statements if isinstance(statement, Read)]


def _reads_of_ties(one: Understood, tied: Collection[UUID], providers: Providers) -> Iterator[Read]:
    """Ask for what was told in two ways as of one clock, where its provider can be asked."""
    api = one.loaded.source.provider_in(providers).api if tied else None
    if api is None or not api.ties:
        return
    for draft in one.statements:
        if isinstance(draft, Read | Edit):
            continue
        kind, name = judging.kind_of(draft), draft.external_id
        if kind in api.ties and entity_id(one.loaded.claim.source_id, kind, name) in tied:
            yield Read(api.ties[kind], name)


def _overtaken(
    carriers: Mapping[Identity, Understood],
    entered: Collection[Identity],
    settled: Mapping[Identity, Receipt],
    first: Mapping[Identity, Receipt],
    *,
    how: How,
) -> dict[Identity, Receipt]:
    """Return what another settler entered while we read it, and under a later receipt than ours."""
    lost = [
        one.heard
        for identity, one in carriers.items()
        if one.heard and identity not in entered and identity not in settled
    ]
    met = ledger.known(lost).settled
    later = {one: receipt for one, receipt in met.items() if first[one] < receipt}
    if later:
        lateness.lower(list(carriers.values()), later, first, how.providers)
    return later


def _carriers(understood: Sequence[Understood]) -> dict[Identity, Understood]:
    """Return, of each event to be stated or entered, the one that was received first."""
    carriers: dict[Identity, Understood] = {}
    for one in sorted(understood, key=lambda one: one.loaded.receipt):
        said = one.statements or one.finding is Outcome.IGNORED
        if one.heard and said:
            carriers.setdefault(one.heard.identity, one)
    return carriers


def _state(
    stating: Iterable[Understood], first: Mapping[Identity, Receipt]
) -> tuple[set[int], Collection[UUID]]:
    """Record what was understood; return whose statements won, by ``id()``, and which rows were
    told in two ways as of one version.
    """
    owners: list[int] = []
    stated: list[Stated] = []
    for one in stating:
        if one.heard:
            said = understanding.stated(one, first[one.heard.identity])
            owners += [id(one)] * len(said)
            stated += said
    if not stated:
        return set(), ()
    recorded = record(stated)
    return {owners[index] for index in recorded.changed}, recorded.tied


def _leave(loaded: Sequence[Loaded], failed: Mapping[UUID, Exception]) -> None:
    later = [
        (one.claim, outcomes.fingerprint(failed[one.claim.delivery_id]))
        for one in loaded
        if one.claim.delivery_id in failed
    ]
    inbox.put_off(later)
    done = {one.claim.delivery_id for one in loaded} - failed.keys()
    if done:
        inbox.finish(done)
