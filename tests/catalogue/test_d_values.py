"""Values that parse and mean nothing, or mean more than they say: recorded, marked or dead."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.rls import scoped
from sales.models import SaleLine

from .till import Till, refund, sale

pytestmark = pytest.mark.django_db(transaction=True)

_LINE = {"name": "Вес", "quantity": "1", "total": "10.00"}


def dead_at(till: Till, body: bytes) -> str:
    """Deliver and settle what has no meaning; return the path of its dead letter."""
    till.take(body)
    assert till.outcomes()[-1] == "dead"
    return till.letters()[-1].path


def test_F71_a_number_in_a_text_is_ascii_digits_and_nothing_else(till: Till) -> None:
    for total in ("NaN", "Infinity", "1_000", "١٢٣", "１２", " 12 ", "+1", "1e999999", "1,5", ""):
        assert dead_at(till, sale(total=total)) == "data.total", total
    assert till.sales() == []


def test_F71_fifteen_digits_are_taken_and_sixteen_are_not(till: Till) -> None:
    long = sale(lines=[{**_LINE, "quantity": "1" * 16}])
    assert dead_at(till, long) == "data.lines[0].quantity"

    till.take(sale(lines=[{**_LINE, "quantity": "123456789012345.000001"}]))

    assert till.outcomes()[-1] == "recorded"


def test_F72_a_negative_amount_is_a_dead_letter_that_names_it(till: Till) -> None:
    negative: dict[str, Any] = {
        "data.total": {"total": "-10.00"},
        "data.discount_total": {"discount_total": "-1.00"},
        "data.lines[0].quantity": {"lines": [{**_LINE, "quantity": "-1"}]},
    }

    for path, fields in negative.items():
        assert dead_at(till, sale(**fields)) == path


def test_F72_what_is_odd_is_recorded_as_stated_and_marked(till: Till) -> None:
    till.take(
        sale("free", total="0.00"),
        sale("none of it", total="0.00", lines=[{**_LINE, "quantity": "0", "total": "0.00"}]),
        sale("discount over total", gross_total="10.00", discount_total="25.00", total="0.00"),
        sale("refund over sale"),
        refund(of="refund over sale", total="30.00"),
    )

    assert till.marks() == {
        "free": [],
        "none of it": [],
        "discount over total": ["total_mismatch"],
        "refund over sale": ["refund_exceeds_sale"],
    }
    assert {one.external_id: one.net_total for one in till.sales()}["refund over sale"] == -20


def test_F73_an_amount_has_the_decimals_of_its_currency(till: Till) -> None:
    for currency, total in {"JPY": "1500", "KWD": "1.234", "USD": "1.50"}.items():
        till.take(sale(currency, currency=currency, total=total))

    kept = {one.external_id: (one.currency, one.total) for one in till.sales()}
    assert kept["JPY"] == ("JPY", 1500)
    assert kept["KWD"] == ("KWD", Decimal("1.234"))
    assert kept["USD"] == ("USD", Decimal("1.5"))


def test_F73_a_scale_or_a_currency_that_is_none_is_a_dead_letter(till: Till) -> None:
    assert dead_at(till, sale(currency="JPY", total="0.5")) == "data.total"
    assert dead_at(till, sale(currency="USD", total="1.234")) == "data.total"
    for unknown in ("XXX", "RUR", "rub", "ру"):
        assert dead_at(till, sale(currency=unknown, total="1.00")) == "data.currency", unknown


def test_F73_amounts_of_two_currencies_are_never_added(till: Till) -> None:
    till.take(sale(), refund(currency="USD"))

    assert (till.sold().refunded_total, till.sold().net_total) == (0, 10)
    assert till.marks() == {"s1": ["currency_mismatch"]}


def test_F74_an_impossible_time_is_recorded_on_the_day_of_receipt_and_marked(till: Till) -> None:
    impossible = ("0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2099-01-01T00:00:00Z")

    till.take(*(sale(moment, occurred_at=moment) for moment in impossible))

    received = datetime.now(UTC).date()
    for one in till.sales():
        assert till.marks()[one.external_id] == ["clock"]
        assert one.business_date is not None
        assert abs((one.business_date - received).days) <= 1
    assert len(till.sales()) == len(impossible)


def test_F74_what_is_no_time_or_an_epoch_of_unknown_unit_is_a_dead_letter(till: Till) -> None:
    for moment in ("2026-02-31T12:00:00Z", 1789387724, 1789387724000, "вчера"):
        assert dead_at(till, sale(occurred_at=moment)) == "data.occurred_at", moment


def test_F75_a_time_without_a_zone_is_the_sources_and_gaps_are_closed_by_rule(till: Till) -> None:
    with scoped([till.source.account_id]):
        till.source.timezone = "Europe/Berlin"
        till.source.save()
    local = {
        "2026-03-29T02:30:00": datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # does not exist
        "2026-10-25T02:30:00": datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # the first of two
        "2026-06-01T12:00:00": datetime(2026, 6, 1, 10, 0, tzinfo=UTC),
    }

    till.take(*(sale(moment, occurred_at=moment) for moment in local))

    assert {one.external_id: one.occurred_at for one in till.sales()} == local


def test_F76_long_and_strange_texts_are_cut_composed_and_kept_as_data(till: Till) -> None:
    names = [
        "Ж" * 1_000_000,
        "\u202egnp.exe",
        "A\u030angstrom",
        "😀<script>alert(1)</script>",
        "Соса-Соla",
    ]

    till.take(sale(lines=[{**_LINE, "name": name} for name in names]))

    with scoped([till.source.account_id]):
        kept = list(SaleLine.objects.order_by("pos").values_list("name", flat=True))
    assert kept == ["Ж" * 1000, names[1], "Ångstrom", names[3], names[4]]


def test_F77_a_raw_body_is_bytes_and_only_what_is_known_becomes_a_column(till: Till) -> None:
    """In jsonb a number of four characters takes thirty digits; staging has no such column."""
    body = sale(padding=["@"] * 100_000).replace(b'"@"', b"1e29")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name IN ('ingest_delivery', 'ingest_inbox', 'tasks_event')"
            " AND data_type LIKE 'json%'"
        )
        assert cursor.fetchall() == []

    till.take(body)

    assert till.staged() == [body]
    assert till.sold().business_date == date(2026, 9, 14)
    with scoped([till.source.account_id]), connection.cursor() as cursor:
        cursor.execute("SELECT pg_column_size(s.*) FROM sales_sale s")
        assert cursor.fetchone()[0] < 2000
