"""The embedded PostgreSQL for the time of one command: attached to, or started for it."""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator

from .postgres import make_roles, postgres_answers, spawn_postgres
from .processes import START_LIMIT, did_not_start, locked, stop, wait_for
from .state import State

#: A server that was just killed needs a moment to let its files go, in seconds.
_PATIENCE = 10.0


def supervised(state: State) -> bool:
    """Say whether a supervisor runs on this state: it starts what is missing, nobody else."""
    try:
        with locked(state, "lock", fcntl.LOCK_SH | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True


def _start(state: State) -> subprocess.Popen[bytes] | None:
    """Return the server we started, None where another one answers by now."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        if supervised(state):
            wait_for(postgres_answers, state, None, "postgres.log")
            return None
        process = spawn_postgres(state)
        if _answered(state, process):
            return process
        if time.monotonic() > deadline:
            raise did_not_start(state, "postgres.log")
        time.sleep(0.3)


def _answered(state: State, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        if postgres_answers(state):
            return True
        time.sleep(0.03)
    return False


@contextlib.contextmanager
def running_postgres(state: State) -> Iterator[None]:
    """Use the embedded PostgreSQL: attach to the one that runs, or start one for this long.

    Whoever started it waits at the end for the others who attached, so that a second command
    never loses its database to the first one's exit.
    """
    if os.environ.get("GJANGO_SUPERVISED") == str(state.root):
        yield
        return
    process = None
    with locked(state, "users.lock", fcntl.LOCK_SH) as users:
        with locked(state, "postgres.lock"):
            if not postgres_answers(state):
                process = _start(state)
            make_roles(state)
        try:
            yield
        finally:
            if process is not None:
                fcntl.flock(users, fcntl.LOCK_EX)
                stop(process, signal.SIGINT)
