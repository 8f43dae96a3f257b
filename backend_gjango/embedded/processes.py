"""Children that never outlive us, locks that die with us."""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from .state import EmbeddedError, Identity, State

#: A crash with much WAL to replay makes a start slow, in seconds.
START_LIMIT = 60.0
_PR_SET_PDEATHSIG = 1


def die_with_parent(number: int) -> Callable[[], None]:
    """Return a function that asks the kernel, in the child, for a signal at its parent's death.

    The parent is the *thread* that forks: spawn from the main thread only.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None

    def ask() -> None:
        # A supervisor that waits with blocked signals would hand the mask on.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:  # it died before the request
                os._exit(1)

    return ask


def spawn(
    command: Sequence[str],
    log: Path,
    number: int,
    *,
    identity: Identity | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | str = "/",
    keep: Sequence[int] = (),
    answer: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, its output appended to a file.

    It gets signal ``number`` when this process dies; the descriptors ``keep`` stay open in it;
    ``answer`` takes its stdout in place of the file.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output if answer is None else answer,
            stderr=output,
            start_new_session=True,
            # Two system calls, no lock taken: safe also where the parent has threads.
            preexec_fn=die_with_parent(number),  # noqa: PLW1509
            cwd=folder,
            env=environment,
            pass_fds=tuple(keep),
            **(identity or {}),
        )


def last_line(log: Path) -> str:
    """Return the last line of a log, empty where there is none."""
    if not log.exists():
        return ""
    lines = log.read_bytes()[-4096:].decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def wait_for(
    answers: Callable[[State], bool],
    state: State,
    process: subprocess.Popen[bytes] | None,
    log: str,
) -> None:
    """Wait until the server answers. Raises EmbeddedError with the log's last line if it ends."""
    deadline = time.monotonic() + START_LIMIT
    while not answers(state):
        if (process is not None and process.poll() is not None) or time.monotonic() > deadline:
            raise did_not_start(state, log)
        time.sleep(0.03)


def did_not_start(state: State, log: str) -> EmbeddedError:
    """Return the error that names the server and what its log says last."""
    name, path = log.removesuffix(".log"), state.logs / log
    return EmbeddedError(
        f"{name} не запустился, журнал: {path}. / {name} did not start, see {path}: "
        f"{last_line(path)}"
    )


@contextlib.contextmanager
def locked(state: State, name: str, mode: int = fcntl.LOCK_EX) -> Iterator[IO[str]]:
    """Hold an advisory lock on a file of the state directory; it dies with the process.

    Raises BlockingIOError where ``mode`` has LOCK_NB and another process holds it.
    """
    state.prepare()
    with (state.root / name).open("a+") as handle:
        fcntl.flock(handle, mode)
        yield handle


def stop(process: subprocess.Popen[bytes], number: int, limit: float = 10.0) -> None:
    """Ask a server to end, and insist after the limit (seconds)."""
    if process.poll() is not None:
        return
    process.send_signal(number)
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
