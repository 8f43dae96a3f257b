"""Row-level security: the wall behind the ORM's filters.

One policy on every table of an account. ``scoped`` says, for one transaction, whose rows exist;
without it the database refuses loudly. The owner of the tables is not bound (migrations, dumps).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection, migrations, transaction

#: ``(SELECT …)`` makes it an InitPlan: evaluated once a query, not once a row (10 times slower).
POLICY = "account_id = ANY ((SELECT current_setting('app.accounts'))::bigint[])"


def protect(*tables: str) -> migrations.RunSQL:
    """Return the migration step that puts tables behind the policy."""
    return migrations.RunSQL(
        [
            statement
            for table in tables
            for statement in (
                f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
                f"CREATE POLICY account ON {table} USING ({POLICY}) WITH CHECK ({POLICY})",
            )
        ],
        [
            statement
            for table in tables
            for statement in (
                f"DROP POLICY account ON {table}",
                f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            )
        ],
    )


def set_scope(accounts: Iterable[int]) -> None:
    """Let the running transaction see the rows of these accounts, and of no other."""
    listed = "{" + ",".join(str(int(account)) for account in accounts) + "}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.accounts', %s, true)", [listed])


@contextmanager
def scoped(accounts: Iterable[int]) -> Iterator[None]:
    """Open a transaction that sees the rows of these accounts, and of no other."""
    with transaction.atomic():
        set_scope(accounts)
        yield
