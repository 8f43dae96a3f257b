"""The tables are not as this code expects: a month is missing, or a successor was here."""

from collections.abc import Iterator

import pytest
from django.db import connection

from backend_gjango import gauges
from backend_gjango.roles import as_owner
from tasks.clock import Clock

from .own import Own
from .senders import send
from .till import Till, sale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


_THIS_MONTH = "'ingest_delivery_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')"
#: As migration 0001 makes it.
_NEW_DEFAULT = """
DROP TABLE ingest_delivery_default;
CREATE TABLE ingest_delivery_default (LIKE ingest_delivery INCLUDING ALL);
SELECT guard_partition('ingest_delivery_default'::regclass);
ALTER TABLE ingest_delivery ATTACH PARTITION ingest_delivery_default DEFAULT
"""


@pytest.fixture
def month_missing(own: Own, shop: Till) -> Iterator[None]:
    """Take the partition of this month away, and put it back in the place of what DEFAULT got."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {_THIS_MONTH}")
        part = cursor.fetchone()[0]
        cursor.execute(f"ALTER TABLE ingest_delivery DETACH PARTITION {part}")
        cursor.execute(f"DROP TABLE {part}")
    yield
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(_NEW_DEFAULT)
        cursor.execute("SELECT ensure_delivery_partitions(2)")


def test_F23_without_a_partition_for_now_a_delivery_is_taken_and_told_of(
    month_missing: None, shop: Till
) -> None:
    shop.take(sale())

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('ingest_delivery_default'::regclass)")
        assert cursor.fetchone()[0] > 0
    told = {one.name: one.samples for one in gauges.Now().collect()}
    assert told["gjango_default_partition_bytes"][0].value > 0
    assert (shop.outcomes(), shop.sold().total) == (["recorded"], 10)


def test_F23_a_partition_that_cannot_be_made_any_more_does_not_stop_the_sweep(
    month_missing: None,
    shop: Till,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows of this month lie in DEFAULT by now, so PostgreSQL refuses the partition."""
    monkeypatch.setenv("SWEEP_GRACE", "0")
    assert send(shop, sale())[0] == 200
    clock = Clock()

    clock._tick()
    clock._leadership.step_down()

    said = "".join(capsys.readouterr())
    assert shop.outcomes() == ["recorded"]
    assert "default_partition_not_empty" in said
    assert "chore_failed" in said


def test_F31_this_code_works_on_the_schema_of_its_successor(own: Own, shop: Till) -> None:
    """What a migration may add first (columns, an index) disturbs nothing that runs now.

    There is no released predecessor yet whose tests could be run on this schema.
    """
    tables = (
        "accounts_source ingest_delivery ingest_inbox tasks_event tasks_attempt sales_sale"
        " sales_saleline sales_payment sales_refund"
    ).split()
    with as_owner(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN of_the_future text DEFAULT 'x'")
        cursor.execute("CREATE INDEX of_the_future ON sales_sale (account_id, of_the_future)")

    try:
        shop.take(sale())
        shop.take(sale(at=2, total="12.00"))
    finally:
        with as_owner(), connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DROP COLUMN of_the_future")

    assert shop.outcomes() == ["recorded", "recorded"]
    assert shop.sold().total == 12
