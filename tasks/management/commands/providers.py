"""``manage.py providers``: the tills and CRMs that can be heard, and what is known of each."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.commandline import JsonCommand, add_json, fail, table
from integrations.catalogue import described, heard
from integrations.catalogue_page import PAGE, page
from integrations.registry import PROVIDERS

_HEADS = ("slug", "title", "signed", "asks", "lists", "app", "within")


class Command(JsonCommand):
    help = (
        "Показывает провайдеров: чем доказана доставка, что читается, чего ждёт отправитель.\n"
        "Shows the providers: what proves a delivery, what is read, what the sender expects."
    )
    examples = """
примеры / examples:
  manage.py providers
  manage.py providers --json       # всё, что известно / all that is known
  manage.py providers --docs       # записать docs/providers.md заново / write it anew
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--docs", action="store_true", help="записать docs/providers.md / write that page"
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the providers, and write their page where it is asked for."""
        if options["docs"]:
            _write()
        known = [described(one) for one in heard(PROVIDERS.values())]
        text = table(_HEADS, [_row(one) for one in known])
        self.answer(options, {"providers": known}, text)


def _row(one: dict[str, Any]) -> list[Any]:
    flags = {name: "да" if one[name] else "" for name in ("signed", "app")}
    kinds = {name: ", ".join(one[name]) for name in ("asks", "lists")}
    shown = one | flags | kinds | {"within": one["sender"]["within"]}
    return [shown[head] for head in _HEADS]


def _write() -> None:
    try:
        PAGE.write_text(page(PROVIDERS.values()))
    except OSError as error:
        raise fail(
            f"--docs: {PAGE} не записать: {error.strerror}",
            f"--docs: {PAGE} cannot be written: {error.strerror}",
        ) from error
