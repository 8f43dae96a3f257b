"""A clock that asks the thin CRM of the tests at an address: ``python -m tests.asker URL``."""

import sys
from functools import partial

import django

django.setup()

from integrations import registry  # noqa: E402
from tasks import clock  # noqa: E402
from tasks.fetching import fetcher  # noqa: E402
from tasks.fetching.http import Bounds, Client  # noqa: E402
from tasks.fetching.work import Work  # noqa: E402
from tests.thin import HOST, THINS  # noqa: E402

vars(registry)["PROVIDERS"] = THINS
vars(clock)["_FETCH_FIRST"] = 0.0
vars(fetcher)["Work"] = partial(Work, client=Client(Bounds(), {HOST: sys.argv[1]}))
clock.run()
