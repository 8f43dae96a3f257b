"""Faults come in where they were asked for, and an installation cannot load them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from . import ROOT, SITE, Point, environment

_ASK = "import tasks.outcomes as o; print(o.fingerprint(ValueError('x')))"


def _run(variables: dict[str, str], code: str = _ASK) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); {code}"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_failpoint_kills_its_process_once(tmp_path: Path) -> None:
    point = Point(at="tasks.outcomes:fingerprint", once=str(tmp_path / "struck"))

    first, second = _run(environment(point)), _run(environment(point))

    assert first.returncode == -signal.SIGKILL
    assert (second.returncode, second.stdout[:10]) == (0, "ValueError")


def test_a_failpoint_counts_calls_and_sides() -> None:
    point = Point(at="tasks.outcomes:fingerprint", when="after", do="raise", nth=2)

    done = _run(environment(point), f"{_ASK}; print('between'); {_ASK.partition(';')[2]}")

    assert "between" in done.stdout
    assert "OSError: failpoint tasks.outcomes:fingerprint" in done.stderr


def test_other_settings_load_no_faults() -> None:
    point = Point(at="tasks.outcomes:fingerprint")
    production = {**environment(point), "DJANGO_SETTINGS_MODULE": "backend_gjango.settings"}

    done = _run(production)

    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_that_an_installation_runs_knows_of_faults() -> None:
    named = [
        path.relative_to(ROOT)
        for path in (*ROOT.glob("*/**/*"), *ROOT.glob("*"))
        if path.is_file()
        and path.suffix in {".py", ".service", ".yaml", ".conf", ".example", ".sh", ""}
        and not path.is_relative_to(ROOT / "tests")
        and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
        and not path.name.startswith(("test_", "conftest"))
        and (b"GJANGO_FAULTS" in (text := path.read_bytes()) or b"tests.faults" in text)
    ]

    assert named == []
    assert SITE.is_dir()
