"""JSON that parsers disagree on: acknowledged and kept byte for byte, and a dead letter by path."""

from decimal import Decimal

import pytest

from .till import Till, sale

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = sale()


def with_total(text: bytes) -> bytes:
    """Return a sale whose total is written so."""
    assert GOOD.count(b'"10.00"') == 1
    return GOOD.replace(b'"10.00"', text)


def dead_at(till: Till, body: bytes) -> str:
    """Deliver and settle a body that nobody can read; return the path of its dead letter."""
    before = len(till.letters())

    till.take(body)

    assert till.staged()[-1] == body
    assert till.sales() == []
    letters = till.letters()
    assert len(letters) == before + 1
    return letters[-1].path


def test_F61_a_key_that_occurs_twice_is_a_dead_letter_that_names_it(till: Till) -> None:
    assert dead_at(till, with_total(b'"10.00", "total": "1.00"')) == "data.total"
    assert dead_at(till, with_total(b'"10.00", "total": "10.00"')) == "data.total"


def test_F62_what_is_no_number_of_json_is_a_dead_letter(till: Till) -> None:
    for text in (b"NaN", b"Infinity", b"-Infinity"):
        assert dead_at(till, with_total(text)) == "data.total", text


def test_F63_a_number_beyond_all_doubles_is_a_dead_letter(till: Till) -> None:
    for text in (b"1e999", b"1e-999", b"-1E+99999999999999999999"):
        assert dead_at(till, with_total(text)) == "data.total", text


def test_F64_a_nul_is_kept_in_the_raw_body_and_reaches_no_text_column(till: Till) -> None:
    assert dead_at(till, with_total(rb'"10.00", "number": "a\u0000b"')) == "data.number"
    assert dead_at(till, b'{"type": "sale\x00"}') == "$"


def test_F65_half_a_surrogate_pair_is_a_dead_letter_and_a_whole_one_is_text(till: Till) -> None:
    for half in (rb"\ud800", rb"\uDFFF", rb"x\udbff y"):
        assert dead_at(till, with_total(rb'"10.00", "number": "%b"' % half)) == "data.number", half

    till.take(with_total(rb'"10.00", "number": "\ud83d\ude00"'))

    assert till.sold().number == "😀"


def test_F66_what_is_not_plain_utf_8_is_kept_and_dead(till: Till) -> None:
    assert dead_at(till, GOOD.replace(b"s1", b"\xff\xfe")) == "$"
    assert dead_at(till, b"\xef\xbb\xbf" + GOOD) == "$"
    for coding in ("utf-16", "utf-16-le", "utf-32"):
        assert dead_at(till, GOOD.decode().encode(coding)) == "$", coding


def test_F67_a_long_integer_is_exact_or_refused_and_never_a_double(till: Till) -> None:
    assert dead_at(till, with_total(b"1" * 30)) == "data.total"
    assert dead_at(till, with_total(b"1" * 31)) == "data.total"

    # 2**53 + 1: the first integer that a double cannot hold.
    till.take(with_total(b'9007199254740.99, "number": 9007199254740993'))

    assert till.sold().total == Decimal("9007199254740.99")
    assert till.sold().number == "9007199254740993"


def test_F68_an_integer_of_5000_digits_is_a_dead_letter(till: Till) -> None:
    assert dead_at(till, with_total(b"9" * 5000)) == "data.total"


def test_F69_nesting_without_end_is_a_dead_letter_and_ends_no_process(till: Till) -> None:
    for depth in (65, 1000, 200_000):
        assert dead_at(till, b'{"a":' * depth + b"1" + b"}" * depth) == "$", depth

    assert till.server.process.poll() is None
    till.take(GOOD)
    assert till.sold().total == 10


def test_F70_money_comes_from_the_text_and_no_double_is_between(till: Till) -> None:
    written = {
        b"19.99": "19.99",
        b"0.30": "0.3",
        b"199.99999999999997": "200",  # what a till's double prints
        b"1.1e1": "11",
        b'"100000.10"': "100000.1",
    }

    for at, (text, kept) in enumerate(written.items()):
        till.take(sale(at=at).replace(b'"10.00"', text))
        assert till.sold().total == Decimal(kept), text
