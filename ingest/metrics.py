"""The receiver's metrics. Labels are closed lists: a provider's slug, a cause; never a token.

With PROMETHEUS_MULTIPROC_DIR set, the processes' files are added up by whoever serves /metrics.
"""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0)

_accepted = Counter("gjango_deliveries_accepted_total", "Committed and acknowledged", ["provider"])
_rejected = Counter("gjango_deliveries_rejected_total", "Not acknowledged", ["cause"])
_quarantine = Counter(
    "gjango_quarantine_total", "Rejected deliveries, by whether they were kept", ["result"]
)
_rows = Histogram(
    "gjango_staging_batch_rows",
    "Rows per commit",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
_commit = Histogram("gjango_staging_commit_seconds", "Statement and commit", buckets=_SECONDS)
_answer = Histogram("gjango_ack_seconds", "From the request to its 200", buckets=_SECONDS)
_ending = Counter(
    "gjango_ending_secret_used_total",
    "Deliveries that only a secret proved which a rotation is about to end",
    ["source"],
)
_skew = Gauge(
    "gjango_clock_skew_seconds",
    "How far this machine's clock is ahead of the database's",
    multiprocess_mode="livemostrecent",
)
_queue_rows = Gauge(
    "gjango_staging_queue_rows", "Rows that wait for a commit", multiprocess_mode="livesum"
)
_queue_bytes = Gauge(
    "gjango_staging_queue_bytes", "Bytes that wait for a commit", multiprocess_mode="livesum"
)


@cache
def _accepted_of(provider: str) -> Counter:
    return _accepted.labels(provider)


@cache
def _rejected_of(cause: str) -> Counter:
    return _rejected.labels(cause)


def accepted(provider: str, seconds: float) -> None:
    """Count one acknowledged delivery and how long its sender waited."""
    _accepted_of(provider).inc()
    _answer.observe(seconds)


def rejected(cause: str) -> None:
    """Count one request that was not acknowledged; ``cause`` is one of a closed list."""
    _rejected_of(cause).inc()


def quarantined(result: str) -> None:
    """Count a rejected delivery: ``kept``, ``spared`` for the rate, ``full`` or ``failed``."""
    _quarantine.labels(result).inc()


def ending_secret_used(source_id: int) -> None:
    """Count a delivery proven by a secret that ends soon: only sources in a rotation have one."""
    _ending.labels(str(source_id)).inc()


def clock_skew(seconds: float) -> None:
    """Say how far our clock is ahead of the database's."""
    _skew.set(seconds)


def committed(rows: int, seconds: float) -> None:
    """Count one group commit."""
    _rows.observe(rows)
    _commit.observe(seconds)


def queue(rows: int, size: int) -> None:
    """Say how much waits for a commit now; ``size`` in bytes."""
    _queue_rows.set(rows)
    _queue_bytes.set(size)
