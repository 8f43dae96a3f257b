"""gunicorn's settings, the same in ``make run`` and in deploy/ (``--config python:…``)."""

import os
from typing import Any

from . import env

workers = env.number("GJANGO_API_PROCESSES", 1, most=64)
threads = env.number("GJANGO_API_THREADS", 4, most=64)
worker_class = "gthread"
# The workers share what the master loaded. With one worker a master without the code is smaller.
preload_app = workers > 1
timeout = 60
graceful_timeout = 10
keepalive = 5
# gunicorn 27 opens one in the home directory unless told otherwise.
control_socket_disable = True
# Only our own proxies connect to this socket; what they pass on is judged by TRUSTED_PROXIES.
forwarded_allow_ips = ""
# Everything through the root logger, hence through observability's masks.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {
        "gunicorn.error": {"level": "WARNING", "propagate": True, "handlers": []},
        # The proxy in front counts requests; one line each would only repeat it.
        "gunicorn.access": {"level": "WARNING", "propagate": True, "handlers": []},
    },
}


def child_exit(_server: object, worker: Any) -> None:
    """Forget the live gauges of a worker that ended."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
