"""Connecting a till: a source with its address and secret, and the states it goes through.

All of these run in a transaction whose scope holds the source's account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import Account, Source, SourceState
from ingest import endpoints
from integrations.contract import API, REVISION, Provider
from integrations.registry import PROVIDERS, get, of_source
from sales.totals import redate_source

from . import children
from .fetching import rows as reads
from .fetching import walks
from .source_secrets import (
    SecretInvalid,
    check_secret,
    default_kind,
    is_ours_to_make,
    needs_secret,
    new_secret,
)
from .source_settings import ALLOW_IPS, OWN, check_required

#: Edits by hand make their source themselves: nobody connects it.
BUILT_IN = "manual"
#: Columns that the days and sums of recorded sales follow at once.
_DERIVED = frozenset({"timezone", "priority", "is_test"})
#: Columns that a delivery is read with: what is recorded keeps its reading. The zone is both:
#: the day follows, a moment that a till wrote without its zone does not.
_READ_WITH = frozenset({"currency", "timezone", "location", "prices_include_tax", OWN})


def connectable() -> list[str]:
    """Return the slugs of the providers that a person may connect."""
    return sorted(slug for slug in PROVIDERS if slug != BUILT_IN)


def add_source(
    account: Account,
    provider: Provider,
    *,
    title: str = "",
    secret: str | None = None,
    kind: str | None = None,
    columns: Mapping[str, Any] | None = None,
) -> tuple[Source, str | None]:
    """Make a source with its address; without a secret, make one where we issue it.

    Returns the source and its secret in clear, None where the provider has yet to give it.
    Raises SecretInvalid and SettingInvalid.
    """
    check_required(provider, columns or {})
    provider = provider.of((columns or {}).get(OWN, {}))
    kind = kind or default_kind(provider)
    if secret is None and is_ours_to_make(provider, kind):
        secret = new_secret(provider, kind)
    if secret is not None:
        check_secret(provider, kind, secret)
    defaults = {"currency": provider.default_currency or "RUB", "title": title or provider.title}
    waits = needs_secret(provider) and (secret is None or kind == API)
    state = SourceState.NEEDS_SECRET if waits else SourceState.ACTIVE
    source = Source.objects.create(
        account=account, provider=provider.slug, state=state, **{**defaults, **(columns or {})}
    )
    endpoints.add_endpoint(source)
    if secret is not None:
        endpoints.add_secret(source, secret, kind=kind)
    return source, secret


def give_secret(source: Source, value: str | None, *, kind: str | None = None) -> str:
    """Add a secret beside those there are, and return it; a source that waited begins to work.

    One of the provider's API takes the place of the one before.

    Raises SecretInvalid, also where the provider issues the secret and none is given.
    """
    value, kind = _usable(source, value, kind)
    if kind == API:
        endpoints.give_api_secret(source, value)
        for one in (source, *Source.objects.filter(parent=source)):
            _ask_at_once(one)
        return value
    endpoints.add_secret(source, value, kind=kind)
    if source.state == SourceState.NEEDS_SECRET:
        set_state(source, SourceState.ACTIVE)
    return value


def rotate_secret(source: Source, value: str | None, *, overlap: timedelta) -> str:
    """Replace the secret, and return the new one; the old ones hold for the overlap.

    Raises SecretInvalid, also where the provider issues the secret and none is given.
    """
    held = endpoints.secrets_of(source)
    value, _ = _usable(source, value, held[0].kind if held else None)
    return endpoints.rotate_secret(source, value=value, overlap=overlap)


def rotate_address(source: Source, *, overlap: timedelta) -> None:
    """Make a new address; the old one takes deliveries for the overlap.

    A configured public URL that holds the old token is changed with it: from then on what signs
    its URL (Square) has to use the new one.
    """
    _own(source)
    old = endpoints.token_of(source)
    new = endpoints.rotate_endpoint(source, overlap=overlap)
    if old is not None and old in source.public_url:
        source.public_url = source.public_url.replace(old, new)
        source.save(update_fields=["public_url"])


def _usable(source: Source, value: str | None, kind: str | None) -> tuple[str, str]:
    """Return a secret that can work, made where we issue it, and its kind."""
    provider = get(source.provider).of(source.settings)
    kind = kind or default_kind(provider)
    if kind != API:
        _own(source)
    if value is None and not is_ours_to_make(provider, kind):
        raise SecretInvalid(
            f"--secret: его выдаёт {provider.title}, укажите его / "
            f"--secret: {provider.title} issues it, give it here"
        )
    value = value or new_secret(provider, kind)
    check_secret(provider, kind, value)
    return value, kind


def _own(source: Source) -> None:
    """Refuse what only a source with an address of its own has. Raises SecretInvalid."""
    if source.parent_id is not None:
        raise SecretInvalid(
            f"адрес и секрет у приложения, источник {source.parent_id} / "
            f"address and secret are the app's, source {source.parent_id}"
        )


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed: columns and settings of the provider, how many rows were derived again, and
    whether readings are stale."""

    columns: tuple[str, ...]
    rows: int
    stale: bool


def change_source(source: Source, columns: Mapping[str, Any]) -> Changed:
    """Set columns of a source; the days of what it sold are derived again where they follow.

    Of ``settings`` only the named ones are set, and those that are None taken back. The caller
    holds the source's days (``sales.totals.hold_days``), then its row.
    """
    own = {
        name: value
        for name, value in columns.get(OWN, {}).items()
        if source.settings.get(name) != value
    }
    columns = {name: value for name, value in columns.items() if name != OWN}
    counted: dict[str, int] = {}
    if own:
        counted = _counted(source, own)
        merged = {**source.settings, **own, **counted}
        columns[OWN] = {name: value for name, value in merged.items() if value is not None}
    differing = {name: new for name, new in columns.items() if getattr(source, name) != new}
    for name, value in differing.items():
        setattr(source, name, value)
    source.save(update_fields=[*differing])
    if counted:
        _follow_proof(source)
    _ask_at_once(source)
    rows = 0 if _DERIVED.isdisjoint(differing) else redate_source(source.pk)
    names = (differing.keys() - {OWN}) | own.keys()
    read = _READ_WITH - ({OWN} if own.keys() <= _not_read_with(source) else set())
    return Changed(tuple(sorted(names)), rows, not read.isdisjoint(differing))


def _not_read_with(source: Source) -> set[str]:
    """Return the settings that say whom to hear and let in, not how to read."""
    provider = PROVIDERS.get(source.provider)
    return {ALLOW_IPS, *(provider.app_settings if provider else ())}


def _counted(source: Source, own: Mapping[str, Any]) -> dict[str, int]:
    """Return the next revision where a change says anew what bodies mean: what is read with it
    stands above what was read before, as with a new mapper."""
    provider = PROVIDERS.get(source.provider)
    if provider is None or not (provider.requires.keys() | provider.says_anew) & own.keys():
        return {}
    return {REVISION: source.settings.get(REVISION, 0) + 1}


def _follow_proof(source: Source) -> None:
    """Let a source whose settings changed wait for a secret, or no longer."""
    wanted = SourceState.ACTIVE if _can_be_proven(source) else SourceState.NEEDS_SECRET
    if source.state in (SourceState.ACTIVE, SourceState.NEEDS_SECRET) and source.state != wanted:
        set_state(source, wanted)


def set_state(source: Source, state: SourceState) -> None:
    """Change the state; a source that works again settles what it held while it was paused."""
    if state == SourceState.ACTIVE and not _can_be_proven(source):
        state = SourceState.NEEDS_SECRET
    source.state = state
    source.save(update_fields=["state"])
    if state == SourceState.ACTIVE:
        release_held(source.pk)
        children.route_waiting(source)


def _can_be_proven(source: Source) -> bool:
    """Say whether a delivery of the source can be genuine: an app's child has its app's secrets."""
    provider = of_source(source.provider, source.settings)
    return (
        source.parent_id is not None
        or bool(endpoints.secrets_of(source))
        or (provider is not None and not needs_secret(provider))
    )


def _ask_at_once(source: Source) -> None:
    """Let reads and walks that failed be tried again now: what they lacked may have been set."""
    reads.due_now(source.pk)
    walks.due_now(source.pk)


def release_held(source_id: int) -> int:
    """Make the held deliveries of a source due; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ingest_inbox SET due_at = now() WHERE source_id = %s AND due_at = 'infinity'",
            [source_id],
        )
        return int(cursor.rowcount)


def path_of(source: Source) -> str | None:
    """Return the path that the provider sends to; None where every address has expired."""
    token = endpoints.token_of(source)
    return None if token is None else f"/hooks/{token}"


def url_of(source: Source) -> str | None:
    """Return the whole address that the provider sends to and, where it signs it, signs."""
    path = path_of(source)
    return source.public_url or (None if path is None else settings.PUBLIC_URL + path)
