"""``/live``, ``/ready`` and ``/metrics``: outside of accounts, scopes and logins."""

import hmac
import os
from collections.abc import Iterator
from functools import cache

from django.conf import settings
from django.db import Error, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from ingest.addresses import TrustedProxies

from .clients import address_of

#: A probe never waits longer for the database, in milliseconds.
_LIMIT = 2000
_APPLIED = "SELECT app || '.' || name FROM django_migrations"
_PARTITION = """SELECT EXISTS (SELECT FROM pg_inherits
 WHERE inhparent = to_regclass('ingest_delivery')
 AND inhrelid = to_regclass('ingest_delivery_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')))"""

Reason = dict[str, str]


@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as the process can answer at all."""
    return JsonResponse({"live": True})


@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """Answer 200 where deliveries can be taken and served, 503 with the reasons where not."""
    reasons, warnings = list(_reasons()), list(_warnings())
    return JsonResponse(
        {"ready": not reasons, "reasons": reasons, "warnings": warnings},
        status=503 if reasons else 200,
        json_dumps_params={"ensure_ascii": False},
    )


def _reason(code: str, detail: str) -> Reason:
    return {"code": code, "detail": detail}


def _reasons() -> Iterator[Reason]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {_LIMIT}")
            missing = missing_migrations()
            cursor.execute(_PARTITION)
            has_partition = (cursor.fetchone() or (False,))[0]
    except Error:
        # Its text names hosts and roles: for the log of the server, not for a stranger.
        yield _reason("database", "База данных недоступна. / The database cannot be reached.")
        return
    if missing:
        yield _reason("migrations", f"Не применены / not applied: {', '.join(missing[:5])}")
    elif not has_partition:
        yield _reason("partition", "Нет раздела на этот месяц. / No partition for this month.")


def missing_migrations() -> list[str]:
    """Return the names of the migrations on disk that the database has not seen."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        exists = (cursor.fetchone() or (False,))[0]
        applied = set()
        if exists:
            cursor.execute(_APPLIED)
            applied = {row[0] for row in cursor.fetchall()}
    return sorted(_on_disk() - applied)


@cache
def _on_disk() -> frozenset[str]:
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None)
    replaced = {old for one in loader.replacements.values() for old in one.replaces}
    return frozenset(
        f"{app}.{name}" for app, name in loader.disk_migrations if (app, name) not in replaced
    )


def _warnings() -> Iterator[Reason]:
    if not _redis_answers():
        yield _reason(
            "redis",
            "Redis молчит: продажи появятся с задержкой до 15 с. / Redis is silent: sales appear "
            "up to 15 s later.",
        )


def _redis_answers() -> bool:
    import redis

    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5
        )
        with client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus on this machine, behind a trusted proxy, or with METRICS_TOKEN."""
    if not _may_measure(request):
        raise Http404
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    from .gauges import registry

    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def _may_measure(request: HttpRequest) -> bool:
    if TrustedProxies(settings.TRUSTED_PROXIES).trusts(address_of(request)):
        return True
    wanted = os.environ.get("METRICS_TOKEN", "")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())
