"""``manage.py partitions``: the partitions of staging, and a home for rows that found none."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from accounts.commandline import JsonCommand, add_json, fail, table
from backend_gjango.roles import as_owner
from tasks import partitions


class Command(JsonCommand):
    help = (
        "Показывает разделы хранилища доставок и месяцы, чьи строки попали в DEFAULT; --rehome "
        "делает этим месяцам разделы. Нужна роль владельца (DATABASE_OWNER_URL).\n"
        "Shows the partitions of staging and the months whose rows fell into DEFAULT; --rehome "
        "makes partitions for these. Needs the owner's role (DATABASE_OWNER_URL)."
    )
    examples = """
примеры / examples:
  manage.py partitions              # что есть / what there is
  manage.py partitions --rehome     # строки из DEFAULT — в их месяцы / rows of DEFAULT into their months
  manage.py partitions --json | python -m json.tool
"""  # noqa: E501

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rehome",
            action="store_true",
            help="дать строкам из DEFAULT их разделы / give rows of DEFAULT their partitions",
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """List; before that, rehome where it is asked for."""
        with as_owner():
            moved = _rehome() if options["rehome"] else []
            parts, strays = partitions.partitions(), partitions.strays()
        value = {
            "partitions": [asdict(one) for one in parts],
            "strays": [_value(one) for one in strays],
            "rehomed": [_value(one) for one in moved],
        }
        self.answer(options, value, _text(parts, strays, moved))


def _rehome() -> list[partitions.Month]:
    try:
        return partitions.rehome()
    except partitions.Taken as error:
        raise fail(
            f"Таблица {error} есть и отсоединена: присоедините её или переименуйте и повторите",
            f"The table {error} is there and detached: attach or rename it, then repeat",
        ) from error
    except partitions.Busy as error:
        raise fail(
            "Хранилище всё время занято, ничего не изменено: повторите, когда долгие запросы "
            "кончатся",
            "Staging was busy all the time, nothing was changed: repeat when long queries have "
            "ended",
        ) from error


def _value(month: partitions.Month) -> dict[str, Any]:
    return {"month": f"{month.since:%Y-%m}", "deliveries": month.rows}


def _text(
    parts: list[partitions.Partition],
    strays: list[partitions.Month],
    moved: list[partitions.Month],
) -> str:
    heads = ("partition", "~rows", "bytes", "bounds")
    lines = [table(heads, [[one.name, one.rows, one.bytes, one.bounds] for one in parts])]
    lines += [f"перенесено / rehomed: {one.since:%Y-%m}: {one.rows}" for one in moved]
    lines += [
        f"в DEFAULT / in DEFAULT: {one.since:%Y-%m}: {one.rows} → manage.py partitions --rehome"
        for one in strays
    ]
    return "\n".join(lines)
