"""One receiver for the whole catalogue, as production runs it, and a till before each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hearing import Running, receiver

from .counted import Counted
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
