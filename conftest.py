"""The test database: made by the owner of the tables, used by the application's role."""

import os
from collections.abc import Iterable, Iterator
from unittest.mock import patch

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
        # What migrations leave behind stays (_KEPT): to make it anew after each test took four
        # times as long as emptying all tables.
        patched = patch("django.core.management.commands.flush.emit_post_migrate_signal")
    with patched:
        yield
    with django_db_blocker.unblock(), as_owner():
        teardown_databases(config, verbosity=0)


_KEPT = ["django_migrations", "django_content_type", "auth_permission"]
#: The tables that have had rows since they were last truncated: whether one is small and lets its
#: rows be deleted, which is quicker than making its files anew, and whether it refuses to be
#: truncated.
_FULL = """
SELECT quote_ident(c.relname),
       pg_relation_size(c.oid) <= 65536 AND NOT EXISTS (
         SELECT FROM pg_trigger
          WHERE tgrelid = c.oid AND NOT tgisinternal AND tgtype & 8 > 0),
       EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = 'never_truncated')
  FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace
   AND c.relkind = 'r'
   AND c.relname <> ALL (%s)
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
        full = direct.execute(_FULL, [_KEPT]).fetchall()
        for name in (name for name, small, _ in full if small):
            direct.execute(f"DELETE FROM {name}")  # noqa: S608 - quoted by the catalogue
        rest = [name for name, small, _ in full if not small]
        guarded = [name for name, small, refuses in full if refuses and not small]
        for name in guarded:
            direct.execute(f"ALTER TABLE {name} DISABLE TRIGGER never_truncated")
        if rest:
            direct.execute(f"TRUNCATE {', '.join(rest)} CASCADE")
        for name in guarded:
            direct.execute(f"ALTER TABLE {name} ENABLE ALWAYS TRIGGER never_truncated")
