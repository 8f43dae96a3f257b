"""What the tests of the core share."""

import pytest

from accounts.rls import set_scope
from tests import universe
from tests.universe import Universe


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Universe:
    """Two sources of one account; its scope is set within the test's own transaction."""
    request.getfixturevalue("db")
    made = universe.make()
    set_scope([made.account])
    return made
