"""``rebuild`` under other roles: one that owns everything, and one that may make no tables."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.rls import scoped
from backend_gjango.roles import as_owner
from sales.models import Sale
from tasks import rebuilding
from tasks.pipeline import settle

from .hearing import owner
from .settling import TOYS, make_source, put, sale_event, sales

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "registered", lambda: TOYS)


def test_one_role_that_owns_the_tables_is_enough() -> None:
    source = make_source()
    settle(put(source, sale_event("e1", total="10.00")), providers=TOYS)
    before = sales(source)
    with scoped([source.account_id]):
        Sale.objects.update(total=999)

    with as_owner():
        call_command("rebuild", "--apply", stdout=StringIO())
        call_command("rebuild", stdout=StringIO())

    assert sales(source) == before


def test_a_role_without_temporary_tables_is_told_which_right_it_needs() -> None:
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    with owner() as direct:
        direct.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")

    try:
        with pytest.raises(CommandError, match="GRANT TEMPORARY"):
            call_command("rebuild")
    finally:
        with owner() as direct:
            direct.execute(f"GRANT TEMPORARY ON DATABASE {name} TO PUBLIC")
