"""A source as ``manage.py source`` shows it, to people and to programs."""

from typing import Any

from accounts.models import Source, SourceState
from ingest import endpoints
from ingest.handshakes import HANDSHAKE
from ingest.models import Rejection
from integrations.contract import API
from integrations.registry import PROVIDERS, of_source

from .app_options import waiting_of
from .fetching import state
from .source_settings import values_of
from .sources import Changed, path_of, url_of

_UNSIGNED = (
    "тело доставок не подписано, адрес держите в тайне / deliveries are unsigned, keep the address"
    " secret"
)

_SHOWN = 200


def shown(source: Source, secret: str | None) -> dict[str, Any]:
    """Return what is told of a source that was just changed, with the secret it was given."""
    return {
        "id": source.pk,
        "url": url_of(source),
        "path": path_of(source),
        "secret": secret,
        "state": str(source.state),
        "kind": source.kind,
        "parent": source.parent_id,
        "merchant": source.merchant,
        "unsigned": _is_unsigned(source),
        "shows_code": _shows_code(source),
        "needs_api_secret": _lacks_api_secret(source),
        "needs_settings": _missing(source, needed=True),
        "could_find_lost": _could_find_lost(source),
    }


def described(source: Source) -> dict[str, Any]:
    """Return all that a list tells of a source."""
    kinds = [one.kind for one in endpoints.secrets_of(source)]
    asks = endpoints.api_secret_of(source) is not None
    return {
        "id": source.pk,
        "account": source.account.slug,
        "provider": source.provider,
        "title": source.title,
        "kind": source.kind,
        "parent": source.parent_id,
        "merchant": source.merchant,
        "state": source.state,
        "unrouted": waiting_of(source),
        "unsigned": _is_unsigned(source),
        "secrets": len(kinds),
        "secret_kinds": sorted({*kinds, *([API] if asks else [])}),
        "api_secret": asks,
        "code": code_of(source),
        "reads": state.describe(source),
        "url": url_of(source),
        "path": path_of(source),
        "settings": values_of(source, PROVIDERS.get(source.provider)),
    }


def code_of(source: Source) -> dict[str, str] | None:
    """Return the last code that the provider sent to be copied into its console, and when it came;
    None where none came within a week."""
    asked = Rejection.objects.filter(source=source, reason=HANDSHAKE).order_by("-id")
    found = asked.values_list("detail", "at").first()
    return None if found is None else {"code": found[0], "at": found[1].isoformat()}


def _missing(source: Source, *, needed: bool) -> dict[str, str]:
    """Return the settings without which the provider's API cannot be asked: name → what it is.

    ``needed`` chooses APIs that sales wait for, or those that only find what was lost.
    """
    api = provider.api if (provider := PROVIDERS.get(source.provider)) else None
    if api is None or source.is_app or api.is_needed != needed:  # an app is never asked
        return {}
    return {name: what for name, what in api.requires.items() if not source.settings.get(name)}


def _could_find_lost(source: Source) -> list[str]:
    """Return what is left to set until lost sales can be found, where sales do not wait for it:
    names of settings, and ``api`` for the secret."""
    api = provider.api if (provider := PROVIDERS.get(source.provider)) else None
    if api is None or source.is_app or api.is_needed or not api.lists:
        return []
    lacks = api.needs_secret and not endpoints.api_secret_of(source)
    return [*_missing(source, needed=False), *([API] if lacks else [])]


def _shows_code(source: Source) -> bool:
    provider = PROVIDERS.get(source.provider)
    return provider is not None and provider.code is not None


def _lacks_api_secret(source: Source) -> bool:
    api = provider.api if (provider := PROVIDERS.get(source.provider)) else None
    needed = api is not None and api.is_needed and api.needs_secret
    return needed and not endpoints.api_secret_of(source)


def _is_unsigned(source: Source) -> bool:
    provider = of_source(source.provider, source.settings)
    return provider is not None and not provider.signed


def marked(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a list for people: unsigned sources marked, secrets by their kinds."""
    return [
        item
        | {
            "unsigned": "без подписи" if item["unsigned"] else "",
            "secrets": ", ".join(item["secret_kinds"]) or None,
        }
        for item in shown
    ]


def text(shown: dict[str, Any]) -> str:
    """Return what people are told of a source, and what to do next."""
    lines = [f"Источник / source {shown['id']}: {shown['state']}", _where(shown)]
    if shown["unsigned"]:
        lines.append(_UNSIGNED)
    if shown["secret"] is not None:
        lines.append(f"секрет показан один раз / secret, shown once: {shown['secret']}")
    if shown["state"] == SourceState.NEEDS_SECRET:
        lines += [_code_hint(shown["id"])] if shown["shows_code"] else []
        lines.append(_secret_hint(shown["id"]))
    lines += [
        f"дальше, {name}: {what} — без неё документы не прочесть / next, without it nothing can be"
        f" read: manage.py source set {shown['id']} --setting {name}=…"
        for name, what in shown["needs_settings"].items()
    ]
    if shown["needs_api_secret"]:
        lines.append(
            "дальше, ключ API, чтобы читать документы / next, a key of the API to read with: "
            f"manage.py source secret {shown['id']} --kind api --secret -"
        )
    if shown["could_find_lost"]:
        lines.append(_lost_hint(shown["id"], shown["could_find_lost"]))
    return "\n".join(lines)


def _lost_hint(source: int, lacking: list[str]) -> str:
    names = [f"--setting {name}=…" for name in lacking if name != API]
    commands = [f"manage.py source set {source} {' '.join(names)}"] if names else []
    if API in lacking:
        commands.append(f"manage.py source secret {source} --kind api --secret -")
    return (
        "чтобы находить потерянное в пути (README провайдера) / to find what is lost on the way"
        f" (the provider's README): {'; '.join(commands)}; manage.py source check {source}"
    )


def _code_hint(source: int) -> str:
    return (
        "дальше, код, который попросит кабинет / next, the code that the console asks for: "
        f"manage.py source code {source}"
    )


def _secret_hint(source: int) -> str:
    return (
        "дальше, секрет из кабинета провайдера / next, the secret the provider shows you: "
        f"manage.py source secret {source} --secret -"
    )


def _short(value: Any) -> str:
    """Return a setting on one line; a document is cut, ``source list --json`` has all of it."""
    text = "—" if value in ("", None) else " ".join(str(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _where(shown: dict[str, Any]) -> str:
    if shown["kind"] != "child":
        return f"url: {shown['url']}"
    return (
        f"продавец / merchant {shown['merchant']}, адрес у приложения / the address is of the app:"
        f" {shown['parent']}"
    )


def told(shown: dict[str, Any], changed: Changed) -> str:
    """Return the settings of a source after a change, and what follows from it."""
    settings = {"title": shown["title"], **shown["settings"]}
    lines = [f"{name}: {_short(value)}" for name, value in settings.items()]
    if shown["unsigned"]:
        lines.append(_UNSIGNED)
    if shown["state"] == SourceState.NEEDS_SECRET:
        lines.append(_secret_hint(shown["id"]))
    if changed.rows:
        lines.append(f"пересчитано продаж и возвратов / rows derived again: {changed.rows}")
    if changed.stale:
        lines.append(
            "новые доставки читаются по-новому, записанное прочтёт заново / new deliveries are read"
            f" with it, what is recorded by: manage.py rebuild --source {shown['id']} --apply"
        )
    return "\n".join(lines)
