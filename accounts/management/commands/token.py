"""``manage.py token``: bearer tokens of the API."""

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.commandline import JsonCommand, fail, find_account, subcommands, table, verb
from accounts.models import Account, ApiToken, Role
from accounts.tokens import issue, revoke

_MOST_DAYS = 36500


class Command(JsonCommand):
    help = (
        "Токены API аккаунта: выдать, показать, отозвать. / Bearer tokens of the API.\n\n"
        "Роли: owner — всё, editor — правит продажи, analyst — только читает."
    )
    examples = """
примеры / examples:
  manage.py token add --account cafe --role analyst --title "Excel бухгалтера" --days 90
  curl -H "Authorization: Bearer gj_…" http://127.0.0.1:8000/sales/
  manage.py token list --account cafe
  manage.py token revoke 3
"""

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = subcommands(parser)
        add = verb(verbs, "add", "выдать токен; он показывается один раз / issue a token")
        add.add_argument("--account", required=True, metavar="КОД", help="аккаунт / account slug")
        add.add_argument("--role", required=True, choices=Role.values, help="роль / role")
        add.add_argument("--title", default="", help="для кого / whom it is for")
        add.add_argument("--days", type=int, help="сколько дней действует / valid for N days")
        listing = verb(verbs, "list", "показать токены / list tokens (never the tokens themselves)")
        listing.add_argument("--account", metavar="КОД", help="аккаунт / account slug")
        end = verb(verbs, "revoke", "отозвать токен / end a token")
        end.add_argument("id", type=int, help="номер из token list / the id shown by token list")

    def handle(self, *args: Any, **options: Any) -> None:
        {"add": self.add, "list": self.list, "revoke": self.revoke}[options["verb"]](options)

    def add(self, options: dict[str, Any]) -> None:
        """Issue a token and print it."""
        days = options["days"]
        if days is not None and not 1 <= days <= _MOST_DAYS:
            raise fail("--days: нужно число от 1 до 36500", "--days: a number from 1 to 36500")
        if len(options["title"]) > 200:
            raise fail("--title: не длиннее 200 знаков", "--title: at most 200 characters")
        account = find_account(options["account"])
        until = None if days is None else timezone.now() + timedelta(days=days)
        token, row = issue(account, options["role"], options["title"], expires_at=until)
        self.answer(
            options,
            {"token": token, "id": row.pk, "expires_at": row.expires_at},
            f"{token}\nТокен показан один раз: сохраните его. / Shown this once: keep it.",
        )

    def list(self, options: dict[str, Any]) -> None:
        """Print what is known of the tokens."""
        rows = ApiToken.objects.select_related("account").order_by("account__slug", "id")
        if options["account"]:
            rows = rows.filter(account=find_account(options["account"]))
        shown = [_describe(row) for row in rows]
        heads = ("id", "account", "role", "title", "prefix", "state", "expires_at")
        text = table(heads, [[item[head] for head in heads] for item in shown])
        self.answer(options, {"tokens": shown}, text)

    def revoke(self, options: dict[str, Any]) -> None:
        """End a token."""
        row = ApiToken.objects.filter(pk=options["id"]).first()
        if row is None:
            raise fail(
                f"Нет токена {options['id']}: номера показывает `token list`",
                f"No token {options['id']}: `token list` shows the ids",
            )
        revoke(row)
        self.answer(
            options,
            {"id": row.pk, "revoked_at": row.revoked_at},
            f"Токен {row.prefix}… отозван. / Token {row.prefix}… is revoked.",
        )


def _describe(row: ApiToken) -> dict[str, Any]:
    account: Account = row.account
    return {
        "id": row.pk,
        "account": account.slug,
        "role": row.role,
        "title": row.title,
        "prefix": row.prefix + "…",
        "state": _state(row),
        "expires_at": row.expires_at,
    }


def _state(row: ApiToken) -> str:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= timezone.now():
        return "expired"
    return "active"
