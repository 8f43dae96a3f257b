"""The doorbell: tells the worker which deliveries were just staged. Losing it costs seconds.

A thread of its own, because a Redis that hangs must not slow an answer. No Django in here.
"""

import queue
import threading
import time
from collections.abc import Sequence
from uuid import UUID

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger()

QUEUE = "live"
ACTOR = "settle_deliveries"

_failures = Counter(
    "gjango_wakeup_failures_total", "Wake-ups that did not reach the worker", ["cause"]
)
_sent = Counter("gjango_wakeups_total", "Wake-ups sent")


class Doorbell:
    """Sends one message per call of ``ring``, best effort and never in the caller's way."""

    def __init__(
        self,
        redis_url: str,
        *,
        limit_seconds: float = 0.2,
        break_seconds: float = 5.0,
        waiting: int = 256,
    ) -> None:
        """Take the time limit of one message, the pause after a failure, and how many may wait."""
        pool = redis.ConnectionPool.from_url(
            redis_url,
            socket_timeout=limit_seconds,
            socket_connect_timeout=limit_seconds,
            # redis-py would try three times more, and wait in between.
            retry=Retry(NoBackoff(), 0),
        )
        client = redis.Redis(connection_pool=pool)
        self._broker = RedisBroker(client=client, middleware=[])  # type: ignore[no-untyped-call]
        self._break_seconds = break_seconds
        self._silent_until = 0.0
        self._waiting: queue.Queue[Sequence[UUID] | None] = queue.Queue(waiting)
        self._thread: threading.Thread | None = None

    def ring(self, ids: Sequence[UUID]) -> None:
        """Hand ids to the thread; where too much waits already, drop and count them."""
        if self._thread is None:
            # Started late: a server forks or spawns its processes after import.
            self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(ids)
        except queue.Full:
            _failures.labels("full").inc()

    def close(self, limit: float = 1.0) -> None:
        """Let the thread end after what waits, for at most the limit (seconds)."""
        if self._thread is not None:
            try:
                self._waiting.put(None, timeout=limit)
            except queue.Full:
                return
            self._thread.join(limit)

    def _run(self) -> None:
        while (ids := self._waiting.get()) is not None:
            if time.monotonic() < self._silent_until:
                _failures.labels("open").inc()
                continue
            try:
                self._broker.enqueue(message(ids))
                _sent.inc()
            except (redis.RedisError, BrokerConnectionError, OSError) as error:
                self._silent_until = time.monotonic() + self._break_seconds
                _failures.labels("error").inc()
                log.warning("wakeup_failed", error=type(error).__name__, deliveries=len(ids))


def message(ids: Sequence[UUID]) -> dramatiq.Message[None]:
    """Return the message that asks the worker to settle these deliveries."""
    return dramatiq.Message(
        queue_name=QUEUE, actor_name=ACTOR, args=([str(one) for one in ids],), kwargs={}, options={}
    )
