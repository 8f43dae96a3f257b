"""``manage.py replay``: settle staged deliveries again, after a mapper or a setting changed."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from accounts.commandline import JsonCommand, add_json, fail, find_account
from tasks import replays
from tasks.models import Outcome
from tasks.replays import Filter


class Command(JsonCommand):
    help = (
        "Разобрать сохранённые доставки ещё раз: сначала считает, потом разбирает по частям. "
        "Повторы ничего не удваивают.\n"
        "Settle staged deliveries again: counts first, then works in bounded batches. Nothing is "
        "doubled."
    )
    examples = """
примеры / examples:
  manage.py replay --dry-run                          # сколько всего / how many there are
  manage.py replay --account cafe --outcome unsupported
  manage.py replay --source 3 --from 2026-11-01 --to 2026-11-08
  manage.py replay --type order.updated --json
  manage.py replay --after 019a…                      # продолжить после / resume behind this id
"""

    def add_arguments(self, parser: CommandParser) -> None:
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
        parser.add_argument("--after", type=UUID, metavar="ID", help="продолжить / resume")
        parser.add_argument("--dry-run", action="store_true", help="только посчитать / only count")
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _filter(options)
        total = replays.count(chosen)
        if options["dry_run"]:
            self.answer(options, {"deliveries": total}, f"доставок / deliveries: {total}")
            return
        done, outcomes = 0, Counter[str]()
        for page in replays.pages(chosen):
            outcomes += replays.replay(page)
            done += len(page)
            self.stderr.write(f"{done}/{total}  --after {page[-1]}")
        counts = ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()))
        self.answer(
            options,
            {"deliveries": done, "outcomes": dict(outcomes)},
            f"доставок / deliveries: {done}; события / events: {counts or 0}",
        )


def _filter(options: dict[str, Any]) -> Filter:
    account = find_account(options["account"]).id if options["account"] else None
    return Filter(
        source=options["source"],
        account=account,
        since=_time("--from", options["since"]),
        until=_time("--to", options["until"]),
        type=options["type"],
        outcome=options["outcome"],
        **({"after": options["after"]} if options["after"] else {}),
    )


def _time(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001
    except ValueError:
        found = None
    if found is None:
        raise fail(
            f"{option}: «{text}» не время; нужно 2026-11-01 или 2026-11-01T09:00:00Z",
            f"{option}: {text!r} is no time; give 2026-11-01 or 2026-11-01T09:00:00Z",
        )
    return found if found.tzinfo else found.replace(tzinfo=UTC)
