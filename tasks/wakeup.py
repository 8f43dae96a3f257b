"""The doorbell: tells the worker which deliveries were just staged. Losing it costs seconds.

A thread of its own, because a Redis that hangs must not slow an answer. No Django in here.
"""

import contextlib
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
#: How long a bell waits for others, in seconds, and about how many ids one message carries.
#: A message costs the worker three statements even when its ids are settled already: without
#: this a till a millisecond would keep it busy with that.
LINGER = 0.01
MESSAGE_IDS = 256

_failures = Counter(
    "gjango_wakeup_failures_total", "Wake-ups that did not reach the worker", ["cause"]
)
_sent = Counter("gjango_wakeups_total", "Wake-ups sent")


class Doorbell:
    """Tells what was staged in the last moment in one message, best effort, in nobody's way."""

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
        if not ids:
            return
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
            time.sleep(LINGER)
            gathered, ended = self._gather(list(ids))
            if time.monotonic() < self._silent_until:
                _failures.labels("open").inc()
            else:
                self._send(gathered)
            if ended:
                return

    def _gather(self, ids: list[UUID]) -> tuple[list[UUID], bool]:
        """Add what waits, up to one message's worth; say whether the end was among it."""
        with contextlib.suppress(queue.Empty):
            while len(ids) < MESSAGE_IDS:
                more = self._waiting.get_nowait()
                if more is None:
                    return ids, True
                ids += more
        return ids, False

    def _send(self, ids: list[UUID]) -> None:
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
