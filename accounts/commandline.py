"""What our commands share: examples in ``--help``, one JSON line, errors of one sentence.

A command prints a table for people, and with ``--json`` exactly one line of JSON on stdout.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import DatabaseError, OperationalError
from django.utils.dateparse import parse_date, parse_datetime, parse_duration
from psycopg.errors import InsufficientPrivilege, UndefinedColumn, UndefinedTable

from .models import Account, Source
from .rls import scoped

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Help(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's help with the examples left as they are written."""


class JsonCommand(BaseCommand):
    """A command whose answer is one value, shown to people or printed as one line of JSON."""

    #: Shown at the end of ``--help``.
    examples = ""
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add the examples to the help."""
        return super().create_parser(
            prog_name,
            subcommand,
            **{"formatter_class": Help, "epilog": self.examples.strip("\n"), **kwargs},
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run; a database that is away, empty or refuses is one sentence, never a traceback."""
        try:
            return super().execute(*args, **options)
        except DatabaseError as error:
            if told := explain(error):
                raise told from error
            raise

    def answer(self, options: Mapping[str, Any], value: Mapping[str, Any], text: str) -> None:
        """Print the value as one line of JSON, or the text where people read."""
        self.stdout.write(as_json(value) if options["json"] else text)


def subcommands(parser: CommandParser) -> "argparse._SubParsersAction[CommandParser]":
    """Let a command have verbs of its own: ``source add``, ``source list``."""
    return parser.add_subparsers(dest="verb", required=True, metavar="ДЕЙСТВИЕ", title="действия")


def verb(
    verbs: "argparse._SubParsersAction[CommandParser]",
    name: str,
    help_text: str,
    examples: str = "",
) -> CommandParser:
    """Add one verb with its help and ``--json``."""
    parser = verbs.add_parser(
        name, help=help_text, description=help_text, epilog=examples, formatter_class=Help
    )
    add_json(parser)
    return parser


def add_json(parser: CommandParser) -> None:
    """Add the option ``--json``."""
    parser.add_argument(
        "--json", action="store_true", help="одна строка JSON / one line of JSON on stdout"
    )


def fail(russian: str, english: str) -> CommandError:
    """Return the error of one sentence in both languages; the caller raises it."""
    return CommandError(f"{russian} / {english}")


def explain(error: DatabaseError) -> CommandError | None:
    """Return one sentence that says what to do next; None where the statement is our bug."""
    reason = " ".join(str(error).split())
    if isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
        return fail(
            "База не готова: выполните `make run` или `manage.py migrate`",
            f"The database is not ready: run `make run` or `manage.py migrate` ({reason})",
        )
    if isinstance(error.__cause__, InsufficientPrivilege):
        return fail(
            "Роли не хватает прав: задайте DATABASE_OWNER_URL",
            f"The role may not do this, set DATABASE_OWNER_URL: {reason}",
        )
    if isinstance(error, OperationalError):
        return fail(
            "База данных не отвечает или занята: проверьте DATABASE_URL и повторите",
            f"The database does not answer or is busy, check DATABASE_URL and repeat: {reason}",
        )
    return None


def as_json(value: Mapping[str, Any]) -> str:
    """Return one line of JSON; times and ids become text."""
    return json.dumps(value, ensure_ascii=False, default=str)


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Lay rows out in columns; a cell of None is a dash."""
    cells = [[*heads], *(["—" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def find_account(slug: str) -> Account:
    """Return the account named by ``--account``. Raises CommandError listing the known ones."""
    found = Account.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Account.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise fail(
            f"--account: нет аккаунта «{slug}», есть: {known or 'ни одного'}",
            f"--account: no account {slug!r}, there are: {known or 'none'}",
        )
    return found


def find_source(number: int, *, option: str = "", locked: bool = False) -> Source:
    """Return a source by its number, in a scope of its account. Raises CommandError naming the
    option, if one held it.

    ``locked``: until the transaction ends, nobody else changes it.
    """
    rows = Source.objects.select_for_update(of=("self",)) if locked else Source.objects
    found = rows.filter(pk=number).first()
    if found is None:
        russian, english = (f"{option}: нет", f"{option}: no") if option else ("Нет", "No")
        raise fail(
            f"{russian} источника {number}: номера показывает `source list`",
            f"{english} source {number}: `source list` shows the ids",
        )
    return found


@contextmanager
def every_account() -> Iterator[None]:
    """Open a transaction that sees all accounts: the person at the command line runs the house."""
    with scoped(list(Account.objects.values_list("id", flat=True))):
        yield


def duration(text: str) -> timedelta:
    """Read ``30m``, ``24h``, ``7d`` or Django's ``HH:MM:SS``; never negative.

    Raises ArgumentTypeError, which argparse turns into an error that names the option.
    """
    amount, unit = text[:-1], text[-1:]
    if amount.isascii() and amount.isdigit() and len(amount) <= 6 and unit in _UNITS:
        return timedelta(**{_UNITS[unit]: int(amount)})
    parsed = parse_duration(text) if ":" in text else None
    if parsed is None or parsed < timedelta(0):
        raise argparse.ArgumentTypeError(
            f"«{text}»: нужно время вида 30m, 24h или 7d / expected 30m, 24h or 7d"
        )
    return parsed


def moment(option: str, text: str | None) -> datetime | None:
    """Read a day or a time of an option, in UTC unless it says so. Raises CommandError."""
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
