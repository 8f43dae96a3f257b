"""The system checks, each seen red once; and a production that passes ``check --deploy``."""

import os
import secrets
import subprocess
import sys
from base64 import urlsafe_b64encode

import pytest
from django.core.checks import CheckMessage
from django.db import connection
from pytest_django import Settings

from . import checks, env


def _ids(found: list[CheckMessage]) -> list[str | None]:
    return [one.id for one in found]


def test_a_single_role_is_warned_of(settings: Settings) -> None:
    settings.DATABASE_OWNER = None

    assert _ids(checks.two_roles()) == ["gjango.W001"]


def test_a_typed_key_is_refused_and_a_random_one_passes(settings: Settings) -> None:
    settings.GJANGO_KEYS = [urlsafe_b64encode(b"a" * 32).decode()]
    assert _ids(checks.strong_keys()) == ["gjango.E003"]

    settings.GJANGO_KEYS = [urlsafe_b64encode(secrets.token_bytes(32)).decode()]
    assert checks.strong_keys() == []


def test_proxies_that_are_no_addresses_are_refused(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "nginx"]

    assert _ids(checks.proxies()) == ["gjango.E004"]


@pytest.mark.parametrize("url", ["sales.example.ru", "ftp://x", "https://", "https://x/?a=1"])
def test_a_public_url_that_is_none_is_refused(settings: Settings, url: str) -> None:
    settings.PUBLIC_URL = url

    assert _ids(checks.public_url()) == ["gjango.E005"]


@pytest.mark.django_db
def test_our_own_server_passes() -> None:
    assert checks.server(databases=["default"]) == []


@pytest.mark.django_db(transaction=True)
def test_a_database_in_locale_c_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from psycopg import connect

    name = f"locale_c_{os.getpid()}"
    admin = env.STATE.database_url("postgres", "postgres")
    with connect(admin, autocommit=True) as direct:
        direct.execute(f"CREATE DATABASE {name} LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
    kept = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name

    try:
        found = checks.server(databases=["default"])
    finally:
        connection.close()
        connection.settings_dict["NAME"] = kept
        with connect(admin, autocommit=True) as direct:
            direct.execute(f"DROP DATABASE {name} WITH (FORCE)")

    assert _ids(found) == ["gjango.E001"]


@pytest.mark.django_db
def test_without_a_database_named_none_is_asked() -> None:
    assert checks.server(databases=None) == checks.migrated(databases=None) == []


@pytest.mark.parametrize("deploy", [["--deploy"], ["--deploy", "--database", "default"]])
def test_a_production_passes_every_check(deploy: list[str]) -> None:
    given = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": env.STATE.database_url(),
        "DATABASE_OWNER_URL": env.STATE.database_url("gjango_owner"),
        "REDIS_URL": "redis://redis:6379/0",
        "PUBLIC_URL": "https://sales.example.ru",
        "ALLOWED_HOSTS": "sales.example.ru",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "GJANGO_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }

    done = subprocess.run(
        [sys.executable, "manage.py", "check", *deploy, "--fail-level", "WARNING"],
        cwd=env.ROOT,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )

    missing_only = "gjango.W002" in done.stderr and done.stderr.count("gjango.") == 1
    assert done.returncode == 0 or ("--database" in deploy and missing_only), done.stderr
