"""The product on Debian's PostgreSQL 15: what staging and the core do, and the day under fire."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .stack import ROOT

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
#: Every statement of the product, the migrations that the test database is made by, and the whole
#: product under fire.
PASS = (
    "accounts",
    "ingest",
    "sales",
    "tasks",
    "tests/test_base.py",
    "tests/test_verify.py",
    "tests/test_repeating.py",
    "tests/test_plans.py",
)
UNDER_FIRE = "tests/truth"
#: Of the run that started this one: its servers, and where they are.
_OWN = ("GJANGO_", "DATABASE_", "REDIS_")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_end_to_end_tests_pass_on_debians_postgresql_15() -> None:
    if not (PROGRAMS / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed: apt-get install postgresql-15")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PASS, UNDER_FIRE],
        cwd=ROOT,
        env={**kept, "GJANGO_PG_BIN": str(PROGRAMS)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
