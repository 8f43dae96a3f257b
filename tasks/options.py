"""What can be set of settling, each an environment variable with a default."""

import environ

_env = environ.Env()


def batch() -> int:
    """Return how many deliveries share one transaction (``SETTLE_BATCH``)."""
    return int(_env.int("SETTLE_BATCH", default=200))


def most_bytes() -> int:
    """Return how many bytes of bodies share one transaction (``SETTLE_BYTES``), unless a single
    delivery has more."""
    return int(_env.int("SETTLE_BYTES", default=1_000_000))


def lease() -> int:
    """Return for how many seconds a claimed delivery belongs to its settler (``SETTLE_LEASE``)."""
    return int(_env.int("SETTLE_LEASE", default=30))


def attempts() -> int:
    """Return after how many attempts a delivery is a dead letter (``SETTLE_ATTEMPTS``)."""
    return int(_env.int("SETTLE_ATTEMPTS", default=5))


def backoff() -> float:
    """Return the seconds of the first pause after a failure; each is three times the last."""
    return float(_env.float("SETTLE_BACKOFF", default=5.0))


def grace() -> float:
    """Return for how many seconds a delivery is left to its wake-up (``SWEEP_GRACE``)."""
    return float(_env.float("SWEEP_GRACE", default=10.0))


def interval() -> float:
    """Return the seconds between two sweeps (``SWEEP_INTERVAL``)."""
    return float(_env.float("SWEEP_INTERVAL", default=5.0))


def replay_batch() -> int:
    """Return how many deliveries a replay settles in one transaction (``REPLAY_BATCH``)."""
    return int(_env.int("REPLAY_BATCH", default=50))


def replay_rest() -> float:
    """Return how long a replay rests after each page while live deliveries come in, in times of
    what the page took (``REPLAY_REST``): they have the machine meanwhile."""
    return float(_env.float("REPLAY_REST", default=1.0))


def verify_every() -> float:
    """Return the seconds after which the clock examines each invariant again, 0 for never
    (``VERIFY_EVERY``)."""
    return float(_env.float("VERIFY_EVERY", default=86_400.0))


def verify_rest() -> float:
    """Return how long ``verify`` rests after each step in the clock, in times of what the step
    took (``VERIFY_REST``)."""
    return float(_env.float("VERIFY_REST", default=3.0))


def fetch_threads() -> int:
    """Return how many objects are asked for at once, of all providers (``FETCH_THREADS``)."""
    return int(_env.int("FETCH_THREADS", default=8))


def fetch_lease() -> float:
    """Return for how many seconds a read belongs to who took it (``FETCH_LEASE``)."""
    return float(_env.float("FETCH_LEASE", default=120.0))


def fetch_backoff() -> float:
    """Return the seconds of the first pause after a failed read; each is three times the last, an
    hour at most (``FETCH_BACKOFF``)."""
    return float(_env.float("FETCH_BACKOFF", default=5.0))


def fetch_attempts() -> int:
    """Return after how many failures in a row a read is shown as a problem (``FETCH_ATTEMPTS``).
    It is tried on without end."""
    return int(_env.int("FETCH_ATTEMPTS", default=5))


def direct_url() -> str:
    """Return the database's address past any pooler, or an empty text (``DATABASE_DIRECT_URL``)."""
    return str(_env.str("DATABASE_DIRECT_URL", default=""))
