"""Which processes there are, with which flags. The same in deploy/: ``--show`` prints them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import env
from ..embedded import (
    State,
    postgres_answers,
    spawn_postgres,
    spawn_valkey,
    valkey_answers,
)
from ..embedded.processes import spawn

#: Marks every child and grandchild with the state it works on, in its environment.
MARK = "GJANGO_SUPERVISED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing to keep alive."""

    name: str
    spawn: Callable[[], subprocess.Popen[bytes]]
    #: Parts of one stage end together, stages in order; the limit in seconds is before the kill.
    stage: int
    limit: float
    goodbye: signal.Signals = signal.SIGTERM
    #: What a second Ctrl-C sends at once.
    insist: signal.Signals = signal.SIGKILL
    #: A server that may also have been started by somebody else: truth is that it answers.
    answers: Callable[[], bool] | None = None
    command: tuple[str, ...] = field(default=())


def servers() -> list[Part]:
    """Return the embedded servers that no URL of the environment replaces."""
    state = env.STATE
    postgres = Part(
        name="postgres",
        spawn=lambda: spawn_postgres(state),
        answers=lambda: postgres_answers(state),
        stage=3,
        limit=1.5,
        goodbye=signal.SIGINT,  # fast; SIGTERM would wait for idle clients
        insist=signal.SIGQUIT,
    )
    valkey = Part(
        name="valkey",
        spawn=lambda: spawn_valkey(state),
        answers=lambda: valkey_answers(state),
        stage=2,
        limit=1.0,
    )
    return [postgres] * env.EMBEDDED_DATABASE + [valkey] * env.EMBEDDED_REDIS


def processes() -> list[Part]:
    """Return our own processes, in the order they start."""
    proxy = {"GJANGO_PROXY": str(env.STATE.api_socket)}
    return [
        _ours("receiver", receiver_command(), stage=0, limit=4.0, environment=proxy),
        _ours("api", api_command(), stage=0, limit=4.0),
        _ours("worker", worker_command(), stage=1, limit=3.5),
        *_clock(),
    ]


def _clock() -> list[Part]:
    """Return the clock, and with the demonstration the providers that it may ask."""
    if not env.plays_demo():
        return [_ours("clock", clock_command(), stage=1, limit=3.5)]
    port = str(_free_port())
    told = {"DJANGO_SETTINGS_MODULE": "backend_gjango.settings_demo", "GJANGO_PLAYED_PORT": port}
    return [
        _ours("played", _module("backend_gjango.played", port), stage=1, limit=1.0),
        _ours("clock", clock_command(), stage=1, limit=3.5, environment=told),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def receiver_command() -> tuple[str, ...]:
    """Return the command of the receiver: the only process that listens on HOST and PORT."""
    return (
        *_module("granian", "--interface", "asgi", "--host", env.HOST, "--port", str(env.PORT)),
        *("--workers", str(env.number("GJANGO_RECEIVERS", 1, most=64))),
        *("--http", "1", "--no-ws", "--loop", "uvloop", "--log-level", "warning"),
        *("--http1-header-read-timeout", "5000", "--http1-buffer-size", "16384"),
        # Connections, not requests: at granian's 1024 as many silent ones shut all others out.
        *("--backpressure", "16384", "--workers-kill-timeout", "15"),
        "backend_gjango.asgi:application",
    )


def api_command() -> tuple[str, ...]:
    """Return the command of the Django side, on a socket behind the receiver."""
    return _module(
        *("gunicorn", "--config", "python:backend_gjango.api_server"),
        *("--bind", f"unix:{env.STATE.api_socket}", "backend_gjango.wsgi"),
    )


def worker_command() -> tuple[str, ...]:
    """Return the command of the settlers, woken through Redis."""
    return _module(
        *("dramatiq", "tasks.worker", "--queues", "live", "fetch", "bulk", "--skip-logging"),
        *("--processes", str(env.number("GJANGO_WORKERS", 1, most=64))),
        *("--threads", str(env.number("GJANGO_WORKER_THREADS", 2, most=64))),
        *("--worker-shutdown-timeout", "2500"),
    )


def clock_command() -> tuple[str, ...]:
    """Return the command of the clock: sweep, partitions, everything that has a time."""
    return manage("clock")


def manage(*arguments: str) -> tuple[str, ...]:
    """Return a command of Django's command line."""
    return (sys.executable, str(env.ROOT / "manage.py"), *arguments)


def _module(*arguments: str) -> tuple[str, ...]:
    # Not .venv/bin/…: the first line of such a script cannot hold a path with spaces.
    return (sys.executable, "-m", *arguments)


def _ours(
    name: str,
    command: tuple[str, ...],
    *,
    stage: int,
    limit: float,
    environment: Mapping[str, str] | None = None,
) -> Part:
    def begin() -> subprocess.Popen[bytes]:
        return run(name, command, environment=environment)

    return Part(name=name, spawn=begin, stage=stage, limit=limit, command=command)


def run(
    name: str,
    command: tuple[str, ...],
    *,
    environment: Mapping[str, str] | None = None,
    answer: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start one of our own commands in the root of the code; ``answer`` takes its stdout."""
    return spawn(
        command,
        log_of(env.STATE, name),
        signal.SIGTERM,
        environment={**child_environment(name), **(environment or {})},
        folder=env.ROOT,
        answer=answer,
    )


def log_of(state: State, name: str) -> Path:
    """Return the file that takes what a process says."""
    return state.logs / f"{name}.log"


def child_environment(name: str) -> dict[str, str]:
    """Return the environment of one of our own processes."""
    return {
        # Two malloc arenas instead of eight per core: 10 to 30 MB of every threaded process.
        "MALLOC_ARENA_MAX": "2",
        "PROMETHEUS_MULTIPROC_DIR": str(env.STATE.metrics),
        **os.environ,
        "GJANGO_STATE": str(env.STATE.root),
        "GJANGO_PROCESS": name,
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        MARK: str(env.STATE.root),
    }
