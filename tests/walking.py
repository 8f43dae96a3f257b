"""Walks a list of a provider that a local server plays, as the clock or a person would."""

from collections.abc import Mapping
from datetime import datetime

from accounts.models import Source
from accounts.rls import scoped
from integrations.contract import Provider
from tasks.fetching import walks
from tasks.models import Backfill
from tests.played import Answering, Played, playing, turn_until, working
from tests.thin import settle_answers


def walked(
    source: Source,
    kind: str,
    stretch: tuple[datetime, datetime],
    answer: Answering,
    *,
    at: tuple[Mapping[str, Provider], *tuple[str, ...]],
) -> Played:
    """List everything of a kind within a stretch of time to its end, and settle what came.

    ``at`` are the providers and the hosts that ``answer`` plays.
    """
    providers, *hosts = at
    with scoped([source.account_id]):
        walk = walks.start(source, kind, *stretch)

    def ended() -> bool:
        with scoped([source.account_id]):
            return Backfill.objects.get(pk=walk.pk).state == "done"

    with playing(answer) as played, working(providers, played.client(*hosts)) as work:
        assert turn_until(work, ended)
    settle_answers(source, providers)
    return played
