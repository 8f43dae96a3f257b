"""docs/providers.md: the catalogue of providers as a page for people, in both languages."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .catalogue import UNCONFIRMED, described, heard
from .contract import Provider

PAGE = Path(__file__).parent.parent / "docs" / "providers.md"
_HEAD = """# Провайдеры / Providers

Кого слышим и как. Страница сделана из реестра командой `manage.py providers --docs`, руками не
правится; тест следит, что она верна. Подробно о каждом, с шагами подключения, — в его README.
«—» значит «нет», «?» — «провайдер не говорит».

Who is heard, and how. `manage.py providers --docs` makes this page from the registry; it is not
edited by hand, and a test keeps it true. Each README tells the details and how to connect it. "—"
means "none", "?" that the provider does not say.

"""
_COLUMNS = (
    "провайдер / provider",
    "код / slug",
    "подпись / signed",
    "события / events",
    "дозагрузка / back-fill",
    "приложение / app",
    "ответ за / answer within",
)
_SIZES = ((3600, "ч", "h"), (60, "мин", "min"))
_NONE = "—"
_UNKNOWN = "?"
_BY_DESCRIPTION = "по описанию / as described"


def page(providers: Iterable[Provider]) -> str:
    """Return the whole page, in Markdown."""
    known = [described(one) for one in heard(providers)]
    rows = [_COLUMNS, ["---"] * len(_COLUMNS), *map(_summary, known)]
    return _HEAD + "".join(map(_row, rows)) + "".join(map(_section, known))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _summary(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{one['title']}](#{one['slug']})"
    yield f"`{one['slug']}`"
    yield _signed(one)
    yield "тонкие / thin" if one["thin"] else "полные / fat"
    yield _codes(one["lists"])
    yield _yes(one["app"])
    yield _within(one["sender"])


def _section(one: Mapping[str, Any]) -> str:
    slug, rows = one["slug"], [("   ", "   "), ("---", "---"), *_facts(one)]
    head = f'\n<a id="{slug}"></a>\n\n## {one["title"]}\n\n'
    readme = f"[README](../integrations/{slug}/README.md)\n\n"
    return head + readme + "".join(map(_row, rows)) + "".join(_doubts(one["unconfirmed"]))


def _facts(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    sender = one["sender"]
    yield "доказательство / proof", one["proof"]
    yield "тело подписано / the body is signed", _signed(one)
    yield "методы / methods", ", ".join(one["methods"])
    yield "читается / read", _types(one, "reads")
    yield "не продажи, *ignored* / no sales, *ignored*", _types(one, "ignores")
    yield "спрашиваем / we ask for", _codes(one["asks"])
    yield "бюджет API / budget of the API", _budget(one["budget"])
    yield "дозагрузка / back-fill", _lists(one)
    yield "приложение на многих продавцов / app for many merchants", _yes(one["app"])
    yield "настройки / settings", _named(one["settings"])
    yield "секреты / secrets", "; ".join(one["secrets"]) or _NONE
    yield "принимает ответ / takes as an answer", sender["accepts"]
    yield "ждёт ответа / waits for it", _within(sender)
    yield "повторяет / repeats", _repeats(sender)
    yield "потом / afterwards", sender["then"] or _UNKNOWN
    yield "прочитано / read at", sender["source"] or _NONE


def _doubts(found: Mapping[str, list[str]]) -> Iterator[str]:
    for language, head in UNCONFIRMED.items():
        if found[language]:
            yield f"\n{head}:\n\n" + "".join(f"- {item}\n" for item in found[language])


def _budget(budget: Mapping[str, float] | None) -> str:
    if budget is None:
        return _NONE
    units = f"единиц / units: {budget['units']}"
    return f"{units}; за / per: {_spans(budget['seconds'])}; сразу / at once: {budget['at_once']}"


def _lists(one: Mapping[str, Any]) -> str:
    window = one["window"]
    again = "часы перечитывают последние / the clock lists again the last"
    return _codes(one["lists"]) + ("" if window is None else f"; {again}: {_spans(window)}")


def _within(sender: Mapping[str, Any]) -> str:
    return _UNKNOWN if sender["within"] is None else _spans(sender["within"])


def _repeats(sender: Mapping[str, Any]) -> str:
    count, pauses, over = (sender[name] for name in ("repeats", "pauses", "over"))
    if count == 0:
        return "никогда / never"
    parts = [
        "" if count is None else f"раз / times: {count}",
        f"через / after: {_spans(*pauses)}" if pauses else "",
        "" if over is None else f"всего / in all: {_spans(over)}",
    ]
    return "; ".join(filter(None, parts)) or _UNKNOWN


def _spans(*seconds: float) -> str:
    """Return lengths of time as people say them, each in its greatest whole unit."""
    told = [_span(one) for one in seconds]
    return " / ".join(", ".join(one[language] for one in told) for language in (0, 1))


def _span(seconds: float) -> tuple[str, str]:
    for size, russian, english in _SIZES:
        if seconds and seconds % size == 0:
            return f"{seconds / size:g} {russian}", f"{seconds / size:g} {english}"
    return f"{seconds:g} с", f"{seconds:g} s"


def _named(settings: Mapping[str, str]) -> str:
    told = [f"`{name}` — {words}" if words else f"`{name}`" for name, words in settings.items()]
    return "; ".join(told) or _NONE


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or _NONE


def _types(one: Mapping[str, Any], name: str) -> str:
    return _BY_DESCRIPTION if one["described"] else _codes(one[name])


def _signed(one: Mapping[str, Any]) -> str:
    return _BY_DESCRIPTION if one["described"] else _yes(one["signed"])


def _yes(value: bool) -> str:
    return "да / yes" if value else "нет / no"
