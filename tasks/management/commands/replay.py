"""``manage.py replay``: settle staged deliveries again, after a mapper or a setting changed."""

import time
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from accounts.commandline import JsonCommand, add_json, fail, find_account, moment, table
from tasks import actors, replays, selection
from tasks.models import Outcome, Replay
from tasks.selection import Filter

_VERBS = ("start", "list", "resume", "cancel")
_SHOWN = 20
#: Seconds between two lines of progress.
_TELL = 2.0


class Command(JsonCommand):
    help = (
        "Разобрать сохранённые доставки ещё раз: сначала считает, потом разбирает по частям, "
        "уступая живым продажам. Повторы ничего не удваивают.\n"
        "Settle staged deliveries again: counts first, then works in bounded pages and gives way "
        "to live sales. Nothing is doubled."
    )
    examples = """
примеры / examples:
  manage.py replay --dry-run                          # сколько всего / how many there are
  manage.py replay --account cafe --outcome unsupported
  manage.py replay --source 3 --from 2026-11-01 --to 2026-11-08
  manage.py replay --reason "not an amount" --detach  # в фоне / in the background
  manage.py replay list                               # последние / the latest
  manage.py replay cancel 7                           # остановить / stop
  manage.py replay resume 7                           # продолжить / go on where it was
  manage.py replay --after 019a…                      # только после / only behind this id
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "verb", nargs="?", choices=_VERBS, default="start", help="что сделать / what to do"
        )
        parser.add_argument("run", nargs="?", type=int, metavar="N", help="номер / which replay")
        parser.add_argument("--source", type=int, metavar="ID", help="источник / one source")
        parser.add_argument("--account", metavar="SLUG", help="аккаунт / one account")
        parser.add_argument(
            "--from", dest="since", metavar="ISO", help="получено с / received since (UTC)"
        )
        parser.add_argument(
            "--to", dest="until", metavar="ISO", help="получено раньше / received before (UTC)"
        )
        parser.add_argument("--type", metavar="T", help="тип события / type of event")
        parser.add_argument(
            "--outcome", choices=Outcome.values, help="последний исход / latest outcome"
        )
        parser.add_argument(
            "--reason", metavar="R", help="причина неразобранного / reason of an open dead letter"
        )
        parser.add_argument("--after", type=UUID, metavar="ID", help="после / behind this id")
        parser.add_argument("--dry-run", action="store_true", help="только посчитать / only count")
        parser.add_argument(
            "--detach", action="store_true", help="не ждать конца / do not wait for the end"
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['verb']}")(options)

    def _start(self, options: dict[str, Any]) -> None:
        chosen = _filter(options)
        total = selection.count(chosen, self._tell_count)
        if options["dry_run"]:
            self.answer(options, {"deliveries": total}, f"доставок / deliveries: {total}")
            return
        run = replays.start(chosen, total=total, cause="command")
        self._go_on(run, options)

    def _list(self, options: dict[str, Any]) -> None:
        runs = [replays.describe(run) for run in Replay.objects.order_by("-pk")[:_SHOWN]]
        heads = ("replay", "state", "deliveries", "total", "outcomes", "filter", "created_at")
        text = table(heads, [[run[name] for name in heads] for run in runs])
        self.answer(options, {"replays": runs}, text)

    def _resume(self, options: dict[str, Any]) -> None:
        run = _named(options)
        if not replays.resume(run.pk):
            raise fail(
                f"Повторный разбор {run.pk} уже закончен: начните новый",
                f"Replay {run.pk} has ended: start another",
            )
        self._go_on(run, options)

    def _cancel(self, options: dict[str, Any]) -> None:
        run = _named(options)
        replays.cancel(run.pk)
        self._report(run, options)

    def _go_on(self, run: Replay, options: dict[str, Any]) -> None:
        run.refresh_from_db()
        if options["detach"]:
            actors.ring_replay(run.pk)
        else:
            self._drive(run)
        self._report(run, options)

    def _drive(self, run: Replay) -> None:
        """Take page after page until the run has ended, whoever took the last."""
        told = time.monotonic()
        try:
            while run.state == Replay.State.RUNNING:
                page = replays.step(run.pk)
                run.refresh_from_db()
                if time.monotonic() - told >= _TELL:
                    self.stderr.write(f"{run.done}/{run.total}")
                    told = time.monotonic()
                time.sleep(page.rest if page else 0.2)
        except KeyboardInterrupt:
            self.stderr.write(
                f"Разбор {run.pk} продолжат часы; остановить: manage.py replay cancel {run.pk} / "
                f"The clock goes on with replay {run.pk}; stop it: manage.py replay cancel {run.pk}"
            )
            raise SystemExit(130) from None

    def _report(self, run: Replay, options: dict[str, Any]) -> None:
        run.refresh_from_db()
        counts = ", ".join(f"{name} {count}" for name, count in sorted(run.outcomes.items()))
        self.answer(
            options,
            replays.describe(run),
            f"разбор / replay {run.pk}: {run.get_state_display()} / {run.state}; "
            f"доставок / deliveries: {run.done}; события / events: {counts or 0}",
        )

    def _tell_count(self, so_far: int) -> None:
        self.stderr.write(f"считаю / counting: {so_far}…")


def _named(options: dict[str, Any]) -> Replay:
    found = Replay.objects.filter(pk=options["run"]).first()
    if found is None:
        raise fail(
            f"Нет повторного разбора {options['run']}: смотрите manage.py replay list",
            f"There is no replay {options['run']}: see manage.py replay list",
        )
    return found


def _filter(options: dict[str, Any]) -> Filter:
    account = find_account(options["account"]).pk if options["account"] else None
    return Filter(
        source=options["source"],
        account=account,
        since=moment("--from", options["since"]),
        until=moment("--to", options["until"]),
        type=options["type"],
        outcome=options["outcome"],
        reason=options["reason"],
        after=options["after"] or selection.NIL,
    )
