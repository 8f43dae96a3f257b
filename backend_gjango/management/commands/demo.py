"""``manage.py demo``: show the product with recorded samples, and drop them again."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.commandline import JsonCommand, fail, subcommands, verb
from accounts.models import DEMO
from backend_gjango import env
from backend_gjango.demo import DemoRefused, Made, add, find, remove
from backend_gjango.roles import as_owner
from tasks.sending import CannotSend

_WAIT = 60.0
#: What "all interfaces" is for a client on the same machine.
_LOCAL = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104


class Command(JsonCommand):
    help = (
        "Демонстрация: аккаунт demo, по источнику на провайдера, записанные примеры.\n"
        "Demonstration: the account demo, a source per provider, the recorded samples."
    )
    examples = """
примеры / examples:
  make run                     # в другом окне / in another window
  manage.py demo add           # второй раз ничего не делает / a second time does nothing
  manage.py token add --account demo --role analyst
  manage.py demo remove        # вместе с принятыми доставками / with its deliveries
"""

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = subcommands(parser)
        making = verb(verbs, "add", "отправить примеры через настоящие адреса / send the samples")
        making.add_argument(
            "--to", metavar="URL", default=_local_url(), help="сервер / server (%(default)s)"
        )
        verb(verbs, "remove", "удалить аккаунт demo со всем принятым / drop it with its deliveries")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            {"add": self.add, "remove": self.remove}[options["verb"]](options)
        except (CannotSend, DemoRefused) as error:
            raise CommandError(str(error)) from error

    def add(self, options: dict[str, Any]) -> None:
        """Send what was not sent yet, wait until it is settled, print how many sales there are."""
        made = add(options["to"], limit=_WAIT, progress=self.progress)
        value = {
            "account": DEMO,
            "sent": made.sent,
            "refused": len(made.refused),
            "waiting": made.waiting,
            "sales": made.sales,
        }
        self.answer(options, value, _summary(made))
        if made.refused:
            first = made.refused[0]
            raise fail(
                f"Не принято {len(made.refused)}, первый пример {first.sample}: {first.status}",
                f"{len(made.refused)} were not accepted, the first is {first.sample}:"
                f" {first.status} {first.answer}",
            )

    def progress(self, done: int, total: int) -> None:
        """Show how far it is: one line that moves where a person watches, else every quarter."""
        if self.stderr.isatty():
            end = "\n" if done == total else ""
            self.stderr.write(f"\rdemo: {done}/{total}{end}", style_func=str, ending="")
            self.stderr.flush()
        elif done * 4 // total > (done - 1) * 4 // total:
            self.stderr.write(f"demo: {done}/{total}")

    def remove(self, options: dict[str, Any]) -> None:
        """Drop the account of the demonstration."""
        with as_owner():
            account = find()
            dropped = {} if account is None else remove(account)
        self.answer(
            options,
            {"account": DEMO, "dropped": dropped},
            f"Удалено строк / rows dropped: {sum(dropped.values())}"
            if dropped
            else "Демонстрации нет / There is no demonstration",
        )


def _local_url() -> str:
    return f"http://{_LOCAL.get(env.HOST, env.HOST)}:{env.PORT}"


def _summary(made: Made) -> str:
    lines = [
        f"Отправлено / sent: {made.sent}, продаж в аккаунте demo / sales: {made.sales}",
        f"Смотреть / look: {env.PUBLIC_URL}/продажи/ · manage.py token add --account {DEMO}"
        " --role analyst",
    ]
    if made.waiting:
        lines.insert(1, f"Ещё не разобрано / still to be settled: {made.waiting}")
    return "\n".join(lines)
