"""``rebuild``: what staging gives is what is live; a difference is shown first, then applied."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.rls import scoped
from integrations.contract import Context, Event, Provider, Statement
from sales.models import Sale
from tasks import rebuilding
from tasks.pipeline import settle
from tasks.rebuilding import session
from tests.settling import TOY, TOYS, make_source, put, put_apart, sale_event, sales

pytestmark = pytest.mark.django_db(transaction=True)


def _half(event: Event, context: Context) -> list[Statement] | None:
    """Read half of every amount, and of ``s2`` nothing at all."""
    payload = event.payload
    if payload.get("sale") == "s2":
        return None
    halved = {**payload, "total": str(Decimal(payload["total"]) / 2)}
    return list(TOY.normalisers["sale"](replace(event, payload=halved), context) or ())


#: A mapper that changed its mind.
HALVED = {"toy": replace(TOY, normalisers={**TOY.normalisers, "sale": _half}, mapper=2)}


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the command use these providers."""

    def use(chosen: Mapping[str, Provider]) -> None:
        monkeypatch.setattr(rebuilding, "registered", lambda: chosen)

    use(TOYS)
    return use


def rebuild(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return its exit code and its answer."""
    out, code = StringIO(), 0
    try:
        call_command("rebuild", "--json", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as stopped:
        code = int(str(stopped.code))
    return code, json.loads(out.getvalue())


@pytest.mark.usefixtures("providers")
def test_an_unchanged_mapper_shows_no_difference() -> None:
    source, other = make_source("one"), make_source("two")
    bodies = [sale_event(f"e{n}", sale=f"s{n % 3}", total=str(n), at=n % 4) for n in range(9)]
    settle(put_apart(source, *bodies, *bodies[:4]), providers=TOYS)
    settle(put(other, sale_event("e1"), {"id": "x", "type": "unrecognised"}), providers=TOYS)

    code, found = rebuild()

    assert (code, found["differs"], found["rows"], found["days"]) == (0, False, [], [])
    assert found["unread"] == {"PayloadUnrecognised": 1}
    assert rebuild("--account", "one")[0] == rebuild("--source", str(other.pk))[0] == 0


@pytest.mark.usefixtures("providers")
def test_what_is_pending_is_no_difference_and_comes_with_its_settling() -> None:
    source = make_source()
    ids = put_apart(source, sale_event("e1"), sale_event("e2", sale="s2"))
    settle(ids[:1], providers=TOYS)

    assert rebuild()[0] == 0
    settle(ids[1:], providers=TOYS)
    assert rebuild()[0] == 0


@pytest.mark.usefixtures("providers")
def test_an_earlier_twin_that_still_waits_dates_the_event_as_it_does_in_settling() -> None:
    source = make_source()
    ids = put_apart(source, sale_event("e1"), sale_event("e1"))
    settle(ids[1:], providers=TOYS)

    assert rebuild()[0] == 0
    settle(ids[:1], providers=TOYS)
    assert rebuild()[0] == 0


def test_a_changed_mapper_is_shown_in_money_and_then_applied(providers: Any) -> None:
    source = make_source()
    events = [sale_event(f"e{n}", sale=f"s{n}", total="10.00", at=n) for n in range(1, 4)]
    settle(put_apart(source, *events, {"id": "x", "type": "unrecognised"}), providers=TOYS)
    before = sales(source)
    providers(HALVED)

    code, found = rebuild("--check")

    (day,) = found["days"]
    assert (code, found["differs"]) == (1, True)
    assert found["unread"] == {"PayloadUnrecognised": 1}
    assert (day["account"], day["source"], day["day"]) == ("shop", source.pk, "2026-11-02")
    assert day["rows"] == {"sales changed": 2, "sales removed": 1}
    assert (day["sales"], day["difference"]) == (["30.00", "10.00"], "-20.00")
    assert sales(source) == before

    code, found = rebuild("--apply")

    assert (code, found["applied"]) == (0, 3)
    with scoped([source.account_id]):
        applied = Sale.objects.order_by("external_id").values_list("external_id", "total", "mapper")
        assert [*applied] == [("s1", Decimal("5.0000"), 2), ("s3", Decimal("5.0000"), 2)]
    assert rebuild()[0] == 0


@pytest.mark.usefixtures("providers")
def test_a_row_that_was_tampered_with_is_shown_and_mended() -> None:
    source = make_source()
    settle(put_apart(source, sale_event("e1"), sale_event("e2", sale="s2")), providers=TOYS)
    before = sales(source)
    with scoped([source.account_id]):
        Sale.objects.filter(external_id="s1").update(total=999)
        Sale.objects.filter(external_id="s2").delete()

    code, found = rebuild()

    assert code == 1
    assert found["rows"] == [
        {"account": "shop", "source": source.pk, "table": "sales_sale", "changed": 1, "added": 1}
    ]
    assert rebuild("--apply")[1]["applied"] == 2
    assert sales(source) == before


@pytest.mark.usefixtures("providers")
def test_sales_older_than_staging_are_not_taken_for_gone() -> None:
    source = make_source()
    settle(put(source, sale_event("e1")), providers=TOYS)
    with scoped([source.account_id]):
        Sale.objects.update(received_at="2020-01-01T00:00Z")

    with pytest.raises(CommandError, match="older than staging"):
        call_command("rebuild", "--apply")


def test_two_at_once_are_refused_and_nothing_is_left_behind() -> None:
    with session():
        connection.ensure_connection()
        own = connection.connection
        connection.connection = None
        try:
            with pytest.raises(CommandError, match="Another rebuild"):
                call_command("rebuild")
        finally:
            connection.close()
            connection.connection = own
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'sales_sale'::regclass = 'public.sales_sale'::regclass")
        assert cursor.fetchone() == (True,)


def test_an_unknown_source_is_one_sentence() -> None:
    with pytest.raises(CommandError, match="source list"):
        call_command("rebuild", "--source", "404")
