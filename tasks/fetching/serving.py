"""From an answer to a staged delivery, in the transaction that ends the read.

``over`` is the greatest of: the clocks that the events spoke of, the clocks of the object's rows
(its content's and its tombstone's), and the clock of its last answer, which may not be settled
yet. It is written into the delivery, so the rows stay a function of what is staged, whatever was
known when; an ``over`` that is too small only lets an older answer lose.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import structlog
from django.db import connection

from ingest.models import Delivery as StagedDelivery
from ingest.models import Origin
from ingest.staging import AnswerRow, stage_answer
from integrations import answers, pages
from integrations.clocks import EPOCH, micros
from integrations.contract import Statement
from sales.drafts import Rank, entity_id
from sales.models import REFERENCES, Payment, Refund, Sale

from .. import loading, outcomes
from ..loading import Settings
from ..understanding import Providers, nested_in
from . import judging, rows, walks
from .asking import Answer, Listed
from .judging import Said, Subject
from .rows import Taken
from .walks import Page

log = structlog.get_logger(__name__)

_MODELS: Mapping[str, Any] = {"sale": Sale, "payment": Payment, "refund": Refund, **REFERENCES}
_REMEMBERED = 20_000
#: Microseconds: the coarsest clock of a provider is one of seconds.
_COARSE = 2_000_000
_NOTHING = Said(frozenset(), None, None)


class Server:
    """Serves reads with answers; remembers the clocks of the last ones."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers
        #: Object → the clock of its last answer, and when it was asked for.
        self._last: OrderedDict[tuple[int, str, str], tuple[int, datetime]] = OrderedDict()

    def knows(self, one: Taken) -> bool:
        """Say whether an object that only lists told of was answered as of that clock already.

        Not within the next moments of it: a coarse clock may tell two contents apart by nothing.
        """
        clock, read_at = self._last.get(_key(one), (0, EPOCH))
        return (
            one.listed
            and one.over is not None
            and clock >= one.over
            and micros(read_at) > one.over + _COARSE
        )

    def serve(self, one: Taken, answer: Answer) -> tuple[str, UUID | None]:
        """Stage an answer and end its read, or let it be read again; under the account's scope.

        Returns a word for metrics, and the delivery.
        """
        lagged = rows.held(one)
        if lagged is None:
            return "late", None
        body = answers.envelope(one.kind, one.external_id, answer.outcome, answer.texts)
        said = self._said(one, answer, body)
        last = self._last.get(_key(one))
        known = [one.over, last and last[0], *_known(one, said.subjects)]
        over = judging.greatest(known)
        lags = judging.is_lagging(answer.outcome, said.clock, over=over, deleted=one.deleted)
        if lags and lagged < len(judging.AGAIN):
            rows.read_again(one, lagged)
            return "lagging", None
        staged = _stage(one, answer, body, over)
        rows.served(one)
        self._remember(one, judging.greatest([over, said.latest]))
        return "staged", staged

    def turn_page(self, page: Page, listed: Listed, *, left: int) -> tuple[str, UUID | None]:
        """Stage a page of a list and let its walk go on behind it; under the account's scope.

        What is staged already word for word is not staged again, where the provider dates it: a
        window sees the same page time and again. Nor is what cannot be read: it waits for a replay.
        """
        if not walks.held(page):
            return "late", None
        staged = None
        if listed.answer.texts:
            body = answers.envelope(page.kind, "", listed.answer.outcome, listed.answer.texts)
            said = self._read(page, listed.answer, body)
            dated = said is None or judging.is_dated(said)
            known = dated and _is_staged(page, body)
            staged = None if known else _stage(page, listed.answer, body)
        provider = loading.settings([page.source_id])[page.source_id].provider_in(self._providers)
        overlap = (provider.api.window if provider.api else None) or walks.EVERY
        walks.turned(page, listed.cursor, staged=int(bool(staged)), left=left, overlap=overlap)
        return ("staged" if staged else "known"), staged

    def _said(self, one: Taken, answer: Answer, body: bytes) -> Said:
        stated = self._read(one, answer, body)
        return _NOTHING if stated is None else judging.said(stated, one.external_id)

    def _read(self, one: Taken | Page, answer: Answer, body: bytes) -> Sequence[Statement] | None:
        """Read an answer as settling will. What cannot be read is None, and staged all the same:
        settling says why, and shows it."""
        source = loading.settings([one.source_id])[one.source_id]
        try:
            return self._understood(one, answer, body, source)
        except Exception as error:
            log.warning("answer_unread", source=one.source_id, error=outcomes.fingerprint(error))
            return None

    def _understood(
        self, one: Taken | Page, answer: Answer, body: bytes, source: Settings
    ) -> Sequence[Statement]:
        delivery = loading.request(
            source.public_url, "GET", "", b"", b"", body, one.read_at, answer.date
        )
        (event,) = answers.split(delivery)
        provider = source.provider_in(self._providers)
        normalise = provider.normalisers[event.type]
        context = source.context(one.read_at, delivery.answered)
        if isinstance(one, Page):
            nested = nested_in(provider, event.type)
            return pages.state(normalise, event, context, nested=nested)[0] or ()
        return normalise(event, context) or ()

    def _remember(self, one: Taken, clock: int | None) -> None:
        if clock is not None:
            self._last.pop(_key(one), None)
            self._last[_key(one)] = (clock, one.read_at)
        while len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)


def _key(one: Taken) -> tuple[int, str, str]:
    return one.source_id, one.kind, one.external_id


def _stage(one: Taken | Page, answer: Answer, body: bytes, over: int | None = None) -> UUID:
    origin, cause = (
        (Origin.FETCHED, one.cause) if isinstance(one, Taken) else (Origin.BACKFILL, None)
    )
    row = AnswerRow(
        one.account_id, one.source_id, origin.value, body,
        read_at=one.read_at, date=answer.date, over=over, cause=cause,
    )  # fmt: skip
    with connection.wrap_database_errors, connection.cursor() as cursor:
        return stage_answer(cursor, row)


def _is_staged(page: Page, body: bytes) -> bool:
    return StagedDelivery.objects.filter(
        source_id=page.source_id, sha256=sha256(body).digest(), origin=Origin.BACKFILL
    ).exists()


def _known(one: Taken, subjects: Iterable[Subject]) -> list[int]:
    """Return the clocks of the rows of what an answer is about: its content's, its tombstone's."""
    clocks = []
    for subject in subjects:
        model = _MODELS[subject.kind]
        content = "header_stamp" if model is Sale else "content_stamp"
        key = entity_id(one.source_id, subject.kind, subject.external_id)
        found = model.objects.filter(pk=key).values_list(content, "gone_stamp")
        clocks += [_clock(bytes(stamp)) for pair in found for stamp in pair if _is_full(stamp)]
    return clocks


def _is_full(stamp: bytes) -> bool:
    return bool(stamp) and bytes(stamp)[0] >= Rank.FULL


def _clock(stamp: bytes) -> int:
    # A stamp: one byte of rank, eight of clock (sales/drafts.py).
    return int.from_bytes(stamp[1:9], "big")
