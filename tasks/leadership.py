"""One leader among clocks: a session's advisory lock, on a connection of its own."""

import contextlib
from typing import Any

import psycopg
from django.db import connection

from . import options

#: Any constant of ours; locks of a database share one space.
_KEY = 7_306_082_026


class Leadership:
    """Leads while its session holds the lock; a lost session steps down and tries again."""

    def __init__(self, parameters: dict[str, Any] | None = None) -> None:
        """Take connection parameters; by default those past any pooler."""
        self._parameters = parameters or direct_parameters()
        self._session: psycopg.Connection[Any] | None = None
        self._leads = False

    def leads(self) -> bool:
        """Say whether we lead now. Raises psycopg.OperationalError where the database is away."""
        try:
            return self._ask()
        except psycopg.Error:
            self.step_down()
            raise

    def _ask(self) -> bool:
        if self._session is None:
            self._session = psycopg.connect(**self._parameters, autocommit=True)
        if self._leads:
            self._session.execute("SELECT 1")
            return True
        row = self._session.execute("SELECT pg_try_advisory_lock(%s)", [_KEY]).fetchone()
        self._leads = bool(row and row[0])
        return self._leads

    def step_down(self) -> None:
        """Close the session, and with it the lock."""
        session, self._session, self._leads = self._session, None, False
        if session is not None:
            with contextlib.suppress(psycopg.Error), session:
                # Said aloud: a closed session's lock lives on until the server has noticed.
                session.execute("SELECT pg_advisory_unlock_all()")


def direct_parameters() -> dict[str, Any]:
    """Return how to reach the database past any pooler, which would not keep a session's lock."""
    if url := options.direct_url():
        return {"conninfo": url, "connect_timeout": 5}
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return dict(parameters)
