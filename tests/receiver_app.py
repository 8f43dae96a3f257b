"""The receiver with the providers of its tests, started as a process of its own.

Reads DATABASE_URL, REDIS_URL, GJANGO_KEYS and the bounds from the environment.
"""

import os

from ingest.limits import from_environment
from ingest.receiver import ReceiverConfig, create_app
from tasks.wakeup import Doorbell

from .receiver_providers import PROVIDERS

application = create_app(
    ReceiverConfig(
        database_url=os.environ["DATABASE_URL"],
        keys=os.environ["GJANGO_KEYS"].split(","),
        public_url="https://hooks.example",
        limits=from_environment(),
        on_staged=Doorbell(os.environ["REDIS_URL"]).ring,
    ),
    PROVIDERS,
)
