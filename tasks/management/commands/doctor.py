"""``manage.py doctor``: why a source's deliveries are rejected, and taking them in afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.commandline import JsonCommand, add_json, every_account, fail, find_source, table
from accounts.models import Source, SourceState
from ingest.crypto import VaultError
from integrations.registry import PROVIDERS, of_source
from tasks.doctor.texts import sentence
from tasks.doctor.visiting import Found, Health, accept, findings, health_of


class Command(JsonCommand):
    help = (
        "Почему доставки источника отклонены (401): какая настройка неверна и что сделать.\n"
        "Why deliveries of a source are rejected (401): which setting is wrong, and what to do."
    )
    examples = """
примеры / examples:
  manage.py doctor 3
  manage.py doctor 3 --json
  manage.py doctor 3 --accept     # после исправления: принять, что верно / after the repair
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=int, metavar="ИСТОЧНИК", help="номер / number")
        parser.add_argument(
            "--accept",
            action="store_true",
            help="проверить ещё раз и принять верные / verify again, and take in what is genuine",
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with every_account():
                source = _source(options["source"], locked=options["accept"])
                accepted = _accepted(source) if options["accept"] else None
                health = health_of(source)
                found = [_told(one, source.pk) for one in findings(source)]
        except VaultError as error:
            raise CommandError(str(error)) from error
        value = {
            "source": source.pk,
            "health": asdict(health),
            "findings": found,
            "accepted": accepted,
        }
        self.answer(options, value, _text(health, found, accepted))


def _source(number: int, *, locked: bool) -> Source:
    """Return the source, ``locked`` so that its state stays what it is until the end."""
    found = find_source(number, locked=locked)
    if found.provider not in PROVIDERS:
        raise fail(
            f"Провайдера «{found.provider}» в этой установке нет",
            f"This installation has no provider {found.provider!r}",
        )
    if of_source(found.provider, found.settings) is None:
        raise fail(
            f"Настройки источника негодны: manage.py source set {number} --setting …",
            f"The source's settings are unusable: manage.py source set {number} --setting …",
        )
    return found


def _accepted(source: Source) -> list[str]:
    if source.state == SourceState.DISABLED:
        raise fail(
            f"Источник отключён: сначала manage.py source enable {source.pk}",
            f"The source is disabled: first manage.py source enable {source.pk}",
        )
    return [str(made) for made in accept(source)]


def _told(found: Found, source: int) -> dict[str, Any]:
    return {
        "id": found.id,
        "at": found.at,
        "reason": found.reason,
        "finding": found.miss.kind,
        "facts": dict(found.miss.facts),
        "sentence": sentence(found.miss, source),
    }


def _text(
    health: Health, found: Sequence[Mapping[str, Any]], accepted: Sequence[str] | None
) -> str:
    heads = ("состояние / state", "последняя доставка / last delivery", "отклонена / rejected")
    last = (health.state, health.last_delivery, health.last_rejection)
    lines = [table(heads, [last])]
    counts = (
        ("в карантине / in quarantine", health.rejected),
        ("не разобрано / not settled", health.unsettled),
        ("ждут чтения у провайдера / reads pending", health.pending_reads),
    )
    lines += [f"{name}: {count}" for name, count in counts if count]
    if health.api_secret_missing:
        lines.append("нет секрета API: source secret ID --kind api / the API's secret is missing")
    lines += [f"{told} — {count}" for told, count in _grouped(found).items()]
    if accepted is not None:
        lines.append(f"принято / taken in: {len(accepted)}")
    return "\n".join(lines)


def _grouped(found: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count the deliveries of each sentence: fifty say the same."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one["sentence"]] = counts.get(one["sentence"], 0) + 1
    return counts
