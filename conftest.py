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


def _flush(sql_list: Iterable[str]) -> None:
    """Empty all tables as their owner: the application may neither truncate nor change staging."""
    from django.conf import settings
    from django.db import connection
    from psycopg import connect

    from backend_gjango.settings import database

    owner = settings.DATABASE_OWNER or database(os.environ["DATABASE_OWNER_URL"])
    names = ", ".join(
        f'"{name}"'
        for name in connection.introspection.table_names()
        if name != "django_migrations" and not name.startswith("ingest_delivery_")
    )
    with connect(
        dbname=connection.settings_dict["NAME"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        host=owner["HOST"],
        port=owner["PORT"] or None,
    ) as direct:
        parts = [
            row[0]
            for row in direct.execute(
                "SELECT inhrelid::regclass::text FROM pg_inherits "
                "WHERE inhparent = 'ingest_delivery'::regclass "
                "UNION ALL SELECT 'ingest_delivery'"
            )
        ]
        for part in parts:
            direct.execute(f"ALTER TABLE {part} DISABLE TRIGGER never_truncated")
        direct.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        for part in parts:
            direct.execute(f"ALTER TABLE {part} ENABLE ALWAYS TRIGGER never_truncated")
