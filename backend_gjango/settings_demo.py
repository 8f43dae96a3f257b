"""Settings of the clock of ``make run`` with its demonstration: it may ask the played providers.

Only here can a question go to this machine, only for the account of the demonstration, and only
where the database is our own: with a database of one's own nothing starts under these settings.
"""

from .settings import *  # noqa: F403
from .start import one_sentence

with one_sentence():
    from . import env as _environment

    PLAYED_PORT = _environment.played_port()
