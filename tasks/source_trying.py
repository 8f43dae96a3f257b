"""``manage.py source try``: what a recorded request would become, before anything is kept."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.commandline import every_account, fail, find_source, table, verb
from ingest import endpoints
from integrations import custom
from integrations.contract import Context, Delivery, Provider, SignatureInvalid
from integrations.custom.description import read_description
from integrations.custom.trying import tried
from integrations.registry import get

from . import loading
from .doctor.misses import Case, diagnose
from .doctor.texts import sentence
from .source_secrets import needs_secret
from .source_settings import OWN, read_settings
from .sources import url_of

_MOST_BYTES = 10_000_000
_EXAMPLES = """
примеры / examples:
  manage.py source try till.json --body receipt.json --setting currency=KZT
  manage.py source try 3 --body receipt.json --headers headers.txt   # и подпись / the proof too
"""
_ABSENT = "не найдено / not found"


def add_try(verbs: Any) -> None:
    """Add the verb ``try``: a source or a description, and a request."""
    told = "чем станет запрос / what a request would become (custom)"
    parser = verb(verbs, "try", told, _EXAMPLES)
    parser.add_argument(
        "what",
        metavar="ID|ОПИСАНИЕ",
        help="номер источника custom или файл описания / a custom source, or a description's file",
    )
    parser.add_argument("--body", required=True, metavar="ФАЙЛ", help="тело / the body as it came")
    parser.add_argument(
        "--headers", metavar="ФАЙЛ", help="строки «Имя: значение»: проверить подпись / verify it"
    )
    parser.add_argument("--method", default="POST", help="POST, PUT")
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        help="для файла: currency=…, timezone=… / of a file: currency=…, timezone=…",
    )


def answered(options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return what the request would become, for programs and for people.

    Raises CommandError and SettingInvalid.
    """
    body = _read(options["body"], "--body")
    headers = _headers(options["headers"])
    what = str(options["what"])
    if what.isascii() and what.isdigit():
        return _of_source(int(what), options, headers, body)
    columns = read_settings([*options["setting"], f"{custom.DESCRIPTION}=@{what}"], _base())
    context = Context(
        currency=columns.get("currency", "RUB"),
        timezone=columns.get("timezone") or settings.TIME_ZONE,
        received=time.time_ns() // 1000,
        prices_include_tax=columns.get("prices_include_tax"),
        location=columns.get("location"),
    )
    delivery = Delivery(options["method"], "", "", headers, body, "")
    return _shown(columns[OWN][custom.DESCRIPTION], delivery, context, proof=None)


def is_refused(value: dict[str, Any]) -> bool:
    """Say whether something of the request could not be read."""
    return bool(value["error"] or any(one["error"] for one in value["records"]))


def _base() -> Provider:
    return get(custom.PROVIDER.slug)


def _of_source(
    number: int, options: dict[str, Any], headers: dict[str, str], body: bytes
) -> tuple[dict[str, Any], str]:
    if options["setting"]:
        raise fail(
            "--setting: только для файла описания", "--setting: of a description's file only"
        )
    with every_account():
        source = find_source(number)
        if source.provider != custom.PROVIDER.slug:
            raise fail(
                f"Источник {number} — {source.provider}, описание бывает у custom",
                f"Source {number} is {source.provider}, descriptions are of custom sources",
            )
        delivery = Delivery(options["method"], "", "", headers, body, url_of(source) or "")
        context = loading.settings([number])[number].context(datetime.now(UTC))
        secrets = tuple(endpoints.secrets_of(source))
        provider = get(source.provider).of(source.settings)
        text = source.settings[custom.DESCRIPTION]
    proof = None
    if options["headers"] and needs_secret(provider):
        proof = _proof(
            Case(scheme=provider.scheme, delivery=delivery, secrets=secrets, at=time.time()), number
        )
    return _shown(text, delivery, context, proof=proof)


def _proof(case: Case, source: int) -> str:
    try:
        case.scheme.verify(case.delivery, case.secrets, case.at)
    except SignatureInvalid:
        return sentence(diagnose(case), source)
    return "верно / valid"


def _read(name: str, option: str) -> bytes:
    try:
        found = Path(name).read_bytes()
    except OSError as error:
        raise fail(
            f"{option}: файл «{name}» не читается", f"{option}: the file {name!r} cannot be read"
        ) from error
    if len(found) > _MOST_BYTES:
        raise fail(f"{option}: больше 10 МБ", f"{option}: more than 10 MB")
    return found


def _headers(name: str | None) -> dict[str, str]:
    if name is None:
        return {}
    found: dict[str, str] = {}
    for line in _read(name, "--headers").decode("latin-1").splitlines():
        key, colon, value = line.partition(":")
        if line.strip() and not colon:
            raise fail(
                f"--headers: строка «{line[:60]}» не вида «Имя: значение»",
                f"--headers: the line {line[:60]!r} is not «Name: value»",
            )
        if colon:
            found[key.strip().lower()] = value.strip()
    return found


def _shown(
    text: str, delivery: Delivery, context: Context, *, proof: str | None
) -> tuple[dict[str, Any], str]:
    provider = _base().of({custom.DESCRIPTION: text})
    value = tried(provider, read_description(text), delivery, context)
    value = {"unsigned": not provider.signed, "proof": proof, **value}
    return value, "\n".join(_lines(value))


def _lines(value: dict[str, Any]) -> Iterator[str]:
    if value["unsigned"]:
        yield "тело не подписано / the body is not signed"
    if value["proof"] is not None:
        yield f"подпись / proof: {value['proof']}"
    if value["error"]:
        yield _refusal(value["error"])
    elif not value["records"]:
        yield "записей нет / no records"
    for record in value["records"]:
        yield ""
        became = f"{record['place']}: {record['type']} → {record['outcome']}"
        yield f"{became}, ключ / key {record['key']}"
        for document in record["documents"]:
            rows = [_row(one) for one in document["fields"] if one["field"]]
            yield table((document["as"], "value", "path", "setting"), rows)
        if record["error"]:
            yield _refusal(record["error"])


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    is_item = one["field"].endswith("]") and one["value"] is None
    value = "" if is_item else one["value"] if one["found"] else _ABSENT
    return (one["field"], value, one["path"], one["setting"])


def _refusal(error: dict[str, str]) -> str:
    return f"не читается / unreadable: {error['path']}: {error['reason']}"
