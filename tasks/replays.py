"""Settle staged deliveries again: runs that are counted, paged, resumable and easy on live sales.

A run is a row. Whoever has a moment takes its next page (the command, a worker on the queue
``bulk``, the clock): one at a time, by a lease, and with a rest after each page while live
deliveries come in.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from . import inbox, options, pipeline, selection, sql
from .models import Replay
from .selection import Filter
from .understanding import Providers

#: Seconds until a page is tried again whose deliveries somebody else has claimed.
_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """What became of a page: how many deliveries it settled, and the rest to take (seconds)."""

    settled: int
    rest: float


def start(chosen: Filter, *, total: int | None = None, cause: str = "") -> Replay:
    """Begin a run over what is staged now."""
    run = Replay(filter=chosen.as_json(), total=total, cause=cause, after=chosen.after)
    run.upto = None if chosen.upto == selection.LAST else chosen.upto
    run.save()
    run.refresh_from_db()
    return run


def step(key: int, *, providers: Providers | None = None) -> Page | None:
    """Take the next page of a run; None where it has ended, rests, or is in other hands.

    Raises a database error where nothing could be done; the lease then ends by itself.
    """
    run = _take(key)
    if run is None:
        return None
    begun = time.monotonic()
    chosen = Filter.from_json(run.filter, run.after, run.upto or selection.LAST)
    found = selection.look(chosen, limit=options.replay_batch())
    outcomes = replay(found.ids, providers=providers) if found.ids else Counter[str]()
    if inbox.unfinished(found.ids):
        # A crash left them leased, or the database gave them back: the same page again.
        _rest(run, _AGAIN)
        return Page(0, _AGAIN)
    # Nobody needs the machine: a hundred thousand deliveries should not take hours out of courtesy.
    rest = (time.monotonic() - begun) * options.replay_rest() if inbox.live() else 0.0
    run.after = found.after or (found.ids or [run.after])[-1]
    run.done += len(found.ids)
    run.outcomes = dict(Counter(run.outcomes) + outcomes)
    _rest(run, rest, ended=found.after is None)
    return Page(len(found.ids), rest)


def _take(key: int) -> Replay | None:
    """Take a run for the length of a lease."""
    rows = Replay.objects.filter(pk=key, state=Replay.State.RUNNING, due_at__lte=Now())
    if not rows.update(due_at=Now() + timedelta(seconds=options.lease())):
        return None
    run = Replay.objects.get(pk=key)
    if run.upto is None:
        run.upto = selection.newest()
    return run


def _rest(run: Replay, seconds: float, *, ended: bool = False) -> None:
    """Keep how far a run has come; one that was cancelled meanwhile stays so."""
    Replay.objects.filter(pk=run.pk).update(
        after=run.after,
        upto=run.upto,
        done=run.done,
        outcomes=run.outcomes,
        changed_at=Now(),
        due_at=Now() + timedelta(seconds=seconds),
    )
    if ended:
        rows = Replay.objects.filter(pk=run.pk, state=Replay.State.RUNNING)
        rows.update(state=Replay.State.DONE)


def waiting(grace: float) -> int | None:
    """Return a run that nobody has advanced for so long (seconds), if there is one."""
    due = Now() - timedelta(seconds=grace)
    rows = Replay.objects.filter(state=Replay.State.RUNNING, due_at__lte=due)
    return rows.order_by("due_at").values_list("pk", flat=True).first()


def cancel(run: int) -> bool:
    """End a run after the page at hand; say whether it was running."""
    rows = Replay.objects.filter(pk=run, state=Replay.State.RUNNING)
    return bool(rows.update(state=Replay.State.CANCELLED, changed_at=Now()))


def resume(run: int) -> bool:
    """Let a cancelled run go on where it was, or one that rests go on now; say whether it can."""
    rows = Replay.objects.filter(pk=run).exclude(state=Replay.State.DONE)
    return bool(rows.update(state=Replay.State.RUNNING, changed_at=Now(), due_at=Now()))


def describe(run: Replay) -> dict[str, Any]:
    """Return a run as people and programs see it."""
    return {
        "replay": run.pk,
        "state": run.state,
        "deliveries": run.done,
        "total": run.total,
        "outcomes": run.outcomes,
        "filter": run.filter,
        "after": run.after,
        "created_at": run.created_at,
        "changed_at": run.changed_at,
    }


def replay(ids: Sequence[UUID], *, providers: Providers | None = None) -> Counter[str]:
    """Put deliveries back into the inbox and settle them, what the ledger knows included."""
    enlist(ids)
    return pipeline.settle(ids, replay=True, providers=providers)


def enlist(ids: Sequence[UUID]) -> None:
    """Put deliveries of any account back into the inbox, due now."""
    with transaction.atomic():
        sql.scope_everything()
        inbox.enlist(ids)
