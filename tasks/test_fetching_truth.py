"""Answers in any order: rows depend on what is staged alone, and end as what the provider has."""

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from accounts.models import Source
from accounts.rls import scoped
from ingest.models import Delivery
from integrations.clocks import version_of_absence, version_of_answer
from integrations.contract import Answered, Context
from sales.drafts import Header, Line, Rank, SaleDraft, Version
from tasks import rebuilding
from tasks.fetching import judging
from tasks.fetching.fetcher import Fetcher
from tasks.fetching.judging import AGAIN, is_lagging
from tasks.fetching.work import Work
from tasks.models import Fetch
from tasks.pipeline import settle
from tasks.rebuilding.report import Report
from tests.played import Request, Said, playing, turn_until, working
from tests.settling import eventually, put, sales
from tests.thin import DAY, HOST, THINS, answers_of, at, make_thin, reads, told

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(slots=True)
class Replicas:
    """A CRM whose deals change, are deleted and come back, read through replicas that lag: each
    reading sees the history up to some recent step.

    ``lag`` is how many steps at most. Without lag the clock is coarse: several changes a second.
    Both at once nobody could tell apart.
    """

    chance: random.Random
    history: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)
    seconds: int = 0
    lag: int = 0

    def change(self, name: str) -> dict[str, Any]:
        """Let something happen to a deal; return the thin event that tells of it."""
        self.seconds += 1 if self.lag else self.chance.choice([0, 0, 1])
        steps = self.history.setdefault(name, [])
        is_there = bool(steps) and steps[-1] is not None
        key = f"{name}-{len(steps)}"
        if is_there and self.chance.random() < 0.3:
            steps.append(None)
            return told(key, name, deleted=True)
        total = f"{self.chance.randint(1, 999)}.00"
        steps.append({"id": name, "total": total, "updated": self.seconds})
        return told(key, name, at=self.seconds)

    def __call__(self, request: Request) -> Said:
        """Answer as some replica sees the deal now."""
        steps = self.history[request.path.removeprefix("/deals/")]
        seen = len(steps) - 1 - self.chance.randint(0, self.lag)
        deal = steps[seen] if seen >= 0 else None
        return Said(404, {}) if deal is None else Said(200, deal)

    def truth(self) -> dict[str, str]:
        """Return what the CRM has: deal → total."""
        last = {name: steps[-1] for name, steps in self.history.items()}
        return {name: f"{deal['total']}00" for name, deal in last.items() if deal is not None}


def rows(source: Source) -> dict[str, str]:
    return {
        str(sale["external_id"]): str(sale["total"]) for sale in sales(source) if sale["visible"]
    }


def all_staged(source: Source) -> list[UUID]:
    with scoped([source.account_id]):
        return list(Delivery.objects.filter(source=source).values_list("id", flat=True))


def wait_over(source: Source, *, lagged: int = len(AGAIN)) -> None:
    """Let time pass, though not for those that lagged more often than that."""
    with scoped([source.account_id]):
        waiting = Fetch.objects.filter(source=source, token=None, lagged__lte=lagged)
        waiting.update(due_at=Now())


@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_replicas_answer_the_rows_end_as_what_the_provider_has(
    seed: int, lag: int
) -> None:
    chance = random.Random(seed)
    source, crm = make_thin(), Replicas(chance, lag=lag)
    with playing(crm) as played, working(THINS, played.client(HOST)) as work:
        for _ in range(25):
            event = crm.change(chance.choice("abc"))
            settle(put(source, event), providers=THINS)
            if chance.random() < 0.6:
                work.turn(rest=0.01)
            if chance.random() < 0.3:
                wait_over(source, lagged=len(AGAIN) - 1)
            if chance.random() < 0.4:
                some = [one for one in all_staged(source) if chance.random() < 0.6]
                settle(some, providers=THINS)

        crm.lag = 0  # the network is quiet, and the replicas have caught up
        for _ in range(len(AGAIN) + 1):
            wait_over(source)
            assert turn_until(work, lambda: not work.running and not _due(source))
    settle(all_staged(source), providers=THINS)

    assert rows(source) == crm.truth()
    assert reads(source) == []


def _due(source: Source) -> bool:
    with scoped([source.account_id]):
        return Fetch.objects.filter(source=source, due_at__lte=Now()).exists()


@pytest.mark.parametrize("seed", range(2))
def test_the_order_in_which_answers_settle_changes_nothing_and_a_rebuild_gives_the_same(
    seed: int,
) -> None:
    chance = random.Random(seed)
    source, crm = make_thin(), Replicas(chance, lag=2)
    with playing(crm) as played, working(THINS, played.client(HOST)) as work:
        for _ in range(15):
            settle(put(source, crm.change(chance.choice("ab"))), providers=THINS)
            for _ in range(len(AGAIN) + 1):
                wait_over(source)
                turn_until(work, lambda: not work.running and not _due(source))
    staged = all_staged(source)
    chance.shuffle(staged)

    for one in staged:
        settle([one], providers=THINS)

    report = Report()
    with rebuilding.session():
        walk = rebuilding.prepare(source.account_id, "crm", providers=THINS)
        walk.compare(report)
    assert len(answers_of(source)) > 5
    assert not report
    assert rows(source) != {} or crm.truth() == {}


CONTEXT = Context(currency="RUB", timezone="UTC", received=at(100), answered=Answered(at(99)))


def test_a_facet_with_a_clock_of_its_own_does_not_date_the_object() -> None:
    header = Header(currency="RUB", occurred_at=DAY)
    dated = version_of_answer(DAY, CONTEXT)
    drafts = [
        SaleDraft(external_id="7", version=dated, header=header),
        SaleDraft(external_id="7", version=version_of_answer(None, CONTEXT), lines=(Line(),)),
        SaleDraft(external_id="8", version=version_of_absence(CONTEXT), gone=True),
        SaleDraft(external_id="7", version=Version(Rank.PARTIAL, at(500)), header=header),
    ]

    said = judging.said(drafts, "7")

    assert (said.clock, said.latest) == (at(0), at(0))
    assert said.subjects == {judging.Subject("sale", "7")}


@pytest.mark.parametrize(
    ("outcome", "clock", "over", "deleted", "lags"),
    [
        ("read", 5, 5, False, False),
        ("read", 4, 5, False, True),
        ("read", 6, 5, False, False),
        ("read", None, 5, False, False),
        ("read", 5, None, False, False),
        ("read", 6, 5, True, False),
        ("read", 5, 5, True, True),
        ("read", None, 5, True, True),
        ("read", 5, None, True, True),
        ("missing", None, 5, False, True),
        ("missing", None, None, True, False),
    ],
)
def test_what_contradicts_is_of_a_lagging_replica(
    outcome: str, clock: int | None, over: int | None, deleted: bool, lags: bool
) -> None:
    assert is_lagging(outcome, clock, over=over, deleted=deleted) is lags


def test_the_clocks_thread_asks_while_it_leads_and_ends_promptly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tasks.fetching import fetcher as module

    source = make_thin()
    settle(put(source, told("e1", 7)), providers=THINS)

    with playing(lambda _: Said(200, {"id": "7", "total": "1.00"})) as played:
        client = played.client(HOST)
        monkeypatch.setattr(module, "Work", lambda _, ring: Work(THINS, client, ring))
        one = Fetcher()
        one.tick()
        answered = eventually(lambda: bool(answers_of(source)))
        one.stop(10)

    assert answered
    assert one._thread is not None
    assert not one._thread.is_alive()
