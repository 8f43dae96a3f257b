"""The ground everything stands on: roles, row-level security, append-only staging."""

import subprocess

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from accounts.models import Account
from accounts.rls import scoped
from backend_gjango.embedded import postgres_binaries
from tests import services


@pytest.mark.django_db
@pytest.mark.skipif(services.GIVEN, reason="DATABASE_URL names the server")
def test_the_server_is_the_one_whose_programs_were_chosen() -> None:
    program = [str(postgres_binaries() / "postgres"), "--version"]
    told = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        assert cursor.fetchone()[0].split()[0] == told[2]


@pytest.mark.django_db(transaction=True)
def test_the_application_is_not_the_owner_and_cannot_change_staging() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, tableowner FROM pg_tables WHERE tablename = 'sales_sale'"
        )
        user, owner = cursor.fetchone()

        assert user != owner
        for statement in (
            "DELETE FROM ingest_delivery",
            "UPDATE ingest_delivery SET path = ''",
            "TRUNCATE ingest_delivery",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"):
                cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_without_a_scope_the_database_refuses_and_with_one_it_hides_the_others() -> None:
    one, other = (Account.objects.create(slug=slug, title=slug) for slug in ("one", "other"))
    with scoped([one.id, other.id]), connection.cursor() as cursor:
        for account in (one, other):
            cursor.execute(
                "INSERT INTO accounts_source (account_id, provider, title, state, currency,"
                " timezone, public_url, location, priority, is_test, settings)"
                " VALUES (%s, 'standard', '', 'active', 'RUB', '', '', '', 0, false, '{}')",
                [account.id],
            )

    with pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute("SELECT * FROM accounts_source")
    with scoped([one.id]), connection.cursor() as cursor:
        cursor.execute("SELECT account_id FROM accounts_source")
        assert cursor.fetchall() == [(one.id,)]
