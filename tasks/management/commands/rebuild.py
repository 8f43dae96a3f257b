"""``manage.py rebuild``: derive every sale again from staging, compare, and copy over."""

import time
from typing import Any

from django.core.management.base import CommandParser

from accounts.commandline import JsonCommand, add_json, every_account, fail, find_account, table
from accounts.models import Account, Source
from tasks import rebuilding
from tasks.rebuilding.report import Day, Place, Report

#: Seconds between two lines of progress.
_TELL = 2.0
_SHOWN = 200
#: Why a rebuild is refused, in both languages.
_REFUSED: dict[type[Exception], tuple[str, str]] = {
    rebuilding.Busy: (
        "Уже идёт другой rebuild: дождитесь его конца",
        "Another rebuild is running: wait for its end",
    ),
    rebuilding.NotAllowed: (
        "Роли нельзя временные таблицы: GRANT TEMPORARY ON DATABASE … TO роль",
        "The role may make no temporary tables: GRANT TEMPORARY ON DATABASE … TO role",
    ),
    rebuilding.SettingsChanged: (
        "Настройки источника или точки изменились во время работы: запустите ещё раз",
        "Settings of a source or a location changed meanwhile: run it again",
    ),
    rebuilding.Incomplete: (
        "Есть продажи старше сохранённых доставок: верните убранные разделы ingest_delivery",
        "Some sales are older than staging: attach the partitions of ingest_delivery again",
    ),
}


class Command(JsonCommand):
    help = (
        "Вывести все продажи заново из сохранённых доставок и сравнить с живыми: что изменилось "
        "бы в деньгах и строках. Код 1, если различия есть. С --apply — заменить, не "
        "останавливая приёма.\n"
        "Derive every sale again from staging and compare with the live ones: what would change "
        "in money and rows. Exit 1 where anything differs. With --apply: replace it, while the "
        "system runs."
    )
    examples = """
примеры / examples:
  manage.py rebuild                           # только сравнить / only compare
  manage.py rebuild --account cafe --json
  manage.py rebuild --source 3 --apply        # показать и заменить / show and replace
"""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told = time.monotonic()

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--check", action="store_true", help="сравнить (и без него) / compare (the default)"
        )
        what.add_argument("--apply", action="store_true", help="заменить / replace what differs")
        parser.add_argument("--account", metavar="SLUG", help="аккаунт / one account")
        parser.add_argument("--source", type=int, metavar="ID", help="источник / one source")
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = _accounts(options)
        report = Report()
        try:
            with rebuilding.session():
                for account in accounts:
                    self._rebuild(account, report, options)
        except tuple(_REFUSED) as error:
            raise fail(*_REFUSED[type(error)]) from error
        self.answer(options, report.as_json(), _text(report, applied=options["apply"]))
        if report and not options["apply"]:
            raise SystemExit(1)

    def _rebuild(self, account: Account, report: Report, options: dict[str, Any]) -> None:
        walk = rebuilding.prepare(
            account.pk, account.slug, source=options["source"], tell=self._progress(account.slug)
        )
        walk.compare(report)
        report.unread += walk.meanwhile.reader.unread
        if options["apply"] and report:
            report.applied += walk.apply()

    def _progress(self, slug: str) -> rebuilding.Tell:
        def tell(phase: str, done: int) -> None:
            if time.monotonic() - self._told >= _TELL:
                self._told = time.monotonic()
                self.stderr.write(f"{slug}: {phase} {done}")

        return tell


def _accounts(options: dict[str, Any]) -> list[Account]:
    if options["source"] is None:
        chosen = [find_account(options["account"])] if options["account"] else Account.objects.all()
        return sorted(chosen, key=lambda account: account.slug)
    with every_account():
        source = Source.objects.filter(pk=options["source"]).select_related("account").first()
    if source is None or options["account"] not in (None, source.account.slug):
        raise fail(
            f"--source: нет источника {options['source']}: смотрите manage.py source list",
            f"--source: no source {options['source']}: see manage.py source list",
        )
    return [source.account]


def _text(report: Report, *, applied: bool) -> str:
    if not report:
        return f"Различий нет / nothing differs{_unread(report)}"
    days = report.sorted_days()
    heads = ("account", "source", "day", "currency", "rows", "sales", "→", "refunds", "→", "Δ")
    shown = table(heads, [_row(place, day) for place, day in days[:_SHOWN]])
    more = f"\n… {len(days) - _SHOWN}" if len(days) > _SHOWN else ""
    rows = table(
        ("account", "source", "table", "rows"),
        [[*place, _counts(counts)] for place, counts in sorted(report.rows.items())],
    )
    end = f"\n\nзаменено строк / rows replaced: {report.applied}" if applied else ""
    return f"{shown}{more}\n\n{rows}{end}{_unread(report)}"


def _row(place: Place, day: Day) -> list[Any]:
    amounts = [f"{amount:.2f}" for amount in (*day.sales, *day.refunds, day.difference)]
    return [*place, _counts(day.rows), *amounts]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _unread(report: Report) -> str:
    if not report.unread:
        return ""
    return f"\nне прочитано / not read: {_counts(report.unread)}"
