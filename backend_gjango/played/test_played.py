"""Who may be asked on this machine: the demonstration of ``make run``, and nobody else."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from accounts.models import DEMO, Account
from accounts.rls import scoped
from backend_gjango import env
from backend_gjango.supervisor import plan
from tasks.fetching.asking import Line
from tasks.fetching.failures import Cause, Failed
from tasks.fetching.http import Client
from tasks.fetching.lines import Lines
from tests.thin import HOST, THINS, make_thin

_SHOW = "import django; django.setup(); from django.conf import settings as s; print(s.PLAYED_PORT)"


def _under(settings: str, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _SHOW],
        cwd=env.ROOT,
        env={**os.environ, **given, "DJANGO_SETTINGS_MODULE": settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_settings_know_of_no_played_provider_whatever_the_environment_says() -> None:
    done = _under("backend_gjango.settings", GJANGO_PLAYED_PORT="8999", DEMO="1")

    assert (done.returncode, done.stdout.strip()) == (0, "None")


def test_with_a_database_of_ones_own_the_demos_settings_do_not_start() -> None:
    own = {
        "DATABASE_URL": "postgresql://app@127.0.0.1:9/sales",
        "DJANGO_SECRET_KEY": "x" * 50,
        "GJANGO_KEYS": "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
    }

    done = _under("backend_gjango.settings_demo", GJANGO_PLAYED_PORT="8999", **own)

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "settings_demo" in done.stderr


@pytest.mark.parametrize(
    ("embedded", "demo", "played"), [(True, "1", True), (True, "0", False), (False, "1", False)]
)
def test_providers_are_played_only_with_the_demonstration_and_our_own_database(
    embedded: bool, demo: str, played: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "EMBEDDED_DATABASE", embedded)
    monkeypatch.setenv("DEMO", demo)

    assert ("played" in [part.name for part in plan.processes()]) is played


def test_no_installation_is_described_with_the_settings_of_the_demonstration() -> None:
    files = [path for path in (env.ROOT / "deploy").rglob("*") if path.is_file()]

    assert files
    assert not [path for path in files if b"settings_demo" in path.read_bytes()]


def line_of(slug: str) -> Line | Failed:
    account = Account.objects.get(slug=slug)
    with scoped([account.pk]):
        key = account.source_set.get().pk
        return Lines(THINS, Client()).of([key])[key]


def local_of(slug: str) -> Mapping[str, str]:
    line = line_of(slug)
    assert isinstance(line, Line)
    return line.client.local


@pytest.mark.django_db(transaction=True)
def test_the_demonstration_is_asked_here_or_not_at_all_and_everybody_else_never_here(
    settings: Any,
) -> None:
    for slug in (DEMO, "cafe"):
        make_thin(slug)
    Account.objects.update(is_test=True)

    refused = line_of(DEMO)
    settings.PLAYED_PORT = 8999

    assert isinstance(refused, Failed)
    assert (refused.cause, "make run" in refused.reason) == (Cause.SETTING, True)
    assert local_of(DEMO) == {HOST: "http://127.0.0.1:8999/thin"}
    assert local_of("cafe") == {}

    Account.objects.update(is_test=False)  # somebody's own of that name

    assert local_of(DEMO) == {}
