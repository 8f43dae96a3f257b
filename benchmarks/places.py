"""Where contenders run: one state directory, real PostgreSQL and Valkey, processes that end."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg

from backend_gjango import embedded
from tests.stack import ROOT, free_port

SECRET = "whsec_dGhlIGJlbmNobWFyaydzIG93biBzZWNyZXQ="
PYTHON = sys.executable


class Place:
    """Servers and an environment for the contenders of one run."""

    def __init__(self) -> None:
        self.state = embedded.State(Path(tempfile.mkdtemp(prefix="gjb-")))
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GJANGO_", "DATABASE_"))},
            "GJANGO_STATE": str(self.state.root),
            "BENCH_DATABASE_URL": self.state.database_url(embedded.OWNER_ROLE, "bench"),
            "BENCH_REDIS_URL": self.state.redis_url,
            "BENCH_SECRET": SECRET,
            "PROMETHEUS_MULTIPROC_DIR": str(self.state.root / "metrics"),
            "DEMO": "0",
        }

    def rows(self, query: str, database: str = embedded.DATABASE) -> list[tuple[object, ...]]:
        """Ask the database as its superuser."""
        url = self.state.database_url(embedded.SUPERUSER, database)
        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def count(self, query: str, database: str = embedded.DATABASE) -> int:
        """Return the one number of a query."""
        return int(str(self.rows(query, database)[0][0]))

    def run(self, *command: str, settings: str | None = None) -> str:
        """Run a command to its end; return its stdout."""
        extra = {"DJANGO_SETTINGS_MODULE": settings} if settings else {}
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment | extra,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def manage_json(self, *arguments: str) -> dict[str, str]:
        """Run one of our commands with ``--json``."""
        found: dict[str, str] = json.loads(self.run(PYTHON, "manage.py", *arguments, "--json"))
        return found

    @contextlib.contextmanager
    def running(self, *commands: Sequence[str], port: int | None = None) -> Iterator[None]:
        """Run processes for the length of a block; wait for the port where one is given."""
        log = (self.state.root / "bench.log").open("ab")
        started = [
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            for command in commands
        ]
        try:
            if port is not None:
                wait_for(port)
            yield
        finally:
            for process in started:
                process.terminate()
            for process in started:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            log.close()


def wait_for(port: int, limit: float = 30.0) -> None:
    """Wait until somebody listens on a port of the loopback (seconds). Raises RuntimeError."""
    import socket

    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """Make a place with its servers, migrated; remove it at the end."""
    made = Place()
    (made.state.root / "metrics").mkdir(parents=True, exist_ok=True)
    with embedded.running_postgres(made.state):
        valkey = embedded.spawn_valkey(made.state)
        embedded.wait_for(embedded.valkey_answers, made.state, valkey, "valkey.log")
        try:
            with psycopg.connect(
                made.state.database_url(embedded.SUPERUSER, "postgres"), autocommit=True
            ) as connection:
                connection.execute(f"CREATE DATABASE bench OWNER {embedded.OWNER_ROLE}")
            made.run(PYTHON, "manage.py", "migrate", "--verbosity", "0")
            made.run(
                *(PYTHON, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"),
                settings="benchmarks.naive.settings",
            )
            yield made
        finally:
            embedded.stop(valkey, signal.SIGTERM)
    shutil.rmtree(made.state.root, ignore_errors=True)


__all__ = ["PYTHON", "SECRET", "Place", "free_port", "place", "wait_for"]
