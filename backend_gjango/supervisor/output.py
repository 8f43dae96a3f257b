"""What the foreground shows: one line per event, and what the processes say, each with its name."""

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TextIO

#: A log larger than this is set aside as ``.1``, in bytes.
LOG_LIMIT = 20_000_000
_COLOURS = (36, 32, 33, 35, 34, 96, 92, 95)


class Output:
    """Prints lines with a name in front, and follows log files.

    Processes write to files, never to a pipe of ours: a stopped terminal must not stop the
    receiver, and a dead supervisor must not break their goodbye.
    """

    def __init__(self, stream: TextIO = sys.stdout, *, quiet: bool = False) -> None:
        self.closed = False
        self._stream = stream
        self._quiet = quiet
        self._colour = stream.isatty() and "NO_COLOR" not in os.environ
        self._names: dict[str, int] = {}
        self._followed: dict[str, _Tail] = {}

    def say(self, name: str, text: str) -> None:
        """Print one line."""
        self._write(f"{self._prefix(name)} {text}\n")

    def plain(self, text: str) -> None:
        """Print a text as it is."""
        self._write(f"{text}\n")

    def follow(self, name: str, log: Path, *, always: bool = False) -> None:
        """Show from now on what is appended to this file (``always``: even when quiet)."""
        self._followed[name] = _Tail(log, shown=always or not self._quiet)

    def pump(self) -> None:
        """Show what was appended since the last call."""
        for name, tail in self._followed.items():
            lines = tail.read()
            for line in lines if tail.shown else ():
                self.say(name, line)

    def _prefix(self, name: str) -> str:
        number = self._names.setdefault(name, len(self._names))
        text = f"{time.strftime('%H:%M:%S')} {name:<9}|"
        if not self._colour:
            return text
        return f"\x1b[{_COLOURS[number % len(_COLOURS)]}m{text}\x1b[0m"

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the reader went away
            self.closed = True


class _Tail:
    """The end of one growing file."""

    def __init__(self, path: Path, *, shown: bool) -> None:
        self.shown = shown
        self._path = path
        self._at = path.stat().st_size if path.exists() else 0
        self._part = b""

    def read(self) -> list[str]:
        """Return the whole lines appended since the last call; sets a large file aside."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            self._at = min(self._at, size)
            file.seek(self._at)
            fresh = file.read(1 << 20)
            self._at += len(fresh)
        if self._at >= LOG_LIMIT:
            # Copied and emptied, not renamed: the processes keep the file open.
            shutil.copyfile(self._path, f"{self._path}.1")
            os.truncate(self._path, 0)
            self._at = 0
        *lines, self._part = (self._part + fresh).split(b"\n")
        return [line.decode(errors="replace") for line in lines]
