"""``manage.py location``: the zone, the start of the day and the currency of a shop."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.db.models.functions import Now

from accounts.commandline import (
    JsonCommand,
    fail,
    find_account,
    subcommands,
    table,
    verb,
)
from accounts.models import Account
from accounts.rls import scoped
from sales.models import Location
from sales.totals import hold_days, redate_location
from tasks.source_settings import read_currency, read_zone

_LAST_HOUR = 23


class Command(JsonCommand):
    help = (
        "Точки: часовой пояс, начало рабочего дня, валюта. Дни продаж пересчитываются сразу.\n"
        "Locations: zone, start of the business day, currency. Days are derived again at once."
    )
    examples = """
примеры / examples:
  manage.py location list --account cafe
  manage.py location set 20170222-D58C-40E0-8051-B53ADFF38860 --account cafe \\
      --timezone Asia/Yekaterinburg
  manage.py location set bar --account cafe --cutoff 5   # день кончается в 5 утра / ends at 5 a.m.
"""

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = subcommands(parser)
        listing = verb(verbs, "list", "показать точки / list locations")
        listing.add_argument("--account", required=True, metavar="КОД", help="аккаунт / account")
        change = verb(verbs, "set", "настроить точку / set up a location")
        change.add_argument("location", metavar="КОД|ID", help="внешний код или id / external id")
        change.add_argument("--account", required=True, metavar="КОД", help="аккаунт / account")
        change.add_argument("--timezone", help="Europe/Moscow; пусто — как у источника")
        change.add_argument("--cutoff", type=int, help="час начала дня / hour the day begins, 0–23")
        change.add_argument("--currency", help="ISO 4217; пусто — как у источника")

    def handle(self, *args: Any, **options: Any) -> None:
        account = find_account(options["account"])
        with scoped([account.pk]):
            change = options["verb"] == "set"
            value, text = (self.set if change else self.list)(account, options)
        self.answer(options, value, text)

    def list(self, account: Account, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Return the locations of an account."""
        rows = Location.objects.filter(account=account).order_by("name", "id")
        shown = [_describe(row) for row in rows]
        heads = ("id", "source", "external_id", "name", "timezone", "cutoff", "currency")
        return {"locations": shown}, table(heads, [[row[head] for head in heads] for row in shown])

    def set(self, account: Account, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Change a location and derive its days again."""
        changes = _changes(options)
        location = _find(account, options["location"])
        hold_days(location.source_id)
        Location.objects.filter(pk=location.pk).update(**changes, updated_at=Now())
        redate_location(location.pk)
        location.refresh_from_db()
        shown = _describe(location)
        return shown, "\n".join(f"{name}: {value}" for name, value in shown.items())


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Callable[[Any], Any]] = {
        "timezone": _zone,
        "cutoff": _hour,
        "currency": _currency,
    }
    columns = {"cutoff": "day_cutoff"}
    changes = {
        columns.get(name, name): reader(options[name])
        for name, reader in read.items()
        if options[name] is not None
    }
    if not changes:
        raise fail(
            "Что изменить? --timezone, --cutoff или --currency",
            "Change what? --timezone, --cutoff or --currency",
        )
    return changes


def _zone(text: str) -> str:
    try:
        return read_zone(text) if text else ""
    except ValueError as error:
        raise fail(
            f"--timezone: нужен часовой пояс IANA, например Europe/Moscow, а не «{text}»",
            f"--timezone: expected an IANA zone, as Europe/Moscow, not {text!r}",
        ) from error


def _hour(hour: int) -> int:
    if not 0 <= hour <= _LAST_HOUR:
        raise fail("--cutoff: час от 0 до 23", "--cutoff: an hour from 0 to 23")
    return hour


def _currency(text: str) -> str:
    try:
        return read_currency(text) if text else ""
    except ValueError as error:
        raise fail(
            f"--currency: нужен код ISO 4217, например RUB, а не «{text}»",
            f"--currency: expected an ISO-4217 code, as RUB, not {text!r}",
        ) from error


def _find(account: Account, name: str) -> Location:
    rows = Location.objects.filter(account=account)
    found = list(rows.filter(external_id=name)[:20])
    if not found and (key := _uuid(name)) is not None:
        found = list(rows.filter(pk=key))
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(row.pk) for row in found)
        raise fail(
            f"Код «{name}» есть у нескольких источников, укажите id: {ids}",
            f"Several sources know {name!r}, give the id: {ids}",
        )
    known = ", ".join(rows.order_by("external_id").values_list("external_id", flat=True)[:20])
    raise fail(
        f"Нет точки «{name}», есть: {known or 'ни одной'} (точка появляется с первой продажей)",
        f"No location {name!r}, there are: {known or 'none'} (the first sale brings it)",
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _describe(row: Location) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "source": row.source_id,
        "external_id": row.external_id,
        "name": row.name,
        "timezone": row.timezone,
        "cutoff": row.day_cutoff,
        "currency": row.currency,
    }
