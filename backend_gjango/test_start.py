"""What stops a start is one sentence and exit code 1, never a traceback."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from . import env
from .start import without_password

#: Nobody listens on the discard port.
_AWAY = "postgresql://app:s3cr3t@127.0.0.1:9/sales"
_KEYS = {
    "DJANGO_SECRET_KEY": "x" * 50,
    "GJANGO_KEYS": "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
}


def _run(*command: str, given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    plain = {"PATH": os.environ["PATH"], "GJANGO_STATE": os.environ["GJANGO_STATE"]}
    return subprocess.run(
        [sys.executable, *command],
        cwd=env.ROOT,
        env={**plain, **given},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def _refused(*command: str, given: Mapping[str, str]) -> str:
    done = _run(*command, given=given)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", ["migrate", "runserver", "clock", "check"])
def test_a_missing_key_is_one_sentence_that_names_it(command: str) -> None:
    said = _refused("manage.py", command, given={"DATABASE_URL": _AWAY})

    assert "DJANGO_SECRET_KEY" in said
    assert "deploy/env.example" in said


@pytest.mark.parametrize("command", ["migrate", "prepare", "showmigrations"])
def test_an_unreachable_database_is_one_sentence_without_its_password(command: str) -> None:
    given = {"DATABASE_URL": _AWAY, "DATABASE_OWNER_URL": _AWAY, **_KEYS}

    said = _refused("manage.py", command, given=given)

    assert "DATABASE_URL" in said
    assert "127.0.0.1:9" in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("GJANGO_KEYS", "short"),
        ("DATABASE_URL", "postgresql://["),
        ("DATABASE_OWNER_URL", "mysql"),
    ],
)
def test_an_unusable_setting_is_one_sentence_that_names_it(name: str, value: str) -> None:
    said = _refused("manage.py", "check", given={"DATABASE_URL": _AWAY, **_KEYS, name: value})

    assert name in said


@pytest.mark.parametrize("module", ["backend_gjango.asgi", "backend_gjango.wsgi", "tasks.worker"])
def test_every_process_says_what_is_missing(module: str) -> None:
    said = _refused("-c", f"import {module}", given={"DATABASE_URL": _AWAY})

    assert "is not set" in said


def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        said = _refused(
            *("-m", "backend_gjango.supervisor"),
            given={"PORT": port, "GJANGO_STATE": str(tmp_path / "state")},
        )

    assert f"PORT={port}" in said
    assert not (tmp_path / "state" / "postgres").exists()


def test_the_supervisor_explains_itself_and_shows_its_commands() -> None:
    told = _run("-m", "backend_gjango.supervisor", "--help", given={})
    shown = _run("-m", "backend_gjango.supervisor", "--show", given={})

    assert "GJANGO_WORKERS" in told.stdout
    assert [line.partition(":")[0] for line in shown.stdout.splitlines()] == [
        "receiver",
        "api",
        "worker",
        "played",
        "clock",
    ]


def test_a_supervisor_needs_neither_django_nor_a_database_driver() -> None:
    heavy = "('django.db', 'django.conf', 'psycopg', 'asyncio', 'structlog')"
    code = (
        "import sys, backend_gjango.supervisor.run; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    assert _run("-c", code, given={}).stdout.strip() == "[]"


def test_passwords_leave_urls_and_connection_words() -> None:
    told = without_password("postgresql://app:s3cr3t@db/x and host=db password=s3cr3t user=a")

    assert told == "postgresql://app:…@db/x and host=db password=… user=a"
