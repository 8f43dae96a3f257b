"""``manage.py source``: connect a till or a CRM, and look after its address and secret."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from accounts.commandline import (
    JsonCommand,
    duration,
    every_account,
    fail,
    find_account,
    find_source,
    subcommands,
    table,
    verb,
)
from accounts.models import Account, Source, SourceState
from accounts.rls import set_scope
from ingest.limits import from_environment
from integrations.contract import Provider, SettingUnusable
from integrations.registry import PROVIDERS
from sales.totals import hold_days
from tasks import source_shown, sql
from tasks.app_options import AppOptions, add_app_options, invitation, waiting_of
from tasks.children import AppInvalid, add_child, check_settings
from tasks.secret_input import add_secret_options, given_secret
from tasks.source_checking import checked
from tasks.source_checking import is_refused as is_shut
from tasks.source_secrets import KINDS, SecretInvalid
from tasks.source_settings import SettingInvalid, names, read_settings
from tasks.source_trying import add_try, answered, is_refused
from tasks.sources import (
    add_source,
    change_source,
    connectable,
    give_secret,
    release_held,
    rotate_address,
    rotate_secret,
    set_state,
)

#: Beyond the receivers' cache of sources, in seconds: a delivery on its way through.
_SLACK = 0.5
_STATES = {
    "pause": (SourceState.PAUSED, "приём идёт, разбор ждёт / deliveries are kept, not settled"),
    "resume": (SourceState.ACTIVE, "снова разбирать, с накопленным / settle again, the held too"),
    "disable": (SourceState.DISABLED, "отключить: адрес отвечает 404 / the address answers 404"),
    "enable": (SourceState.ACTIVE, "включить снова / take deliveries again"),
}
_SETTING_HELP = "настройка, можно несколько раз: / a setting, repeatable: " + ", ".join(
    names(PROVIDERS.values())
)


class Command(JsonCommand):
    help = (
        "Источники: подключить кассу или CRM, сменить секрет или адрес, приостановить.\n"
        "Sources: connect a till or a CRM, change its secret or address, pause it."
    )
    examples = """
примеры / examples:
  manage.py source add standard --account cafe --title "Касса в зале"
  manage.py source add square --account cafe --secret - --setting currency=USD
  manage.py source add evotor --account cafe --setting timezone=Asia/Yekaterinburg --json
  manage.py source add bitrix24 --account cafe --setting portal=company.bitrix24.ru
  manage.py source add evotor --account operator --app     # один адрес на всех / one for many
  manage.py source add evotor --account cafe --parent 7 --merchant 01-000000000000001
  manage.py source set 7 --setting registration=open   # впускать всех / let everybody in
  manage.py source invite 7 --login cafe         # пароль для одного / a password for one
  manage.py source unrouted 7                    # кто шлёт, но не подключён / who is not connected
  manage.py source code 7                        # код для кабинета Clover / Clover's console
  manage.py source list --account cafe
  manage.py source set 3 --title "Бар" --setting timezone=Asia/Omsk
  manage.py source add custom --account cafe --setting description=@till.json --secret -
  manage.py source set 3 --setting location=     # пусто: убрать / empty: take it back
  manage.py source set 3 --setting allow_ips=203.0.113.0/24,198.51.100.7
  manage.py source secret 3 --secret -           # спросит, на экране не видно / asks, unseen
  manage.py source secret 3 --secret-file key.txt
  manage.py source secret 3 --kind bearer        # для 1С: токен вместо подписи
  manage.py source secret 3 --kind api --secret -   # ключ API / the secret of the API
  manage.py source check 3                       # подошёл ли он / whether it fits
  manage.py source rotate 3 --overlap 24h        # новый секрет, старый действует ещё сутки
  manage.py source rotate 3 --url                # новый адрес
  manage.py source pause 3
"""

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = subcommands(parser)
        add = verb(verbs, "add", "подключить источник / connect a source")
        add.add_argument("provider", metavar="ПРОВАЙДЕР", help=", ".join(connectable()))
        add.add_argument(
            "--account", required=True, metavar="КОД", help="аккаунт; создаётся, если его нет"
        )
        add_app_options(add)
        _add_settings(add)
        _add_secret(add)
        _add_settings(_of_one(verb(verbs, "set", "изменить настройки / change settings")))
        listing = verb(verbs, "list", "показать источники / list sources")
        listing.add_argument("--account", metavar="КОД", help="аккаунт / account slug")
        _add_secret(_of_one(verb(verbs, "secret", "добавить секрет / add a secret")))
        rotate = _of_one(verb(verbs, "rotate", "сменить секрет или адрес / new secret or address"))
        add_secret_options(rotate)
        rotate.add_argument(
            "--overlap", type=duration, default="24h", help="сколько действует старый: 30m, 24h, 7d"
        )
        rotate.add_argument("--url", action="store_true", help="сменить адрес / a new address")
        add_try(verbs)
        _of_one(verb(verbs, "check", "пускает ли API провайдера / does the API let us in"))
        _of_one(verb(verbs, "unrouted", "чьи доставки ждут / merchants who are not connected"))
        _of_one(verb(verbs, "code", "код, который ждёт кабинет провайдера / a console's code"))
        invite = _of_one(verb(verbs, "invite", "пароль для входа продавца / a merchant's password"))
        invite.add_argument("--login", required=True, metavar="ЛОГИН", help="кому / for whom")
        for name, (_, text) in _STATES.items():
            _of_one(verb(verbs, name, text))

    def handle(self, *args: Any, **options: Any) -> None:
        verbs = ("add", "list", "set", "secret", "rotate", "unrouted", "invite", "code")
        run = {"try": self.attempt, "check": self.access}
        run |= {one: getattr(self, one) for one in verbs}
        try:
            run.get(options["verb"], self.state)(options)
        except (AppInvalid, SecretInvalid, SettingInvalid, SettingUnusable) as error:
            raise CommandError(str(error)) from error

    def add(self, options: dict[str, Any]) -> None:
        """Connect a source; its account is made if it is new."""
        provider = _provider(options["provider"])
        columns = read_settings(options["setting"], provider) | _title(options["title"])
        given = given_secret(options)
        asked = AppOptions.of(options, given)
        columns |= asked.columns(provider, columns)
        with transaction.atomic():
            account = _account(options["account"])
            if asked.parent is None:
                set_scope([account.pk])
                source, secret = add_source(
                    account, provider, secret=given, kind=options["kind"], columns=columns
                )
            else:
                sql.scope_everything()
                app = asked.found()
                source = add_child(account, provider, app, merchant=asked.merchant, columns=columns)
                secret = None
            made = source_shown.shown(source, secret)
        self.show(options, made)

    def attempt(self, options: dict[str, Any]) -> None:
        """Print what a recorded request would become; exit 1 where some of it cannot be read."""
        value, text = answered(options)
        self.answer(options, value, text)
        if is_refused(value):
            raise SystemExit(1)

    def access(self, options: dict[str, Any]) -> None:
        """Ask the provider's API for a page of each list; exit 1 where it lets us not in."""
        value, text = checked(options["id"])
        self.answer(options, value, text)
        if is_shut(value):
            raise SystemExit(1)

    def unrouted(self, options: dict[str, Any]) -> None:
        """Print the merchants of an app whom nobody has connected."""
        with _source(options["id"]) as source:
            waiting = waiting_of(source)
        heads = ("merchant", "deliveries", "first", "last")
        text = table(heads, [[item[head] for head in heads] for item in waiting])
        self.answer(options, {"id": options["id"], "unrouted": waiting}, text)

    def invite(self, options: dict[str, Any]) -> None:
        """Print a login and the password that lets a merchant link himself to an app."""
        with _source(options["id"]) as source:
            made = invitation(source, PROVIDERS.get(source.provider), options["login"])
        text = f"логин / login: {made['login']}\nпароль / password: {made['password']}"
        self.answer(options, made, text)

    def code(self, options: dict[str, Any]) -> None:
        """Print the last code that the provider sent to be copied into its console."""
        with _source(options["id"]) as source:
            found = source_shown.code_of(source)
        if found is None:
            raise fail(
                "кода нет: пусть провайдер пришлёт его снова; хранится неделю",
                "there is no code: have the provider send it again; it is kept for a week",
            )
        text = f"код / code: {found['code']}\nполучен / received: {found['at']}"
        self.answer(options, {"id": options["id"], **found}, text)

    def list(self, options: dict[str, Any]) -> None:
        """Print the sources, without their secrets."""
        wanted = [find_account(options["account"]).pk] if options["account"] else None
        with every_account():
            rows = Source.objects.select_related("account").order_by("account__slug", "id")
            if wanted is not None:
                rows = rows.filter(account__in=wanted)
            shown = [source_shown.described(row) for row in rows]
        heads = (
            "id",
            "account",
            "provider",
            "title",
            "kind",
            "state",
            "secrets",
            "unsigned",
            "url",
        )
        text = table(heads, [[item[head] for head in heads] for item in source_shown.marked(shown)])
        self.answer(options, {"sources": shown}, text)

    def set(self, options: dict[str, Any]) -> None:
        """Change settings; the days of recorded sales follow at once."""
        if not options["setting"] and not options["title"]:
            raise fail("Что изменить? --setting или --title", "Change what? --setting or --title")
        with _source(options["id"], days=True) as source:
            provider = PROVIDERS.get(source.provider)
            columns = read_settings(options["setting"], provider, clearing=True)
            columns |= _title(options["title"])
            check_settings(provider, columns, is_app=source.is_app)
            changed = change_source(source, columns)
            shown = source_shown.described(source)
        value = shown | {"changed": changed.columns, "redated": changed.rows}
        self.answer(options, value | {"stale": changed.stale}, source_shown.told(shown, changed))

    def secret(self, options: dict[str, Any]) -> None:
        """Add a secret; where we issue them, one is made unless it is given."""
        given = given_secret(options)
        with _source(options["id"]) as source:
            shown = source_shown.shown(source, give_secret(source, given, kind=options["kind"]))
        self.show(options, shown)

    def rotate(self, options: dict[str, Any]) -> None:
        """Change the secret, or with ``--url`` the address; the old one holds for the overlap."""
        overlap: timedelta = options["overlap"]
        given = given_secret(options)
        if options["url"] and given:
            raise fail(
                "--secret и --url: сначала одно, потом другое", "--secret and --url: one at a time"
            )
        with _source(options["id"]) as source:
            if options["url"]:
                rotate_address(source, overlap=overlap)
                shown = source_shown.shown(source, None)
            else:
                shown = source_shown.shown(source, rotate_secret(source, given, overlap=overlap))
        self.show(options, shown)

    def state(self, options: dict[str, Any]) -> None:
        """Pause, resume, disable or enable a source."""
        with _source(options["id"]) as source:
            set_state(source, _STATES[options["verb"]][0])
            shown = source_shown.shown(source, None)
        if shown["state"] == SourceState.ACTIVE:
            # A receiver that has not heard of it yet may hold back one delivery more.
            time.sleep(from_environment().source_cache_seconds + _SLACK)
            release_held(shown["id"])
        self.show(options, shown)

    def show(self, options: dict[str, Any], shown: dict[str, Any]) -> None:
        """Print a source and, this once, the secret it was just given."""
        self.answer(options, shown, source_shown.text(shown))


def _title(text: str) -> dict[str, str]:
    if len(text) > 200:
        raise fail("--title: не длиннее 200 знаков", "--title: at most 200 characters")
    return {"title": text} if text else {}


def _add_settings(parser: CommandParser) -> None:
    parser.add_argument("--title", default="", help="название / title")
    parser.add_argument("--setting", action="append", default=[], help=_SETTING_HELP)


def _add_secret(parser: CommandParser) -> None:
    add_secret_options(parser)
    parser.add_argument("--kind", choices=KINDS, help="вид секрета / kind of secret")


def _of_one(parser: CommandParser) -> CommandParser:
    parser.add_argument("id", type=int, metavar="ID", help="номер из source list / source id")
    return parser


def _provider(slug: str) -> Provider:
    if slug not in connectable():
        known = ", ".join(connectable())
        raise fail(
            f"Нет провайдера «{slug}», есть: {known}", f"No provider {slug!r}, there are: {known}"
        )
    return PROVIDERS[slug]


def _account(slug: str) -> Account:
    found = Account.objects.filter(slug=slug).first()
    if found is not None:
        return found
    account = Account(slug=slug, title=slug)
    try:
        account.full_clean()
    except ValidationError as error:
        raise fail(
            f"--account: код из латинских букв, цифр, дефиса и подчёркивания, а не «{slug}»",
            f"--account: a slug of Latin letters, digits, - and _, at most 64, not {slug!r}",
        ) from error
    account.save()
    return account


@contextmanager
def _source(number: int, *, days: bool = False) -> Iterator[Source]:
    """Open a transaction with the source, locked, ``days`` with its days: no settler is at work.

    Raises CommandError where there is none.
    """
    with every_account():
        if days:
            hold_days(number)
        yield find_source(number, locked=True)
