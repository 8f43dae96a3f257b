"""``manage.py deadletters``: what could not be read, and what to do about it."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.commandline import JsonCommand, every_account, fail, subcommands, table, verb
from tasks import pipeline
from tasks.deadletters import Filter, drop, open_letters, requeue

_SHOWN = 100


class Command(JsonCommand):
    help = (
        "Неразобранные события: показать, отправить на разбор ещё раз, закрыть с причиной.\n"
        "Dead letters: list them, settle them again, drop them with a reason."
    )
    examples = """
примеры / examples:
  manage.py deadletters list
  manage.py deadletters requeue --source 3 --path sale.total
  manage.py deadletters drop 17 18 --reason "пробные чеки"
"""

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = subcommands(parser)
        texts = {
            "list": "показать открытые / show the open ones",
            "requeue": "разобрать ещё раз / settle again",
            "drop": "закрыть без разбора / close without settling",
        }
        for name, text in texts.items():
            _selection(verb(verbs, name, text))
        verbs.choices["drop"].add_argument(
            "--reason", dest="why", required=True, help="почему / why"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Filter(
            ids=options["ids"], source=options["source"], type=options["type"], path=options["path"]
        )
        if options["verb"] != "list" and chosen == Filter(ids=[]):
            raise fail(
                "Назовите номера или отбор: --source, --type, --path",
                "Name ids or a filter: --source, --type, --path",
            )
        getattr(self, options["verb"])(chosen, options)

    def list(self, chosen: Filter, options: dict[str, Any]) -> None:
        """Show open dead letters, the newest first."""
        names = ("id", "created_at", "source_id", "type", "key", "path", "reason", "delivery_id")
        with every_account():
            total = open_letters(chosen).count()
            rows = list(open_letters(chosen).values(*names)[:_SHOWN])
        text = table(names, [[row[name] for name in names] for row in rows])
        self.answer(options, {"open": total, "results": rows}, f"{text}\n\n{total}")

    def requeue(self, chosen: Filter, options: dict[str, Any]) -> None:
        """Settle the deliveries of dead letters again, here and now."""
        with every_account():
            ids = requeue(chosen)
        outcomes = dict(pipeline.settle(ids))
        value = {"deliveries": len(ids), "outcomes": outcomes}
        self.answer(options, value, f"доставок / deliveries: {len(ids)}; {outcomes}")

    def drop(self, chosen: Filter, options: dict[str, Any]) -> None:
        """Close dead letters with a reason."""
        with every_account():
            count = drop(chosen, options["why"])
        self.answer(options, {"dropped": count}, f"закрыто / dropped: {count}")


def _selection(parser: CommandParser) -> None:
    parser.add_argument("ids", nargs="*", type=int, metavar="ID")
    parser.add_argument("--source", type=int, metavar="ID", help="источник / one source")
    parser.add_argument("--type", help="тип события / type of event")
    parser.add_argument("--path", help="место в данных / path in the payload")
