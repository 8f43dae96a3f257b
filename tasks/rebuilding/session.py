"""The session of a rebuild: one at a time, with tables that end with it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, connection
from psycopg.conninfo import conninfo_to_dict

from .. import options, sql

#: Any constant of ours; locks of a database share one space.
_KEY = 7_306_082_027
#: Pages of temporary tables that the server keeps in memory for us.
_MEMORY = "SET temp_buffers = '64MB'"
_ALLOWED = "SELECT has_database_privilege(current_database(), 'TEMPORARY')"
_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


class Busy(RuntimeError):
    """Another rebuild is running."""


class NotAllowed(RuntimeError):
    """The role may not make temporary tables."""


@contextmanager
def session() -> Iterator[None]:
    """Use a session of our own, past any pooler; whatever it made is gone when it ends.

    Raises Busy and NotAllowed.
    """
    connection.close()
    kept = dict(connection.settings_dict)
    given = conninfo_to_dict(options.direct_url())
    connection.settings_dict.update(
        {ours: given[theirs] for theirs, ours in _NAMES.items() if theirs in given}
    )
    try:
        if not sql.rows("SELECT pg_try_advisory_lock(%b::int8)", _KEY)[0][0]:
            raise Busy
        if not sql.rows(_ALLOWED)[0][0]:
            raise NotAllowed
        sql.rows(_MEMORY)
        yield
    finally:
        with suppress(DatabaseError, InterfaceError):
            # Said aloud: a closed session's lock lives on until the server has noticed.
            sql.rows("SELECT pg_advisory_unlock_all()")
        connection.close()
        connection.settings_dict.update(kept)
