"""The strict parser and the reader: bad input is refused with its path, good input is exact."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from sales.drafts import OrderedBy, Rank, Version

from .clocks import is_plausible, micros, version
from .contract import Context, PayloadUnrecognised
from .reading import Reader, parse_json

RECEIVED = datetime(2026, 9, 14, 18, tzinfo=UTC)
CONTEXT = Context(currency="RUB", timezone="Europe/Moscow", received=micros(RECEIVED))


def refused_at(read: Callable[[], object]) -> str:
    with pytest.raises(PayloadUnrecognised) as caught:
        read()
    return caught.value.path


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "$"),
        (b" \n", "$"),
        (b"nope", "$"),
        (b'{"a":1', "$"),
        (b'{"a":"\x01"}', "$"),
        (b'\xef\xbb\xbf{"a":1}', "$"),
        ('{"a":1}'.encode("utf-16"), "$"),
        ('{"a":1}'.encode("utf-16-le"), "$"),
        (b'{"a":"\xff"}', "$"),
        (b'{"a":1,"a":1}', "a"),
        (b'{"a":[{"b":{"c":1,"c":2}}]}', "a[0].b.c"),
        (b'{"a":1,"a":2', "$"),
        (b'{"a":[1,NaN]}', "a[1]"),
        (b'{"a":-Infinity}', "a"),
        (b'{"a":1e999}', "a"),
        (b'{"a":1e-999}', "a"),
        (b'{"a":1e99999999999999999999}', "a"),
        (b'{"a":' + b"1" * 31 + b"}", "a"),
        (b'{"a":' + b"1" * 5000 + b"}", "a"),
        (b'{"a":0.' + b"1" * 5000 + b"}", "a"),
        (b'{"a":"x\\u0000"}', "a"),
        (b'{"a":["\\ud800"]}', "a[0]"),
        (b'{"a":"\\uDFFF"}', "a"),
        (b'{"\\u0000":1}', "$"),
        (b"[" * 3000 + b"]" * 3000, "$"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "$"),
    ],
)
def test_what_parsers_disagree_on_is_refused_with_its_place(body: bytes, path: str) -> None:
    assert refused_at(lambda: parse_json(body)) == path


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":1e2,"b":0.30000000000000004}', {"a": D("1E+2"), "b": D("0.30000000000000004")}),
        (b'{"id":9007199254740993}', {"id": 9007199254740993}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"' + b"[{" * 100 + b'\\""', "[{" * 100 + '"'),
        (b"[" * 64 + b"]" * 64, None),
        (b"[" + b",".join([b"{}"] * 100) + b"]", [{}] * 100),
        ('"Кофе"'.encode(), "Кофе"),
    ],
)
def test_good_json_is_exact(body: bytes, value: object) -> None:
    found = parse_json(body)

    assert value is None or found == value


def test_five_megabytes_of_brackets_cost_less_than_a_second_of_processor() -> None:
    body = b"[" + b"[]," * 1_600_000 + b"[]]"
    before = time.process_time()

    parse_json(body)

    assert time.process_time() - before < 10  # not a measure of speed: quadratic would be hours


def reader(value: Any) -> Reader:
    return Reader({"data": {"lines": [{"x": value}]}})


def at(value: Any) -> Reader:
    return next(iter(reader(value)["data"]["lines"]))["x"]


PLACE = "data.lines[0].x"


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("199.90", D("199.90")),
        ("-5", D("-5.00")),
        (7, D("7.00")),
        (D("199.99999999999997"), D("200.00")),
        (D("1E+2"), D("100.00")),
        ("0.10000000000001", D("0.10")),
        (0, D("0.00")),
    ],
)
def test_amounts_are_exact(value: object, amount: D) -> None:
    found = at(value).amount("RUB")

    assert (found, str(found)) == (amount, str(amount))


def test_there_is_no_negative_zero() -> None:
    assert str(at("-0.00").amount("RUB")) == "0.00"
    assert str(at(D("-0.0000001")).amount("RUB")) == "0.00"


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "1_000",
        "١٢٣",
        " 12 ",
        "1e3",
        "+1",
        "1.",
        ".5",
        "1,5",
        "",
        "1" * 16,
        "0." + "1" * 16,
        True,
        {},
        [],
        "199.995",
        D("1E+13"),
        10**15,
        "10000000000000",
    ],
)
def test_what_is_no_amount_is_refused(value: object) -> None:
    assert refused_at(lambda: at(value).amount("RUB")) == PLACE


def test_every_currency_has_its_own_scale() -> None:
    assert str(at("1500").amount("JPY")) == "1500"
    assert str(at(1234).minor("KWD")) == "1.234"
    assert str(at(1234).minor("JPY")) == "1234"
    assert refused_at(lambda: at("0.5").amount("JPY")) == PLACE
    assert refused_at(lambda: at(D("12.0")).minor("USD")) == PLACE
    assert refused_at(lambda: at(10**17).minor("USD")) == PLACE
    assert refused_at(lambda: at("-1").positive("USD")) == PLACE


def test_quantities_are_rounded_half_up_to_six_decimals() -> None:
    assert at(D("0.30000000000000004")).fine() == D("0.300000")
    assert at("0.0000005").fine() == D("0.000001")
    assert str(at("2").fine()) == "2"
    assert at(D("1E+3")).fine() == 1000


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-09-14T12:08:44Z", None, datetime(2026, 9, 14, 12, 8, 44, tzinfo=UTC)),
        ("2026-09-14T15:08:44.5+0300", None, datetime(2026, 9, 14, 12, 8, 44, 500000, tzinfo=UTC)),
        ("2026-09-14 15:08", "Europe/Moscow", datetime(2026, 9, 14, 12, 8, tzinfo=UTC)),
        # 02:30 does not exist in Berlin on 29 March 2026: it is 03:30, 01:30 in UTC.
        ("2026-03-29T02:30:00", "Europe/Berlin", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        # 02:30 occurs twice on 25 October: the first is summer time, 00:30 in UTC.
        ("2026-10-25T02:30:00", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2022-07-13T20:30:59.037339943Z", None, datetime(2022, 7, 13, 20, 30, 59, 37339, UTC)),
        ("0001-01-01T00:00:00", "Europe/Moscow", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-12:00", None, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_are_aware_and_convert_to_utc(text: str, zone: str | None, utc: datetime) -> None:
    assert at(text).time(zone).astimezone(UTC) == utc


def test_a_time_in_a_gap_is_shown_as_what_it_became() -> None:
    moved = at("2026-03-29T02:30:00").time("Europe/Berlin")

    assert (moved.hour, moved.utcoffset()) == (3, timedelta(hours=2))


@pytest.mark.parametrize(
    "value",
    [
        "2026-09-14T12:08:44",
        "2026-02-31T00:00:00Z",
        "2026-09-14",
        "20260914T120844Z",
        "2026-W38-1",
        "2026-09-14T12:08:60Z",
        "٢٠٢٦-09-14T12:08:44Z",
        "2026-09-14T12:08:44+25:00",
        1789387724,
        "yesterday",
        "",
    ],
)
def test_what_is_no_time_is_refused(value: object) -> None:
    assert refused_at(lambda: at(value).time()) == PLACE


def test_dates_are_calendar_dates() -> None:
    assert at("2026-09-14").date() == date(2026, 9, 14)
    wrong: tuple[object, ...] = ("2026-02-31", "20260914", "2026-09-14T00:00:00Z", 20260914)
    for value in wrong:
        assert refused_at(at(value).date) == PLACE


def test_texts_are_composed_and_cut_and_ids_never_are() -> None:
    assert at("й").text() == "й"
    assert at("x" * 5000).text() == "x" * 1000
    assert at("  ").label() is None
    assert at(" Кофе ").label() == "Кофе"
    assert at(5678901234567).id() == "5678901234567"
    wrong: tuple[object, ...] = ("", "x" * 201, 1.5, True, [])
    for value in wrong:
        assert refused_at(at(value).id) == PLACE


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (1, Reader.text),
        ("1", Reader.integer),
        (True, Reader.integer),
        (1, Reader.boolean),
        ({}, list),
        ([], lambda found: found["a"]),
        ([], lambda found: found.get("a")),
        ([], lambda found: dict(found.members())),
        ("c", lambda found: found.one_of(frozenset({"a", "b"}))),
        ([], lambda found: found.one_of(frozenset({"a", "b"}))),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(value: object, read: Callable[..., Any]) -> None:
    assert refused_at(lambda: read(at(value))) == PLACE


def test_what_is_missing_or_null_is_told_apart_from_what_is_wrong() -> None:
    line = next(iter(reader(None)["data"]["lines"]))

    assert (line.get("x"), line.get("y"), line.maybe("x", Reader.text)) == (None, None, None)
    assert list(line.items("x")) == []
    assert refused_at(lambda: line["x"]) == PLACE
    assert refused_at(lambda: Reader(1).text()) == "$"
    assert refused_at(lambda: Reader({})["a"]) == "a"
    assert dict(line.members()).keys() == {"x"}


def test_a_place_of_a_million_characters_is_cut() -> None:
    assert len(refused_at(Reader({"k" * 10**6: 1})["k" * 10**6].text)) == 500


def test_a_version_is_the_provider_s_microsecond() -> None:
    stamped = datetime(2026, 9, 14, 12, 8, 46, 409001, tzinfo=UTC)

    assert version(Rank.FULL, stamped, CONTEXT, seq=3) == Version(30, micros(stamped), 3)


def test_a_tombstone_of_a_coarse_clock_lasts_to_the_end_of_its_unit() -> None:
    stamped = datetime(2026, 9, 14, 12, 8, 46, tzinfo=UTC)

    found = version(Rank.FULL, stamped, CONTEXT, round_up=timedelta(seconds=1))

    assert found.clock == micros(stamped) + 999_999


@pytest.mark.parametrize(
    ("stamped", "plausible"),
    [
        (RECEIVED + timedelta(days=1), True),
        (RECEIVED + timedelta(days=1, microseconds=1), False),
        (datetime(2000, 1, 1, tzinfo=UTC), True),
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(9999, 12, 31, tzinfo=UTC), False),
    ],
)
def test_an_impossible_time_is_the_first_receipt(stamped: datetime, plausible: bool) -> None:
    found = version(Rank.FULL, stamped, CONTEXT)

    assert is_plausible(stamped, CONTEXT) is plausible
    assert found.by is (OrderedBy.PROVIDER if plausible else OrderedBy.RECEIPT)
    assert found.clock == (micros(stamped) if plausible else CONTEXT.received)


def test_no_time_is_the_first_receipt() -> None:
    assert version(Rank.FULL, None, CONTEXT) == Version(30, CONTEXT.received, by=OrderedBy.RECEIPT)
