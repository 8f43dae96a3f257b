"""A process that settles with the test till: ``python -m tests.settler ID …``, or ``--drain`` as a
worker does that was woken, or sweeps."""

import sys
from uuid import UUID

import django

django.setup()

from tasks.draining import drain  # noqa: E402
from tasks.pipeline import settle  # noqa: E402
from tasks.sweep import Sweeper  # noqa: E402
from tests.settling import TOYS  # noqa: E402

if sys.argv[1:] == ["--drain"]:
    while drain([], providers=TOYS):
        pass
elif sys.argv[1:]:
    settle([UUID(one) for one in sys.argv[1:]], providers=TOYS)
else:
    Sweeper().sweep(providers=TOYS)
