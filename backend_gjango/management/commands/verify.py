"""``manage.py verify``: the invariants on the live database, one line each."""

import time
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection

from accounts.commandline import JsonCommand, add_json, fail, find_account
from tasks.invariants import CHECKS
from tasks.invariants.progress import Session, forget, states
from tasks.invariants.running import (
    Result,
    advance,
    connect,
    due,
    result,
    results,
    scope,
    walks,
)

_INTERRUPTED = 130


class Command(JsonCommand):
    help = (
        "Проверяет инварианты на живой базе: строка на каждый, код 1, если хоть один нарушен. "
        "Что только пополняется, смотрит один раз; прервать можно, продолжит с того же места.\n"
        "Checks the invariants on the live database: one line each, exit 1 if any is broken. What "
        "is only added to is seen once; interrupted, it goes on where it was."
    )
    examples = """
примеры / examples:
  manage.py verify                      # новое и всё, что меняется / what is new, and all that changes
  manage.py verify --budget 60          # минуту, давно не виденное первым / a minute, the longest unseen first
  manage.py verify --full               # всё с начала / everything from the beginning
  manage.py verify --last               # что известно, ничего не проверяя / what is known, without looking
  manage.py verify --account cafe       # строки одного аккаунта / the rows of one account
  manage.py verify --json | python -m json.tool
"""  # noqa: E501

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="КОД", help="аккаунт / account slug")
        parser.add_argument(
            "--budget", type=float, metavar="СЕК", help="не дольше / at most so many seconds"
        )
        parser.add_argument("--full", action="store_true", help="всё с начала / from the beginning")
        parser.add_argument(
            "--last",
            action="store_true",
            help="только показать известное / only show what is known",
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Examine; exit 1 where something is broken, 130 where it was interrupted."""
        remembered = ("budget", "full", "last")
        if options["account"] and any(options[name] for name in remembered):
            raise fail(
                "--account смотрит весь аккаунт и ничего не запоминает: один, без других отборов",
                "--account looks at all of one account and remembers nothing: give it alone",
            )
        self._shown: set[str] = set()
        with connection.wrap_database_errors, connect() as session:
            found, interrupted = self._examine(session, options)
        failed = sum(one.state == "failed" for one in found)
        self.answer(options, _value(found, failed), _summary(found, failed))
        if interrupted:
            raise SystemExit(_INTERRUPTED)
        if failed:
            raise SystemExit(1)

    def _examine(self, session: Session, options: dict[str, Any]) -> tuple[Sequence[Result], bool]:
        """Return what is known at the end, and whether a person interrupted it."""
        if options["account"]:
            return self._of_account(session, options), False
        if options["full"]:
            forget(session)
        interrupted = False
        try:
            if not options["last"]:
                self._walk(session, options)
        except KeyboardInterrupt:
            interrupted = True
        found = results(session)
        for one in found:
            self._show(one, options)
        return found, interrupted

    def _walk(self, session: Session, options: dict[str, Any]) -> None:
        """Walk all of it in the order shown; within a budget what was longest unseen first."""
        ((now,),) = session.execute("SELECT clock_timestamp()").fetchall()
        if (budget := options["budget"]) is not None:
            end = time.monotonic() + budget
            wanted = due(states(session), now)
            for _ in advance(session, wanted, since=now, stopped=lambda: time.monotonic() >= end):
                pass
            return
        for check in CHECKS:
            for _ in advance(session, walks([check]), since=now):
                pass
            self._show(result(check, states(session), {}), options)

    def _of_account(self, session: Session, options: dict[str, Any]) -> Sequence[Result]:
        account = find_account(options["account"]).pk
        found = []
        with session.cursor() as cursor:
            for check in CHECKS:
                found.append(Result(check, check.run(cursor, scope(account)), complete=True))
                self._show(found[-1], options)
        return found

    def _show(self, one: Result, options: dict[str, Any]) -> None:
        if options["json"] or one.check.id in self._shown:
            return
        self._shown.add(one.check.id)
        self.stdout.write(_line(one))
        self.stdout.flush()


def _line(one: Result) -> str:
    check, finding = one.check, one.finding
    head = f"{one.state if one.state != 'failed' else 'FAILED':<8}{check.id:<16}{check.title}"
    if not finding.failed:
        return f"{head} ({_extent(one)})"
    shown = ", ".join(finding.examples)
    return f"{head}: {finding.failed}/{finding.examined} [{shown}] → {check.advice}"


def _extent(one: Result) -> str:
    """Return how much was examined: now, before, of how much, and since when."""
    parts = [str(one.finding.examined)]
    if one.covered:
        parts.append(f"раньше / before: {one.covered}")
    if not one.complete:
        parts.append("~0 %" if one.share is None else f"~{one.share:.0%}")
        parts.append(f"с / since {one.since:%Y-%m-%d %H:%M}" if one.since else "ещё нет / not yet")
    return ", ".join(parts)


def _summary(found: Sequence[Result], failed: int) -> str:
    if failed:
        return f"Нарушено / broken: {failed} из / of {len(found)}"
    partly = sum(not one.complete for one in found)
    if partly:
        seen = f"{len(found) - partly} из / of {len(found)}"
        return f"Нарушений нет, досмотрено / none broken, seen to the end: {seen}"
    return f"Всё в порядке / all hold: {len(found)}"


def _value(found: Sequence[Result], failed: int) -> dict[str, Any]:
    checks = [
        {
            "id": one.check.id,
            "title": one.check.title,
            "state": "FAILED" if one.state == "failed" else one.state,
            "examined": one.finding.examined,
            "covered": one.covered,
            "complete": one.complete,
            "share": one.share,
            "since": one.since,
            "failed": one.finding.failed,
            "examples": one.finding.examples,
            "advice": one.check.advice,
        }
        for one in found
    ]
    return {"ok": not failed, "complete": all(one.complete for one in found), "checks": checks}
