"""Memory as the sum of PSS (proportional set size) by process, of one installation."""

import contextlib
from pathlib import Path


def _pss(entry: Path) -> int:
    for line in (entry / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def by_process(mark: str) -> dict[str, int]:
    """Return bytes of PSS by command, of processes that carry the mark and of their children."""
    found: dict[str, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # PostgreSQL's children write their title over command and environment.
            if _carries(entry, mark) or _carries(Path("/proc", _parent(entry)), mark):
                words = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                name = " ".join(words.split()[:4])[-60:] or entry.name
                found[name] = found.get(name, 0) + _pss(entry)
    return found


def _carries(entry: Path, mark: str) -> bool:
    if entry.name == "1":
        return False
    said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
    return mark.encode() in said


def _parent(entry: Path) -> str:
    return (entry / "stat").read_text().rpartition(")")[2].split()[1]
