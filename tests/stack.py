"""The whole product as a user runs it: the supervisor of ``make run`` on a state of its own."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from backend_gjango.embedded import State

ROOT = Path(__file__).resolve().parent.parent
_UNSETTLED = """
SELECT (SELECT count(*) FROM ingest_inbox)
     + (SELECT count(*) FROM tasks_replay WHERE state = 'running')
"""


def free_port() -> int:
    """Return a port of the loopback address on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """One running installation. ``environment`` adds to or replaces what the supervisor sees."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="gjs-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {
            name: value
            for name, value in os.environ.items()
            if name == "GJANGO_PG_BIN"  # which programs, as for the rest of the run
            or not name.startswith(("GJANGO_", "DJANGO_", "DATABASE_", "REDIS_"))
        }
        self.environment = {
            **kept,
            "GJANGO_STATE": str(self.state),
            "PORT": str(self.port),
            "DEMO": "0",
            **(environment or {}),
        }
        self.supervisor: subprocess.Popen[bytes] | None = None

    def start(self, limit: float = 60) -> None:
        """Start everything and wait until it is ready (seconds)."""
        log = (self.state / "console.log").open("ab")
        self.supervisor = subprocess.Popen(
            [sys.executable, "-m", "backend_gjango.supervisor", "--quiet"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        self.wait_ready(limit)

    def wait_ready(self, limit: float = 60) -> None:
        """Wait until GET /ready is 200 (seconds). Raises AssertionError with the console's end."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            assert self.supervisor is not None
            assert self.supervisor.poll() is None, self.console()
            with contextlib.suppress(OSError):
                if self.get("/ready")[0] == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"not ready within {limit} s: {self.console()}")

    def wait_settled(self, limit: float = 60) -> None:
        """Wait until the inbox is empty and no replay runs (seconds). Raises AssertionError."""
        deadline = time.monotonic() + limit
        left = -1
        while time.monotonic() < deadline:
            with psycopg.connect(State(self.state).database_url()) as database:
                left = database.execute(_UNSETTLED).fetchall()[0][0]
            if left == 0:
                return
            time.sleep(0.5)
        raise AssertionError(f"{left} deliveries are still unsettled after {limit} s")

    def console(self) -> str:
        """Return the end of what the supervisor said."""
        return (self.state / "console.log").read_text(errors="replace")[-3000:]

    def get(self, path: str, token: str | None = None) -> tuple[int, Any]:
        """GET a path (or an absolute URL): the status and the JSON, or the text."""
        request = urllib.request.Request(
            path if path.startswith("http") else self.url + path,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body.decode(errors="replace")

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run ``manage.py`` in the environment of this installation; return its stdout."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def manage_json(self, *arguments: str) -> Any:
        """Run a command with ``--json`` and return what it printed."""
        return json.loads(self.manage(*arguments, "--json"))

    def processes(self, word: str) -> list[int]:
        """Return the pids of this installation whose command line has the word."""
        mark = f"GJANGO_STATE={self.state}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                if word.encode() in command and (
                    mark in (entry / "environ").read_bytes() or str(self.state).encode() in command
                ):
                    found.append(int(entry.name))
        return sorted(found)

    def kill(self, word: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to every process of this installation with the word; return how many."""
        pids = self.processes(word)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(pids)

    def stop(self, limit: float = 15) -> int | None:
        """End everything by SIGINT; return the supervisor's exit code."""
        if self.supervisor is None:
            return None
        self.supervisor.send_signal(signal.SIGINT)
        try:
            return self.supervisor.wait(limit)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            raise

    def remove(self) -> None:
        """Forget the installation."""
        shutil.rmtree(self.state, ignore_errors=True)


@contextlib.contextmanager
def running(environment: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Run the whole product for the length of a block."""
    stack = Stack(environment)
    try:
        stack.start()
        yield stack
        stack.stop()
    finally:
        if stack.supervisor is not None and stack.supervisor.poll() is None:
            stack.supervisor.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                stack.supervisor.wait(15)
        stack.remove()
