"""What a killed supervisor left behind: found by a mark in its environment, never by a pid file.

Each child's master gets SIGTERM from the kernel when the supervisor dies. But a master that was
killed as well leaves its own children, which hold the port. Every process of ours carries the
state's path in its environment; whoever holds the state's lock and finds one may end it.
"""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from .plan import MARK

_POLITE, _PAUSE = 3.0, 0.05


def leftovers(root: Path) -> list[int]:
    """Return the pids of all processes that were started on this state (Linux only)."""
    wanted = os.fsencode(f"{MARK}={root}")
    return [
        pid
        for entry in Path("/proc").glob("[0-9]*")
        if (pid := int(entry.name)) != os.getpid() and wanted in _environment(entry)
    ]


def _environment(process: Path) -> Sequence[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it ended meanwhile, or is another user's
        return ()


def end_leftovers(root: Path) -> int:
    """End them, politely first; return how many there were."""
    found = leftovers(root)
    _send(found, signal.SIGTERM)
    deadline = time.monotonic() + _POLITE
    while leftovers(root) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    while rest := leftovers(root):
        _send(rest, signal.SIGKILL)
        time.sleep(_PAUSE)
    return len(found)


def _send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def forget_metrics(folder: Path, *, everything: bool = False) -> None:
    """Remove the gauges of processes that no longer live (at a start: all files).

    What ``prometheus_client.multiprocess.mark_process_dead`` does, for pids we never saw.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in folder.glob("*.db" if everything else "gauge_live*.db"):
        pid = file.stem.rpartition("_")[2]
        if everything or not Path(f"/proc/{pid}").exists():
            file.unlink(missing_ok=True)
