"""``manage.py deadletters``: what could not be read, and what to do about it."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import CommandParser

from accounts.commandline import (
    JsonCommand,
    every_account,
    fail,
    find_account,
    subcommands,
    table,
    verb,
)
from tasks import deadletters, letters, pipeline, sql
from tasks.deadletters import Filter, Page
from tasks.models import DeadLetter

_SHOWN = 100
_CHANGING = ("requeue", "drop")
_PENDING = "SELECT count(*) FROM ingest_inbox WHERE delivery_id = ANY(%b::uuid[])"


class Command(JsonCommand):
    help = (
        "Неразобранные события: по группам и по одному, с телом у места ошибки; отправить на "
        "разбор ещё раз, закрыть с причиной.\n"
        "Dead letters: by group and one by one, with the body beside the failing path; settle "
        "them again, drop them with a reason."
    )
    examples = """
примеры / examples:
  manage.py deadletters groups
  manage.py deadletters list --account cafe --provider square
  manage.py deadletters show 17
  manage.py deadletters requeue --source 3 --path 'lines[*].total'   # разберут в фоне / in the background
  manage.py deadletters requeue --all --wait                         # разобрать здесь / settle here
  manage.py deadletters drop 17 18 --reason "пробные чеки"
"""  # noqa: E501

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = subcommands(parser)
        texts = {
            "groups": "сколько чего открыто / how many of what are open",
            "list": "показать открытые, новые первыми / show the open ones, newest first",
            "requeue": "разобрать ещё раз / settle again",
            "drop": "закрыть без разбора / close without settling",
        }
        for name, text in texts.items():
            _selection(verb(verbs, name, text), changes=name in _CHANGING)
        show = verb(verbs, "show", "тело у места ошибки / the body beside the failing path")
        show.add_argument("id", type=int, metavar="ID")
        verbs.choices["requeue"].add_argument(
            "--wait", action="store_true", help="разобрать здесь и сейчас / settle here and now"
        )
        verbs.choices["drop"].add_argument(
            "--reason", dest="why", required=True, help="почему / why"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["verb"])(options)

    def groups(self, options: dict[str, Any]) -> None:
        """Count what is open by provider, type, reason and path."""
        chosen = _filter(options)
        with every_account():
            found, whole = deadletters.groups(chosen)
        heads = ("letters", "provider", "type", "path", "reason", "last_id", "last_at")
        text = table(heads, [[getattr(group, name) for name in heads] for group in found])
        rest = "" if whole else f"\n(сосчитан первый миллион / of {deadletters.COUNTED} counted)"
        value = {"groups": [group._asdict() for group in found], "complete": whole}
        self.answer(options, value, text + rest)

    def list(self, options: dict[str, Any]) -> None:
        """Show open dead letters, the newest first."""
        names = ("id", "created_at", "source_id", "type", "key", "path", "reason", "delivery_id")
        with every_account():
            open_ones = deadletters.open_letters(_filter(options), before=options["before"])
            found = list(open_ones.values(*names)[: _SHOWN + 1])
        rows, more = found[:_SHOWN], len(found) > _SHOWN
        text = table(names, [[row[name] for name in names] for row in rows])
        rest = f"\n… ещё / more: --before {rows[-1]['id']}" if more else ""
        self.answer(options, {"results": rows, "more": more}, text + rest)

    def show(self, options: dict[str, Any]) -> None:
        """Show one letter with its attempts and the marked place in the body."""
        with every_account():
            letter = DeadLetter.objects.filter(pk=options["id"]).first()
            if letter is None:
                raise fail(
                    f"Нет письма {options['id']}: номера показывает deadletters list",
                    f"There is no letter {options['id']}: deadletters list shows the numbers",
                )
            value = letters.whole(letter) if options["json"] else {}
            self.answer(options, value, "" if value else letters.as_text(letter))

    def requeue(self, options: dict[str, Any]) -> None:
        """Put the deliveries of dead letters back into the inbox; settle them here on request."""
        chosen = _filter(options)
        count, deliveries, pending, outcomes = 0, 0, 0, Counter[str]()
        for page in self._pages(options, lambda before: deadletters.requeue(chosen, before=before)):
            count, deliveries = count + page.letters, deliveries + len(page.deliveries)
            if options["wait"]:
                outcomes += pipeline.settle(page.deliveries)
                pending += sql.rows(_PENDING, list(page.deliveries))[0][0]
        value: dict[str, Any] = {"letters": count, "deliveries": deliveries}
        text = f"писем / letters: {count}; доставок / deliveries: {deliveries}"
        if options["wait"]:
            value |= {"outcomes": dict(outcomes), "pending": pending}
            counts = ", ".join(f"{name} {number}" for name, number in sorted(outcomes.items()))
            text += f"; исходы / outcomes: {counts or 0}; ждут / pending: {pending}"
        self.answer(options, value, text)

    def drop(self, options: dict[str, Any]) -> None:
        """Close dead letters with a reason."""
        chosen, why = _filter(options), options["why"]
        pages = self._pages(options, lambda before: deadletters.drop(chosen, why, before=before))
        count = sum(page.letters for page in pages)
        self.answer(options, {"dropped": count}, f"закрыто / dropped: {count}")

    def _pages(self, options: dict[str, Any], work: Callable[[int | None], Page]) -> Iterator[Page]:
        """Change page by page, each a transaction of its own, and tell how far it got."""
        chosen, before, done = _filter(options), options["before"], 0
        if chosen == Filter() and not options["all"]:
            raise fail(
                "Назовите номера или отбор: --source, --type, --path … или --all",
                "Name ids or a filter: --source, --type, --path … or --all",
            )
        with every_account():
            total = deadletters.open_letters(chosen, before=before).count()
        while True:
            with every_account():
                page = work(before)
            yield page
            done, before = done + page.letters, page.next
            if before is None:
                return
            self.stderr.write(f"{done}/{total}  --before {before}")


def _filter(options: dict[str, Any]) -> Filter:
    accounts = (find_account(options["account"]).pk,) if options["account"] else None
    names = ("source", "provider", "type", "reason_is", "path")
    given = {name.removesuffix("_is"): options[name] for name in names}
    return Filter(ids=tuple(options["ids"]), accounts=accounts, **given)


def _selection(parser: CommandParser, *, changes: bool) -> None:
    parser.add_argument("ids", nargs="*", type=int, metavar="ID")
    parser.add_argument("--account", metavar="КОД", help="аккаунт / account slug")
    parser.add_argument("--source", type=int, metavar="ID", help="источник / one source")
    parser.add_argument("--provider", help="провайдер / provider")
    parser.add_argument("--type", help="тип события / type of event")
    parser.add_argument("--path", help="место, [*] — любой номер / path, [*] is any index")
    parser.add_argument(
        "--because", dest="reason_is", metavar="TEXT", help="причина смерти / why it died"
    )
    parser.add_argument("--before", type=int, metavar="ID", help="продолжить / go on below this id")
    if changes:
        parser.add_argument("--all", action="store_true", help="все открытые / all open ones")
