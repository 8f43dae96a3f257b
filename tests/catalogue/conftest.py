"""Receivers for the whole catalogue, as production runs them, and a till before each test.

The one that is to survive stands in front of a PostgreSQL of the tests' own, which they stop,
crash and fill up.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests.hearing import Running, receiver

from .counted import Counted
from .own import Own, on, own_postgres, unused_slug
from .till import Till

APPLICATION = "backend_gjango.asgi:application"


@pytest.fixture(scope="package")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Counted:
    """What the shared receiver has counted."""
    return Counted(tmp_path_factory.mktemp("metrics"))


@pytest.fixture(scope="package")
def server(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, counted: Counted
) -> Iterator[Running]:
    """The product's own receiver. Its cache of sources must not carry a test into the next."""
    folder: Path = tmp_path_factory.mktemp("receiver")
    with receiver(
        folder,
        application=APPLICATION,
        GJANGO_SOURCE_CACHE_SECONDS="0.01",
        GJANGO_BODY_SECONDS="3",
        PROMETHEUS_MULTIPROC_DIR=str(counted.folder),
        GJANGO_STATE=os.environ["GJANGO_TEST_STATE"],
    ) as running:
        yield running


@pytest.fixture
def till(transactional_db: None, server: Running) -> Till:
    """A source of the standard schema in an account of its own."""
    return Till(server)


@pytest.fixture(scope="package")
def own(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Own]:
    with django_db_blocker.unblock(), own_postgres() as cluster:
        yield cluster


@pytest.fixture(scope="package")
def survivor(own: Own, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("survivor")
    with ExitStack() as stack:
        with on(own):
            server = stack.enter_context(receiver(folder, application=APPLICATION))
        yield server


@pytest.fixture
def shop(own: Own, transactional_db: None, survivor: Running) -> Iterator[Till]:
    """A till in front of the own cluster, which Django uses as well meanwhile."""
    pid = survivor.process.pid
    with on(own):
        yield Till(survivor, slug=unused_slug())
    assert survivor.process.poll() is None
    assert survivor.process.pid == pid
