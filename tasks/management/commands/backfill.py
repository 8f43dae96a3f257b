"""``manage.py backfill``: load what a provider remembers of the past."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.commandline import JsonCommand, add_json, every_account, fail, moment, table
from accounts.models import Source
from accounts.rls import scoped
from integrations.asking import Api, Listing
from integrations.registry import PROVIDERS
from tasks.fetching import walks
from tasks.models import Backfill

_SHOWN = 20
#: Seconds between two looks at how far it has come, between two lines of progress, and until it
#: is said that nobody seems to be at work.
_LOOK, _TELL, _SILENCE = 0.2, 2.0, 30.0
#: How long a person may take to repeat the command with the time that he was told.
_TYPING = timedelta(minutes=15)
_VERBS = ("list", "cancel", "resume")


class Command(JsonCommand):
    help = (
        "Загрузить прошлое: страницу за страницей из списка провайдера, в пределах его бюджета. "
        "Работают часы; прерванное продолжит та же команда. Повторы ничего не удваивают.\n"
        "Load the past: page by page from the provider's list, within its budget. The clock does "
        "the work; the same command goes on with what was interrupted. Nothing is doubled."
    )
    examples = """
примеры / examples:
  manage.py backfill 3 --from 2026-11-01 --to 2026-11-08
  manage.py backfill 3 --from 2026-11-01 --to 2026-11-08 --kind demand --detach
  manage.py backfill list                     # последние / the latest
  manage.py backfill cancel 7                 # остановить / stop
  manage.py backfill resume 7                 # продолжить / go on where it was
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "what", metavar="ID|list|cancel|resume", help="источник или действие / source or verb"
        )
        parser.add_argument("run", nargs="?", type=int, metavar="N", help="номер / which back-fill")
        parser.add_argument("--from", dest="since", metavar="ISO", help="с / from (UTC)")
        parser.add_argument("--to", dest="until", metavar="ISO", help="до / to (UTC)")
        parser.add_argument("--kind", metavar="K", help="только этот список / this list only")
        parser.add_argument(
            "--detach", action="store_true", help="не ждать конца / do not wait for the end"
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        verb = options["what"]
        if verb in _VERBS:
            getattr(self, f"_{verb}")(options)
        else:
            self._start(options)

    def _start(self, options: dict[str, Any]) -> None:
        source, api = _source(options["what"])
        kinds = _kinds(api, source, options["kind"])
        since, until = moment("--from", options["since"]), moment("--to", options["until"])
        if since is None or until is None:
            raise fail(
                "С какого и по какое время? Например --from 2026-11-01 --to 2026-11-08",
                "From when to when? As in --from 2026-11-01 --to 2026-11-08",
            )
        if since >= until:
            raise fail("--from должно быть раньше --to", "--from must be before --to")
        for kind in kinds:
            _check_reach(kind, api.lists[kind], since)
        with scoped([source.account_id]):
            keys = [
                walks.start(source, kind, *part).pk
                for kind in kinds
                for part in walks.parts(since, until, api.lists[kind].longest)
            ]
        self._follow(source, keys, options)

    def _list(self, options: dict[str, Any]) -> None:
        with every_account():
            found = [walks.describe(one) for one in Backfill.objects.order_by("-pk")[:_SHOWN]]
        heads = (
            *("backfill", "source", "kind", "window", "since", "until", "state", "pages"),
            *("staged", "attempts", "last_error"),
        )
        text = table(heads, [[one[name] for name in heads] for one in found])
        self.answer(options, {"backfills": found}, text)

    def _cancel(self, options: dict[str, Any]) -> None:
        with every_account():
            run = _named(options)
            walks.cancel(run.pk)
            run.refresh_from_db()
        self._report([run], options)

    def _resume(self, options: dict[str, Any]) -> None:
        with every_account():
            run = _named(options)
            if not walks.resume(run.pk):
                raise fail(
                    f"Загрузка {run.pk} закончена: начните новую",
                    f"Back-fill {run.pk} has ended: start another",
                )
        self._follow(run.source, [run.pk], options)

    def _follow(self, source: Source, keys: list[int], options: dict[str, Any]) -> None:
        """Show how far the walks have come until they end."""
        told = moved = time.monotonic()
        pages = -1
        try:
            while True:
                runs = _runs(source, keys)
                if options["detach"] or all(one.state != Backfill.State.RUNNING for one in runs):
                    break
                if sum(one.pages for one in runs) != pages:
                    pages, moved = sum(one.pages for one in runs), time.monotonic()
                if time.monotonic() - told >= _TELL:
                    told = time.monotonic()
                    self._tell(source, runs, idle=told - moved > _SILENCE)
                time.sleep(_LOOK)
        except KeyboardInterrupt:
            self.stderr.write(
                "Загрузку продолжат часы; остановить: manage.py backfill cancel N / "
                "The clock goes on with it; stop it: manage.py backfill cancel N"
            )
            raise SystemExit(130) from None
        self._report(runs, options)

    def _tell(self, source: Source, runs: list[Backfill], *, idle: bool) -> None:
        api = PROVIDERS[source.provider].api
        for one in runs:
            left = "—" if one.left is None or api is None else f"{one.left}/{api.budget.units}"
            error = f"; {one.last_error}" if one.last_error else ""
            self.stderr.write(
                f"{one.pk} {one.kind}: страниц / pages {one.pages}, новых / new {one.staged}, "
                f"бюджет / budget {left}{error}"
            )
        if idle:
            self.stderr.write(
                "ничего не движется: работают ли часы (manage.py clock)? / "
                "nothing moves: does the clock run (manage.py clock)?"
            )

    def _report(self, runs: list[Backfill], options: dict[str, Any]) -> None:
        lines = [
            f"загрузка / back-fill {one.pk} {one.kind}: {one.get_state_display()} / {one.state}; "
            f"страниц / pages: {one.pages}; новых / new: {one.staged}"
            + (f"; {one.last_error}" if one.last_error else "")
            for one in runs
        ]
        found = [walks.describe(one) for one in runs]
        self.answer(options, {"backfills": found}, "\n".join(lines))


def _runs(source: Source, keys: list[int]) -> list[Backfill]:
    with scoped([source.account_id]):
        return list(Backfill.objects.filter(pk__in=keys).order_by("pk"))


def _named(options: dict[str, Any]) -> Backfill:
    found = Backfill.objects.select_related("source").filter(pk=options["run"]).first()
    if found is None:
        raise fail(
            f"Нет загрузки {options['run']}: смотрите manage.py backfill list",
            f"There is no back-fill {options['run']}: see manage.py backfill list",
        )
    return found


def _source(text: str) -> tuple[Source, Api]:
    with every_account():
        found = Source.objects.filter(pk=int(text)).first() if text.isdecimal() else None
    if found is None:
        raise fail(
            f"Нет источника «{text}»: номера показывает `source list`",
            f"No source {text!r}: `source list` shows the ids",
        )
    api = PROVIDERS[found.provider].api if found.provider in PROVIDERS else None
    if api is None or not api.lists:
        raise fail(
            f"Провайдер {found.provider} не отдаёт списков: загрузить прошлое нельзя",
            f"Provider {found.provider} gives out no lists: the past cannot be loaded",
        )
    if found.is_app:
        raise fail(
            f"Источник {found.pk} — приложение: прошлое загружают источники его продавцов",
            f"Source {found.pk} is an app: the past is loaded by the sources of its merchants",
        )
    return found, api


def _check_reach(kind: str, listing: Listing, since: datetime) -> None:
    """Refuse to ask for what a list no longer has: its silence would say that nothing was lost."""
    if listing.reaches is None:
        return
    earliest = timezone.now() - listing.reaches
    if since < earliest:
        first = (earliest + _TYPING).strftime("%Y-%m-%dT%H:%MZ")
        days = listing.reaches.days
        raise fail(
            f"--from: список «{kind}» помнит {days} дней, начните с {first}: более старого в нём "
            "нет, и пустой ответ не значил бы, что ничего не потеряно",
            f"--from: the list {kind!r} goes back {days} days, begin at {first}: what is older is "
            "not in it, and an empty answer would not mean that nothing was lost",
        )


def _kinds(api: Api, source: Source, chosen: str | None) -> list[str]:
    if chosen is not None and chosen not in api.lists:
        known = ", ".join(sorted(api.lists))
        raise fail(
            f"--kind: у {source.provider} нет списка «{chosen}», есть: {known}",
            f"--kind: {source.provider} has no list {chosen!r}, there are: {known}",
        )
    return [chosen] if chosen else sorted(api.lists)
