"""A pytest plugin: a real PostgreSQL (and Valkey on demand) for this run alone.

Loaded before Django reads its settings (``-p tests.services``). With DATABASE_URL and
DATABASE_OWNER_URL given, those servers are used instead. Of a run in several processes
(``-n 2``) each has servers of its own, and the one that hands out the tests has none.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

#: Whether somebody else runs the servers of this run.
GIVEN = bool(os.environ.get("DATABASE_URL"))
#: Popped: what a test starts would take itself for a process of this run.
_WORKER = os.environ.pop("PYTEST_XDIST_WORKER", "")
if _WORKER or not os.environ.get("GJANGO_TEST_STATE"):
    # The child processes of this run share it.
    os.environ["GJANGO_TEST_STATE"] = tempfile.mkdtemp(prefix="gjt-")
os.environ["GJANGO_STATE"] = os.environ["GJANGO_TEST_STATE"]
os.environ.pop("SENTRY_DSN", None)

_stack = contextlib.ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    # A shell ignores Ctrl-C in what it starts in the background, and so would every server here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hands_out = not _WORKER and config.getoption("dist", "no") != "no"
    if GIVEN and (_WORKER or hands_out):
        raise pytest.UsageError("-n: DATABASE_URL is one database, and each process needs its own")
    if not GIVEN and not hands_out:
        from backend_gjango import env
        from backend_gjango.embedded import running_postgres

        _stack.enter_context(running_postgres(env.STATE))


def pytest_unconfigure() -> None:
    _stack.close()
    shutil.rmtree(os.environ["GJANGO_TEST_STATE"], ignore_errors=True)


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """A real Valkey with its append-only file on; the value is its URL."""
    from backend_gjango import embedded

    state = embedded.State(Path(tempfile.mkdtemp(prefix="gjv-")))
    process = embedded.spawn_valkey(state)
    embedded.wait_for(embedded.valkey_answers, state, process, "valkey.log")
    yield state.redis_url
    embedded.stop(process, signal.SIGTERM)
    shutil.rmtree(state.root, ignore_errors=True)
