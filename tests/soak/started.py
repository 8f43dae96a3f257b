"""A soak as a process of its own, for tests."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.stack import ROOT


def soak(*arguments: str) -> dict[str, Any]:
    """Run a soak to its end and return its report; what it says meanwhile goes to stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--json", *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.stdout, f"the soak itself failed: exit {done.returncode}"
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == bool(report["broken"])
    return report
