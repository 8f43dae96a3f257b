"""Deliveries that proved nothing are kept for a while, so that ``doctor`` can say what was wrong.

Best effort and off the request's path: a bounded queue, a thread, and a rate per source, so that a
flood of bad signatures costs the database a row a second at most. What the sender wrote is
encrypted, because its body may hold tokens that are cut from genuine deliveries.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

import structlog

from integrations.contract import Delivery

from . import metrics
from .addresses import Buckets
from .crypto import Vault
from .headers import Pairs, decode, encode
from .limits import Limits
from .link import Link
from .sources import Route
from .sparing import Sparing

log = structlog.get_logger()

#: Longer bodies are not kept: without all of it, nothing can be tried.
BODY_BYTES = 65_536
_DETAIL = 200
_KEEP = (
    "SELECT keep_rejection(%b::int8, %b::int8, %b::text, %b::text, %b::text, %b::text, %b::text,"
    " %b::bytea, %b::int8, %b::bytea)"
)
#: What all sources together may have kept, in times of what one may.
_TOGETHER = 10


class Rejected(NamedTuple):
    """One delivery to be kept: whose it is, why it was refused, and what came."""

    account_id: int
    source_id: int
    reason: str
    detail: str
    address: str
    method: str
    path: str
    query: bytes
    headers: bytes
    body: bytes


class Came(NamedTuple):
    """What a sender wrote, without what is never kept."""

    query: bytes
    headers: Mapping[str, str]
    header_block: bytes
    body: bytes


def pack(rejected: Rejected) -> bytes:
    """Return what is encrypted: the query, the headers, an empty line, the body."""
    body = rejected.body if len(rejected.body) <= BODY_BYTES else b""
    return rejected.query + b"\r\n" + rejected.headers + b"\r\n" + body


def unpack(packed: bytes) -> Came:
    """Return what ``pack`` was given."""
    head, _, body = packed.partition(b"\r\n\r\n")
    query, _, block = head.partition(b"\r\n")
    return Came(query, decode(block), block + b"\r\n" if block else b"", body)


class Quarantine:
    """Takes rejected deliveries without ever waiting; a thread writes what it has the rate for."""

    def __init__(self, url: str, limits: Limits, vault: Vault) -> None:
        self._limits = limits
        self._vault = vault
        self._link = Link(url, limits)
        self._queue: queue.Queue[Rejected | None] = queue.Queue(limits.quarantine_rows)
        self._lock = threading.Lock()
        self._rates = Buckets(limits.quarantine_per_minute, limits.refusal_addresses)
        self._rate = Buckets(limits.quarantine_per_minute * _TOGETHER, 1)
        self._lines = Sparing()
        self._thread = threading.Thread(target=self._write_on, name="quarantine", daemon=True)

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread.start()

    async def close(self) -> None:
        """End the thread; what still waits is lost, which is allowed."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, self._limits.database_seconds)
        self._link.close()

    def keep(
        self,
        route: Route,
        delivery: Delivery,
        *,
        pairs: Pairs,
        reason: str,
        detail: str,
        address: str,
    ) -> None:
        """Keep a delivery if there is room and rate for it. Never waits, never raises."""
        with self._lock:
            spared = self._rates.take(str(route.source_id)) or self._rate.take("")
        if spared:
            metrics.quarantined("spared")
            return
        rejected = Rejected(
            route.account_id,
            route.source_id,
            reason,
            _storable(detail)[:_DETAIL],
            _storable(address),
            delivery.method,
            _storable(delivery.path),
            delivery.query.encode("latin-1"),
            encode(pairs, hidden=route.hidden, limit=self._limits.header_bytes),
            delivery.body,
        )
        try:
            self._queue.put_nowait(rejected)
        except queue.Full:
            metrics.quarantined("full")

    def _write_on(self) -> None:
        while (rejected := self._queue.get()) is not None:
            try:
                self._write(rejected)
                metrics.quarantined("kept")
            except Exception as error:
                # Nobody waits for it, and the next one may succeed.
                metrics.quarantined("failed")
                if self._lines.take("quarantine_failed") is not None:
                    log.warning("quarantine_failed", error=type(error).__name__)

    def _write(self, rejected: Rejected) -> None:
        columns = rejected[:7]
        sealed = self._vault.seal(pack(rejected))
        body = rejected.body
        self._link.fetch(_KEEP, [*columns, sealed, len(body), sha256(body).digest()])


def _storable(text: str) -> str:
    """Return text that the database takes, whatever a stranger put into it."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")
