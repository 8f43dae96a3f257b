"""The broker: a doorbell between processes, never the queue of record.

Without retries, delays and age limits: attempts and not-befores live in the inbox, and a message
lost or repeated changes nothing.
"""

import threading
from typing import Any

import dramatiq
import redis
import structlog
from django.conf import settings
from django.db import close_old_connections
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware, TimeLimit

#: Set when the worker is asked to end: who goes from batch to batch then stops.
ending = threading.Event()
#: Beyond the lease of any batch: only a normaliser that never ends meets it. In milliseconds.
_TIME_LIMIT = 300_000
#: Seconds; a consumer's own waiting happens in its thread, not in the socket.
_SOCKET_TIMEOUT = 5.0


class Surroundings(Middleware):
    """Before and after a message: no stale database connection, the log's context bound.

    Nothing that must be correct may live here: an exception of a hook is logged and swallowed.
    """

    def before_process_message(self, broker: dramatiq.Broker, message: Any) -> None:
        close_old_connections()
        structlog.contextvars.bind_contextvars(
            actor=message.actor_name, message=message.message_id, woken=_length(message.args)
        )

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: Any,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        close_old_connections()
        structlog.contextvars.clear_contextvars()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        ending.set()


def _length(arguments: tuple[Any, ...]) -> int:
    return len(arguments[0]) if arguments and isinstance(arguments[0], list) else 0


def make_broker(url: str) -> RedisBroker:
    """Return a broker on this Redis or Valkey; it connects at the first use."""
    pool = redis.ConnectionPool.from_url(
        url, socket_timeout=_SOCKET_TIMEOUT, socket_connect_timeout=_SOCKET_TIMEOUT
    )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=redis.Redis(connection_pool=pool),
        middleware=[TimeLimit(time_limit=_TIME_LIMIT), Surroundings()],
        # A dead worker's messages come back within seconds, not by luck (dramatiq.md: 424 s).
        heartbeat_timeout=15_000,
        maintenance_chance=100_000,
    )


broker = make_broker(settings.REDIS_URL)
dramatiq.set_broker(broker)
