"""Memory as the sum of PSS (proportional set size) by process, of one installation."""

import contextlib
from pathlib import Path


def _pss(entry: Path) -> int:
    for line in (entry / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def by_process(mark: str) -> dict[str, int]:
    """Return bytes of PSS by command, of processes that carry the mark."""
    found: dict[str, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes().decode(errors="replace")
            if mark in command or mark in environment:
                name = " ".join(command.split()[:4])[-60:] or entry.name
                found[name] = found.get(name, 0) + _pss(entry)
    return found
