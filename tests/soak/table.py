"""The report as people read it, in the terminal and in ``docs/reliability.md``."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.stack import ROOT

_BEGIN, _END = "<!-- soak:{name} -->", "<!-- /soak:{name} -->"
DOCS = ROOT / "docs" / "reliability.md"


def rows(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the table says, in its order."""
    load, staging, sales = value["load"], value["staging"], value["sales"]
    redis = "" if value["redis"] else ", Redis мёртв всё время / dead throughout"
    yield "seed, commit", f"{value['seed']}, {value['commit']}{redis}"
    yield "длительность, с / seconds", f"{value['seconds']}"
    yield (
        "доставок / deliveries",
        f"{load['deliveries']} ({load['per_second']}/s), попыток / attempts "
        f"{load['attempts_to_send']}, продаж / sales {load['sales']}",
    )
    yield "доли, % / shares, %", _pairs(load["shares_percent"])
    yield "принято (журнал) / acknowledged", f"{staging['acknowledged']} + {staging['edits']} edits"
    yield "ответы / answers", _pairs(value["answers"])
    yield "ответы API / API answers", _pairs(value["api_answers"])
    yield "подделки / tampered", _pairs(value["tampered"])
    yield "5xx кроме 503 / other than 503", str(value["errors_5xx"])
    yield "**потеряно / lost**", str(value["lost"])
    yield "**лишнее в staging / unexpected**", str(value["unexpected"])
    yield "восстановлено / recovered", str(staging["recovered"])
    yield "**эффект дважды / doubled**", str(value["doubled"])
    yield (
        "**продажи верны / sales right**",
        f"{sales['right']} из / of {sales['wanted']}; близнецы / twins {sales['twins']}, "
        f"differ {sales['twins_differ']}",
    )
    yield "**расхождение денег / money difference**", _pairs(value["money"])
    yield "оборот / turnover", _pairs(sales["turnover"])
    yield (
        "неразобранное / dead letters",
        f"{sales['dead']}, ожидалось / expected {sales['dead_expected']}",
    )
    yield "исходы / outcomes", _pairs(sales["outcomes"])
    yield "попытки разбора / attempts to settle", _pairs(value["attempts"])
    yield "ответ вне сбоев, мс / ack outside faults, ms", _pairs(value["ack_ms"]["outside_faults"])
    yield "ответ в сбоях, мс / inside faults, ms", _pairs(value["ack_ms"]["inside_faults"])
    yield "самый долгий ответ, мс / slowest", str(value["ack_ms"]["slowest_answer_of_any_kind"])
    visible = value["visible_s"]
    yield "видна через, с, вне сбоев / visible after, s", _pairs(visible["outside_faults"])
    yield "видна через, с, все / all", _pairs(visible["all"])
    yield (
        "очередь / backlog",
        f"пик / peak {value['backlog']['peak']}, пуста через / drained in "
        f"{value['backlog']['drain_s']} s",
    )
    yield "память, МБ RSS / MB", _pairs(value["memory_mb"]["rss"])
    yield "память, МБ PSS / MB", _pairs(value["memory_mb"]["pss"])
    yield "мёртвые строки / dead rows", _pairs(value["dead_rows"])
    yield "WAL, байт на доставку / bytes a delivery", str(value["wal_bytes_per_delivery"])
    yield "verify --full, rebuild --check", "; ".join(value["verify_failed"]) or "ok"
    yield "пропущено / skipped", ", ".join(value["skipped"]) or "—"
    yield "цели / goals", "; ".join(value["missed"]) or "ok"


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "—"


def text(value: Mapping[str, Any]) -> str:
    """Return the report as a terminal shows it."""
    found = [(name.strip("*"), shown) for name, shown in rows(value)]
    width = max(len(name) for name, _ in found)
    lines = [f"{name:<{width}}  {shown}" for name, shown in found]
    lines += ["", *(_fault(one) for one in value["faults"]), ""]
    examples = value["staging"]["examples"] + value["sales"]["examples"]
    lines += [f"  {example}" for example in examples]
    if not value["ok"]:
        lines.append(f"журнал / journal: {value['journal']}")
    verdict = "ok" if value["ok"] else "FAILED: " + "; ".join(value["broken"])
    return "\n".join([*lines, verdict])


def _fault(one: Mapping[str, Any]) -> str:
    return (
        f"{one['at']:>6.1f} s  {one['name']:<32} {one['lasted']:>5.1f} s, 2xx {_after(one)}, "
        f"без 2xx не дольше / without at most {one['longest_without_2xx']:.2f} s"
    )


def _after(one: Mapping[str, Any]) -> str:
    return "—" if one["until_2xx"] is None else f"+{one['until_2xx']:.2f} s"


def markdown(value: Mapping[str, Any], command: str) -> str:
    """Return the report as the documentation shows it."""
    lines = [f"`{command}`", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {shown} |" for name, shown in rows(value)]
    heads = "с / s | сбой / fault | длился / lasted | первый 2xx / first | без 2xx / without"
    lines += ["", f"| {heads} |", "|---|---|---|---|---|"]
    lines += [
        f"| {one['at']} | {one['name']} | {one['lasted']} s | {_after(one)} | "
        f"{one['longest_without_2xx']} s |"
        for one in value["faults"]
    ]
    return "\n".join(lines)


def write(value: Mapping[str, Any], command: str, path: Path = DOCS) -> None:
    """Put a run into its block of the documentation. Raises ValueError where there is none."""
    replace("redis" if value["redis"] else "no-redis", markdown(value, command), path)


def summary(values: Sequence[Mapping[str, Any]], command: str) -> str:
    """Return several runs, a line each, as the documentation shows them."""
    heads = (
        "seed, commit | принято / acknowledged | сбоев / faults | потеряно / lost |"
        " лишнее / unexpected | удвоено / doubled | деньги / money | 5xx ≠ 503 |"
        " p99, мс / ms | видна p99, с / visible | очередь, с / drained | цели / goals"
    )
    lines = [f"`{command}`", "", f"| {heads} |", "|---" * 12 + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(_line(one))} |" for one in values)])


def _line(value: Mapping[str, Any]) -> list[str]:
    return [
        f"{value['seed']}, {value['commit']}",
        f"{value['load']['acknowledged']} ({value['load']['per_second']}/s)",
        str(len(value["faults"])),
        *(str(value[name]) for name in ("lost", "unexpected", "doubled")),
        str(max(map(Decimal, value["money"].values()), key=abs)),
        str(value["errors_5xx"]),
        str(value["ack_ms"]["outside_faults"]["p99"]),
        str(value["visible_s"]["outside_faults"]["p99"]),
        str(value["backlog"]["drain_s"]),
        "; ".join([*value["broken"], *value["missed"]]) or "ok",
    ]


def replace(name: str, content: str, path: Path = DOCS) -> None:
    """Replace a marked block of the documentation. Raises ValueError where there is none."""
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    before, found, rest = path.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{path}: no block {begin} … {end}")
    path.write_text(f"{before}{begin}\n{content}\n{end}{after}")
