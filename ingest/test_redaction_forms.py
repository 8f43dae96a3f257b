"""Secrets in forms are cut before anything is kept, whatever the form is like."""

import time
from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.redaction import cut

FORM = "application/x-www-form-urlencoded; charset=utf-8"
PATHS = ("auth.access_token", "data.*.key", "whole")
LEFT = "%5Bcut%5D"
_TEXT = st.text(st.characters(codec="utf-8"), min_size=1)


@pytest.mark.parametrize(
    ("body", "expected", "found"),
    [
        ("auth[access_token]=T&x=1", f"auth[access_token]={LEFT}&x=1", "auth.access_token"),
        ("auth%5Baccess_token%5D=T", f"auth%5Baccess_token%5D={LEFT}", "auth.access_token"),
        ("%61uth[access%5Ftoken]=T", f"%61uth[access%5Ftoken]={LEFT}", "auth.access_token"),
        ("auth.access_token=T", f"auth.access_token={LEFT}", "auth.access_token"),
        ("auth[access_token][0]=T", f"auth[access_token][0]={LEFT}", "auth.access_token"),
        ("data[0][key]=T&data[][key]=U", f"data[0][key]={LEFT}&data[][key]={LEFT}", "data.*.key"),
        ("whole=T&whole[a][b]=U", f"whole={LEFT}&whole[a][b]={LEFT}", "whole"),
        ("whole=a=b&&=c&whole", f"whole={LEFT}&&=c&whole", "whole"),
        ("auth[access_token=T", f"auth[access_token={LEFT}", "auth.access_token"),
        ("auth[access_token]x=T&whole=%zz", f"auth[access_token]x=T&whole={LEFT}", "whole"),
        ("+whole=\xff", f"+whole={LEFT}", "whole"),
    ],
)
def test_a_declared_field_is_cut_and_no_other_byte_changes(
    body: str, expected: str, found: str
) -> None:
    assert cut(body.encode("latin-1"), PATHS, FORM) == (expected.encode("latin-1"), [found])


@pytest.mark.parametrize(
    "body", ["", "&", "=", "access_token=T", "auth[x]=T", "auth=T", "wholes=T", "data[a][key]=T"]
)
def test_a_field_that_is_not_declared_stays(body: str) -> None:
    assert cut(body.encode(), PATHS, FORM) == (body.encode(), [])


@pytest.mark.parametrize("content_type", [FORM, "", "application/json", "text/plain"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'\xef\xbb\xbf {"whole": "T"}', b'\xef\xbb\xbf {"whole": "[cut]"}'),
        (b"a=1&whole=T", b"a=1&whole=%5Bcut%5D"),
    ],
)
def test_a_body_under_another_name_is_cut_as_what_it_looks_like(
    content_type: str, body: bytes, expected: bytes
) -> None:
    assert cut(body, PATHS, content_type) == (expected, ["whole"])


@given(st.lists(st.tuples(_TEXT, st.text(st.characters(codec="utf-8")))), _TEXT, st.integers(0, 9))
def test_the_rest_of_any_form_stays_as_it_came(
    others: list[tuple[str, str]], secret: str, at: int
) -> None:
    pieces = [f"x{quote_plus(key)}={quote_plus(value)}" for key, value in others]
    pieces.insert(at, f"auth[access_token]={quote_plus(secret)}")

    left, found = cut("&".join(pieces).encode(), PATHS, FORM)

    assert found == ["auth.access_token"]
    expected = [one if one[:5] != "auth[" else f"auth[access_token]={LEFT}" for one in pieces]
    assert left.decode() == "&".join(expected)


@given(
    st.lists(st.sampled_from(["auth", "access_token", "[", "]", "=", "&", ".", "%5B", "T", "+"]))
)
def test_whatever_reads_as_the_declared_field_never_keeps_its_value(parts: list[str]) -> None:
    left, _ = cut("".join(parts).encode(), PATHS, FORM)

    for field in left.decode().split("&"):
        key, _, value = field.partition("=")
        steps = unquote_plus(key).replace("]", "").replace(".", "[").split("[")
        if [step.strip() for step in steps[:2]] == ["auth", "access_token"]:
            assert value in ("", LEFT)


@given(st.binary(max_size=300))
def test_any_bytes_are_cut_without_an_exception(body: bytes) -> None:
    cut(b"whole" + body, PATHS, FORM)


@pytest.mark.parametrize(
    "hostile", [b"a" * 4_000_000, b"a[" * 2_000_000 + b"=1", b"&=" * 2_000_000]
)
def test_a_hostile_form_of_four_megabytes_costs_no_more_than_its_length(hostile: bytes) -> None:
    started = time.perf_counter()

    cut(b"whole=T&" + hostile, PATHS, FORM)

    assert time.perf_counter() - started < 20
