"""The client's journal: a line for each acknowledged delivery, on the disk before we go on.

What is in it must be in staging, whatever happened to whom. An append-only file of JSON lines.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """Writes lines; everybody who waits at the same time shares one fsync."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, **line: Any) -> None:
        """Append a line; return when it is on the disk."""
        whole = json.dumps({"at": time.time(), **line}, ensure_ascii=False) + "\n"
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((whole.encode(), done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._sync())
        await done

    async def _sync(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            os.write(self._file, b"".join(line for line, _ in batch))
            await asyncio.to_thread(os.fsync, self._file)
            for _, done in batch:
                done.set_result(None)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what a journal holds."""
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)
