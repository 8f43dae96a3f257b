"""A pytest plugin: a real PostgreSQL (and Valkey on demand) for this run alone.

Loaded before Django reads its settings (``-p tests.services``). With DATABASE_URL and
DATABASE_OWNER_URL given, those servers are used instead.
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
if not os.environ.get("GJANGO_TEST_STATE"):
    # Workers and child processes of this run share it.
    os.environ["GJANGO_TEST_STATE"] = tempfile.mkdtemp(prefix="gjt-")
os.environ["GJANGO_STATE"] = os.environ["GJANGO_TEST_STATE"]
os.environ.pop("SENTRY_DSN", None)

_stack = contextlib.ExitStack()


def pytest_configure() -> None:
    # A shell ignores Ctrl-C in what it starts in the background, and so would every server here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not GIVEN:
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
