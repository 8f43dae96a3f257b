"""``manage.py send_sample``: play a provider, with its recorded samples and the real endpoint."""

from collections.abc import Sequence
from typing import Any

import httpx
from django.core.management.base import CommandError, CommandParser

from accounts.commandline import JsonCommand, add_json, every_account, fail, table
from accounts.models import Source
from integrations.contract import Secret, SettingUnusable
from integrations.registry import get
from integrations.samples import Sample, load
from tasks.sending import CannotSend, Sent, Target, send, target_of
from tasks.source_secrets import default_kind
from tasks.source_settings import read_url
from tasks.sources import connectable

_MOST_TIMES = 10_000


class Command(JsonCommand):
    help = (
        "Отправляет записанный пример провайдера, подписав его секретом источника, по HTTP.\n"
        "Sends a provider's recorded sample over HTTP, signed with the source's secret."
    )
    examples = """
примеры / examples:
  manage.py send_sample evotor                         # какие примеры есть / list them
  manage.py send_sample evotor --source 3              # все по порядку / all of them
  manage.py send_sample evotor document_sell__cash --source 3 --times 3   # повторы не удваивают
  manage.py send_sample evotor document_sell__cash --source 3 --tamper    # ответ 401
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", metavar="ПРОВАЙДЕР", help=", ".join(connectable()))
        parser.add_argument("sample", nargs="?", metavar="ПРИМЕР", help="имя примера / its name")
        parser.add_argument("--source", type=int, metavar="ID", help="номер из source list")
        parser.add_argument("--secret", help="другой секрет / sign with this one instead")
        parser.add_argument("--times", type=int, default=1, help="сколько раз / how often each")
        parser.add_argument("--tamper", action="store_true", help="испортить после подписи / spoil")
        parser.add_argument(
            "--to", metavar="URL", help="другой сервер / e.g. http://127.0.0.1:8000"
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """List the samples, or send one or all of them."""
        if options["provider"] not in connectable():
            known = ", ".join(connectable())
            raise fail(
                f"Нет провайдера «{options['provider']}», есть: {known}",
                f"No provider {options['provider']!r}, there are: {known}",
            )
        samples = _chosen(options["provider"], options["sample"])
        if options["source"] is None:
            self.list(options, samples)
            return
        if not 1 <= options["times"] <= _MOST_TIMES:
            raise fail(f"--times: от 1 до {_MOST_TIMES}", f"--times: 1 to {_MOST_TIMES}")
        _check_address(options["to"])
        try:
            target = _target(options)
            self.send(options, target, [one for one in samples for _ in range(options["times"])])
        except (CannotSend, SettingUnusable) as error:
            raise CommandError(str(error)) from error

    def list(self, options: dict[str, Any], samples: Sequence[Sample]) -> None:
        """Print the names of the samples."""
        if options["sample"] or options["tamper"] or options["secret"]:
            raise fail("--source: какому источнику отправить?", "--source: send it to which one?")
        names = [sample.name for sample in samples]
        hint = f"отправить / send: manage.py send_sample {options['provider']} ПРИМЕР --source ID"
        self.answer(options, {"samples": names}, "\n".join([*names, "", hint]))

    def send(self, options: dict[str, Any], target: Target, samples: Sequence[Sample]) -> None:
        """Send the samples and print what was answered."""
        with httpx.Client() as client:
            sent = [send(client, target, one, tamper=options["tamper"]) for one in samples]
        self.answer(
            options,
            {"sent": [_shown(one) for one in sent]},
            table(
                ("status", "ms", "sample", "answer"),
                [(one.status, one.milliseconds, one.sample, one.answer) for one in sent],
            ),
        )


def _shown(sent: Sent) -> dict[str, Any]:
    return {
        "sample": sent.sample,
        "status": sent.status,
        "answer": sent.answer,
        "ms": sent.milliseconds,
    }


def _chosen(provider: str, name: str | None) -> list[Sample]:
    samples = load(provider)
    if name is None:
        return list(samples.values())
    if name not in samples:
        known = ", ".join(samples)
        raise fail(
            f"Нет примера «{name}» у {provider}, есть: {known}",
            f"{provider} has no sample {name!r}, there are: {known}",
        )
    return [samples[name]]


def _check_address(to: str | None) -> None:
    try:
        if to is not None:
            read_url(to)
    except ValueError as error:
        raise fail(
            f"--to: нужен адрес вида http://127.0.0.1:8000, а не «{to}»",
            f"--to: expected an address as http://127.0.0.1:8000, not {to!r}",
        ) from error


def _target(options: dict[str, Any]) -> Target:
    with every_account():
        source = Source.objects.filter(pk=options["source"]).first()
        if source is None:
            raise fail(
                f"--source: нет источника {options['source']}, номера показывает `source list`",
                f"--source: no source {options['source']}, `source list` shows the ids",
            )
        if source.provider != options["provider"]:
            raise fail(
                f"--source: источник {source.pk} — {source.provider}, а не {options['provider']}",
                f"--source: source {source.pk} is {source.provider}, not {options['provider']}",
            )
        given = options["secret"]
        kind = default_kind(get(source.provider).of(source.settings))
        return target_of(source, secret=Secret(given, kind) if given else None, to=options["to"])
