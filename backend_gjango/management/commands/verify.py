"""``manage.py verify``: the invariants on the live database, one line each."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import connection

from accounts.commandline import JsonCommand, add_json, every_account, find_account
from backend_gjango.roles import as_owner
from tasks.invariants import CHECKS, Check, Finding, Scope


class Command(JsonCommand):
    help = (
        "Проверяет инварианты на живой базе: строка на каждый, код 1, если хоть один нарушен.\n"
        "Checks the invariants on the live database: one line each, exit 1 if any is broken."
    )
    examples = """
примеры / examples:
  manage.py verify                      # всё / everything
  manage.py verify --account cafe       # строки одного аккаунта / the rows of one account
  manage.py verify --json | python -m json.tool
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="КОД", help="аккаунт / account slug")
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run all checks; exit 1 where one fails."""
        account = find_account(options["account"]).pk if options["account"] else None
        scope = Scope(account, settings.DATABASE_APP_ROLE)
        results = []
        # The owner sees rows of accounts that are gone; short statements, no long snapshot.
        with as_owner():
            for check in CHECKS:
                finding = _run(check, scope)
                results.append((check, finding))
                if not options["json"]:
                    self.stdout.write(_line(check, finding))
                    self.stdout.flush()
        failed = [check for check, finding in results if finding.failed and not check.warning]
        self.answer(options, _value(results, bool(failed)), _summary(results, len(failed)))
        if failed:
            raise SystemExit(1)


def _run(check: Check, scope: Scope) -> Finding:
    if settings.DATABASE_OWNER is not None:
        with connection.cursor() as cursor:
            return check.run(cursor, scope)
    # One role only: it may be bound by the policies, so that it needs a scope to see anything.
    with every_account(), connection.cursor() as cursor:
        return check.run(cursor, scope)


def _state(check: Check, finding: Finding) -> str:
    if not finding.failed:
        return "ok"
    return "warning" if check.warning else "FAILED"


def _line(check: Check, finding: Finding) -> str:
    state = _state(check, finding)
    line = f"{state:<8}{check.id:<16}{check.title}"
    if not finding.failed:
        return f"{line} ({finding.examined})"
    shown = ", ".join(finding.examples)
    return f"{line}: {finding.failed}/{finding.examined} [{shown}] → {check.advice}"


def _summary(results: Sequence[tuple[Check, Finding]], failed: int) -> str:
    if failed:
        return f"Нарушено / broken: {failed} из / of {len(results)}"
    return f"Всё в порядке / all hold: {len(results)}"


def _value(results: Sequence[tuple[Check, Finding]], failed: bool) -> dict[str, Any]:
    checks = [
        {
            "id": check.id,
            "title": check.title,
            "state": _state(check, finding),
            "examined": finding.examined,
            "failed": finding.failed,
            "examples": finding.examples,
            "advice": check.advice,
        }
        for check, finding in results
    ]
    return {"ok": not failed, "checks": checks}
