"""What the tests of the model share."""

import pytest

from accounts.rls import set_scope
from tests import universe
from tests.universe import Universe

from .arrivals import Site
from .histories import SLUGS, site_of


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Universe:
    """Two sources of one account; its scope is set within the test's own transaction."""
    request.getfixturevalue("db")
    made = universe.make()
    set_scope([made.account])
    return made


@pytest.fixture(params=SLUGS)
def site(request: pytest.FixtureRequest, world: Universe) -> Site:
    """A source of each provider, in the first of the two."""
    return site_of(request.param, world.account, world.sources[0])
