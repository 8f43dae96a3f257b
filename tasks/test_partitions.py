"""Rows that fell into the DEFAULT partition find a home, and staging stays append-only."""

import json
from io import StringIO
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tasks import partitions
from tasks.clock import ensure_partitions
from tests.hearing import owner
from tests.settling import make_source, put, sale_event

pytestmark = pytest.mark.django_db(transaction=True)

_PARTITION_OF = """
SELECT id, tableoid::regclass::text FROM ingest_delivery WHERE id = ANY(%s) ORDER BY id
"""
_OLD = """
INSERT INTO ingest_delivery (id, account_id, source_id, origin, method, path, query, content_type,
                             headers, body, sha256, redacted)
SELECT uuid_floor('2001-12-31T23:59Z'), account_id, source_id, origin, method, path, query,
       content_type, headers, body, sha256, redacted
FROM ingest_delivery LIMIT 1 RETURNING id
"""


def command(*arguments: str) -> Any:
    out = StringIO()
    call_command("partitions", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def homes(*ids: UUID) -> dict[UUID, str]:
    with owner() as own:
        return dict(own.execute(_PARTITION_OF, [list(ids)]).fetchall())


@pytest.fixture
def month() -> Any:
    """Take this month's partition away, so that what is staged falls into DEFAULT."""
    with owner() as own:
        (name,) = own.execute(
            "SELECT 'ingest_delivery_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')"
        ).fetchone() or ("",)
        own.execute(f"DROP TABLE {name}")
        yield name
        own.execute("DROP TABLE IF EXISTS ingest_delivery_200112")


def test_rows_in_the_default_partition_are_listed_and_given_their_months(
    month: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "PAGE", 2)
    ids = put(make_source(), *(sale_event(f"e{number}") for number in range(5)))
    with owner() as own:
        ((old,),) = own.execute(_OLD).fetchall()

    before = command()
    told = command("--rehome")
    later = put(make_source("other"), sale_event("later"))

    assert set(homes(old, *ids).values()) == {month, "ingest_delivery_200112"}
    assert homes(old, *later) == {old: "ingest_delivery_200112", later[0]: month}
    assert [one["deliveries"] for one in before["strays"]] == [1, 5]
    assert told["rehomed"] == before["strays"]
    assert told["strays"] == []
    assert ensure_partitions() is False


def test_what_is_staged_between_the_copy_and_the_exchange_is_taken_along(
    month: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    exchange = partitions._exchange

    def late(months: list[partitions.Month]) -> None:
        with owner() as own:
            own.execute(_OLD.replace("'2001-12-31T23:59Z'", "now()"))
        exchange(months)

    monkeypatch.setattr(partitions, "_exchange", late)
    command("--rehome")

    with owner() as own:
        found = own.execute(f"SELECT id FROM {month} ORDER BY id").fetchall()
    assert len(found) == 2
    assert (ids[0],) in found


def test_a_new_home_and_a_new_default_refuse_every_change(month: str) -> None:
    ids = put(make_source(), sale_event("e1"))
    command("--rehome")

    for statement in (
        "DELETE FROM ingest_delivery",
        f"UPDATE {month} SET body = ''",
        f"TRUNCATE {month}",
        "TRUNCATE ingest_delivery_default",
    ):
        with owner() as own, pytest.raises(psycopg.Error, match="append-only"):
            own.execute(statement)
    assert homes(*ids) == {ids[0]: month}
    with owner() as own:
        triggers = own.execute(
            "SELECT tgname, tgenabled::text FROM pg_trigger WHERE tgrelid = %s::regclass"
            " ORDER BY tgname",
            ["ingest_delivery_default"],
        ).fetchall()
    assert triggers == [(n, "A") for n in ("append_only", "never_truncated", "own_append_only")]


def test_an_interrupted_rehoming_loses_nothing_and_goes_on(
    month: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = put(make_source(), *(sale_event(f"e{number}") for number in range(3)))

    def killed(_: list[partitions.Month]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as first:
        first.setattr(partitions, "_exchange", killed)
        with pytest.raises(KeyboardInterrupt):
            command("--rehome")
    between = homes(*ids)
    command("--rehome")

    assert set(between.values()) == {"ingest_delivery_default"}
    assert homes(*ids) == dict.fromkeys(ids, month)


def test_staging_that_somebody_holds_is_left_as_it_is(
    month: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "TRIES", 1)
    ids = put(make_source(), sale_event("e1"))

    with owner() as own, own.transaction():
        own.execute("SELECT count(*) FROM ingest_delivery")
        with pytest.raises(CommandError, match="nothing was changed"):
            command("--rehome")

    assert homes(*ids) == {ids[0]: "ingest_delivery_default"}
    command("--rehome")
    assert homes(*ids) == {ids[0]: month}


def test_the_log_names_the_command(month: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(make_source(), sale_event("e1"))

    with pytest.raises(Exception, match="ingest_delivery_default"):
        ensure_partitions()

    assert "manage.py partitions --rehome" in "".join(capsys.readouterr())
    connection.close()
    command("--rehome")
