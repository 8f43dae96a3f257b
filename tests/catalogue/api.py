"""The Django side as production runs it: gunicorn on a Unix socket, spoken to byte by byte."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hearing import ROOT
from tests.settling import child_environment


@dataclass(frozen=True, slots=True)
class Api:
    """A running gunicorn."""

    path: Path
    log: Path

    def raw(self, data: bytes, *, wait: float = 3.0) -> bytes:
        """Send bytes as they are; return what comes back until the end, or for so many seconds."""
        answer = b""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(wait)
            client.connect(str(self.path))
            with contextlib.suppress(TimeoutError, ConnectionError):
                client.sendall(data)
                while part := client.recv(65536):
                    answer += part
        return answer

    def get(self, target: str, *lines: str, method: str = "GET") -> bytes:
        """Ask with these header lines, and end the connection."""
        head = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *lines]
        return self.raw("\r\n".join([*head, "", ""]).encode())


def status(answer: bytes) -> int:
    """Return the status of a raw answer, 0 where there is none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if answer.startswith(b"HTTP/1.") and words[1].isdigit() else 0


@contextlib.contextmanager
def api_server(**more: str) -> Iterator[Api]:
    """Run gunicorn with the product's own configuration until the block ends."""
    with tempfile.TemporaryDirectory(prefix="gja-") as folder:
        path, log = Path(folder) / "api.sock", Path(folder) / "api.log"
        command = [
            *(sys.executable, "-m", "gunicorn", "--config", "python:backend_gjango.api_server"),
            *("--bind", f"unix:{path}", "backend_gjango.wsgi"),
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=child_environment(**more),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        api = Api(path, log)
        try:
            _wait(process, api)
            yield api
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _wait(process: subprocess.Popen[bytes], api: Api) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if status(api.get("/live")) == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"gunicorn did not start: {api.log.read_text()}")
