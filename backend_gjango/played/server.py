"""A small HTTP server that answers as it is told: for the demonstration, and for tests.

No Django in here.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """What the provider was asked, and when (monotonic seconds). Header names are lower-case."""

    method: str
    path: str
    pairs: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def query(self) -> dict[str, str]:
        """The query by name; of a repeated name the last value."""
        return dict(self.pairs)


@dataclass(frozen=True, slots=True)
class Said:
    """What it answers: a JSON value, or bytes as they are."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[Request], Said]


def server(answer: Answering, port: int = 0) -> ThreadingHTTPServer:
    """Return a server on a port of the loopback address, a free one for 0. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._say(answer(self._heard()))

        do_POST = do_GET

        def _heard(self) -> Request:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            pairs = tuple(parse_qsl(parts.query, keep_blank_values=True))
            return Request(self.command, parts.path, pairs, headers, body, time.monotonic())

        def _say(self, said: Said) -> None:
            raw = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response_only(said.status)
            given = {name.lower() for name in said.headers}
            for name, value in said.headers.items():
                self.send_header(name, value)
            if "date" not in given:
                self.send_header("Date", self.date_time_string())
            if "content-length" not in given:
                self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

    made = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    made.daemon_threads = True
    return made


@contextmanager
def serving(answer: Answering) -> Iterator[int]:
    """Serve for the length of a block; gives the port."""
    with server(answer) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield int(made.server_address[1])
        finally:
            made.shutdown()
            thread.join()
