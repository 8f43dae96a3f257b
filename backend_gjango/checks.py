"""System checks: what is wrong with an installation, before it hurts. Ids: docs/settings.md."""

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from ingest.addresses import TrustedProxies

from .health import missing_migrations

#: The oldest PostgreSQL that is tried, as its number says it.
_OLDEST = 150000


@register(Tags.security)
def two_roles(**_: Any) -> list[CheckMessage]:
    """Warn where the application owns its tables (gjango.W001)."""
    if settings.DATABASE_OWNER is not None:
        return []
    return [
        Warning(
            "Одна роль на всё: приложение владеет таблицами и может обойти запреты и политики. / "
            "One database role for everything: the application owns the tables, so that grants "
            "and row-level security do not bind it; triggers hold alone.",
            hint="DATABASE_OWNER_URL: deploy/roles.sql",
            id="gjango.W001",
        )
    ]


@register(Tags.security)
def strong_keys(**_: Any) -> list[CheckMessage]:
    """Refuse encryption keys that somebody typed (gjango.E003)."""
    weak = [key for key in settings.GJANGO_KEYS if _is_weak(key)]
    if not weak:
        return []
    return [
        Error(
            "GJANGO_KEYS: ключ не случаен. / GJANGO_KEYS: a key is not random.",
            hint="head -c 32 /dev/urandom | base64 | tr '+/' '-_'",
            id="gjango.E003",
        )
    ]


def _is_weak(key: str) -> bool:
    # 32 random bytes have less than 20 different ones once in 10^6 keys.
    return len(set(base64.urlsafe_b64decode(key))) < 20


@register(Tags.security)
def proxies(**_: Any) -> list[CheckMessage]:
    """Refuse TRUSTED_PROXIES that are no addresses (gjango.E004)."""
    try:
        TrustedProxies(settings.TRUSTED_PROXIES)
    except ValueError as error:
        return [
            Error(
                f"TRUSTED_PROXIES не читается. / TRUSTED_PROXIES cannot be read: {error}",
                hint="TRUSTED_PROXIES=127.0.0.1,::1,10.0.0.0/8",
                id="gjango.E004",
            )
        ]
    return []


@register(Tags.urls)
def public_url(**_: Any) -> list[CheckMessage]:
    """Refuse a PUBLIC_URL that tills could not be given (gjango.E005)."""
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme in {"http", "https"} and parts.hostname and not (parts.query or parts.fragment):
        return []
    return [
        Error(
            f"PUBLIC_URL={settings.PUBLIC_URL}: это не адрес. / is not a URL.",
            hint="PUBLIC_URL=https://sales.example.ru",
            id="gjango.E005",
        )
    ]


@register(Tags.database)
def server(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Refuse an old server (gjango.E002) and a locale without letters (gjango.E001)."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int, upper('хлеб')")
            version, upper = cursor.fetchone() or (0, "")
        if version < _OLDEST:
            found.append(
                Error(
                    f"PostgreSQL {version // 10000}: нужен 15 или новее. / 15 or later is needed.",
                    id="gjango.E002",
                )
            )
        if upper != "ХЛЕБ":
            found.append(
                Error(
                    "База в локали C: поиск по русским названиям не найдёт ничего. / The database "
                    "has locale C: upper('хлеб') is not 'ХЛЕБ', searches ignore no case.",
                    hint="CREATE DATABASE … LOCALE 'C.UTF-8' TEMPLATE template0",
                    id="gjango.E001",
                )
            )
    return found


@register(Tags.database, deploy=True)
def migrated(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of migrations that are not applied (gjango.W002). Not in ``migrate`` itself."""
    if not databases or not (missing := missing_migrations()):
        return []
    return [
        Warning(
            f"Не применены миграции. / Migrations are not applied: {', '.join(missing)}",
            hint="python manage.py migrate",
            id="gjango.W002",
        )
    ]
