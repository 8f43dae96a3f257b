"""The test database: made by the owner of the tables, used by the application's role."""

import os
from collections.abc import Iterable, Iterator

import pytest
from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Make the test database as the owner, then work as the application's role."""
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    from backend_gjango.roles import as_owner

    with django_db_blocker.unblock():
        with as_owner():
            config = setup_databases(verbosity=0, interactive=False)
        connection.ops.execute_sql_flush = _flush  # type: ignore[method-assign]
    yield
    with django_db_blocker.unblock(), as_owner():
        teardown_databases(config, verbosity=0)


#: The tables that have had rows since they were last emptied, and whether one refuses to be. Most
#: have not, and to empty those as well would take four times as long as all the rest of a test.
_FULL = """
SELECT quote_ident(c.relname),
       EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = 'never_truncated')
  FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace
   AND c.relkind = 'r'
   AND c.relname <> 'django_migrations'
   AND pg_relation_size(c.oid) > 0
"""


def _flush(sql_list: Iterable[str]) -> None:
    """Empty all tables as their owner: the application may neither truncate nor change staging."""
    from django.conf import settings
    from django.db import connection
    from psycopg import connect

    from backend_gjango.settings import database

    owner = settings.DATABASE_OWNER or database(os.environ["DATABASE_OWNER_URL"])
    with connect(
        dbname=connection.settings_dict["NAME"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        host=owner["HOST"],
        port=owner["PORT"] or None,
    ) as direct:
        full = direct.execute(_FULL).fetchall()
        guarded = [name for name, refuses in full if refuses]
        for name in guarded:
            direct.execute(f"ALTER TABLE {name} DISABLE TRIGGER never_truncated")
        if full:
            names = ", ".join(name for name, _ in full)
            direct.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        for name in guarded:
            direct.execute(f"ALTER TABLE {name} ENABLE ALWAYS TRIGGER never_truncated")
