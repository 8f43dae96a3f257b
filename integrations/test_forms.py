"""Forms: what PHP would have written comes back whole, and what parsers disagree on is refused."""

import tracemalloc
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import forms
from .contract import PayloadUnrecognised
from .forms import (
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_KEY,
    Field,
    fields,
    fields_of,
    keys_of,
    parse_form,
    path_of,
)
from .reading import Reader

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
NAMES = PLAIN.map(lambda text: text.translate({91: None, 93: None})).filter(bool)
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        PLAIN,
        lambda below: (
            st.lists(below, min_size=1, max_size=4)
            | st.dictionaries(NAMES.filter(lambda name: name != "0"), below, min_size=1, max_size=4)
        ),
        max_leaves=20,
    ),
    min_size=1,
    max_size=4,
)


def written(value: Any, key: str = "") -> list[tuple[str, str]]:
    """Return the fields of a tree, as PHP's ``http_build_query`` writes them."""
    if not isinstance(value, dict | list):
        return [(key, "" if value is None else str(value))]
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return [
        field
        for name, item in members
        for field in written(item, f"{key}[{name}]" if key else str(name))
    ]


def body_of(pairs: list[tuple[str, str]], escape: Any = quote_plus) -> bytes:
    return "&".join(f"{escape(key)}={escape(value)}" for key, value in pairs).encode()


def refused(body: bytes) -> PayloadUnrecognised:
    with pytest.raises(PayloadUnrecognised) as caught:
        parse_form(body)
    return caught.value


@given(TREES, st.sampled_from([quote, quote_plus]), st.randoms())
def test_what_php_writes_is_read_back_in_any_order(tree: Any, escape: Any, chance: Any) -> None:
    pairs = written(tree)
    chance.shuffle(pairs)

    assert parse_form(body_of(pairs, escape)) == tree


@given(st.binary(max_size=200) | st.text("ab0[]&=%+", max_size=60).map(str.encode))
def test_any_bytes_are_read_whole_or_refused(body: bytes) -> None:
    try:
        found = parse_form(body)
    except PayloadUnrecognised:
        return

    assert sum(1 for _ in leaves(found)) == sum(1 for _ in fields(body))


def leaves(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)


@given(PLAIN, TREES, st.booleans())
def test_a_key_that_is_a_value_and_a_parent_keeps_both(text: str, tree: Any, first: bool) -> None:
    own, below = [("both", text)], written({"both": tree})
    pairs = own + below if first else below + own

    found = parse_form(body_of(pairs))["both"]

    assert found.pop("") == text
    assert found == {str(key): value for key, value in tree.items()}


def test_the_note_of_amocrm_keeps_its_type_and_its_uuid() -> None:
    found = parse_form(
        b"contacts[note][0][note][type]=3&contacts[note][0][note][type][message_uuid]=0f5e"
        b"&contacts[note][0][note][text]=%D0%94%D0%B0"
    )

    note = {"type": {"": "3", "message_uuid": "0f5e"}, "text": "Да"}
    assert found == {"contacts": {"note": [{"note": note}]}}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"a=1&b", {"a": "1", "b": ""}),
        (b"&a=1&&b=2=3&", {"a": "1", "b": "2=3"}),
        (b"a[]=x&a[]=y", {"a": ["x", "y"]}),
        (b"a[][n]=x&a[][n]=y", {"a": [{"n": "x"}, {"n": "y"}]}),
        (b"a[1]=x&a[0]=y", {"a": ["y", "x"]}),
        (b"a[1]=x&a[2]=y", {"a": {"1": "x", "2": "y"}}),
        (b"a[00]=x", {"a": {"00": "x"}}),
        (b"a=own&a[]=x", {"a": {"": "own", "0": "x"}}),
        (b"a[]=x&a=own", {"a": {"": "own", "0": "x"}}),
        (b"a%5Bb%5D=+%2B%26", {"a": {"b": " +&"}}),
        (b"0=x&1=y", {"0": "x", "1": "y"}),
    ],
)
def test_a_form_is_read_by_these_rules(body: bytes, found: Any) -> None:
    assert parse_form(body) == found


@pytest.mark.parametrize(
    ("body", "path", "reason"),
    [
        (b"", "$", "empty"),
        (b"&&", "$", "empty"),
        (b"a=1&a=1", "a", "twice"),
        (b"a[0]=1&a[0][]=2&a[0]=3", "a[0]", "twice"),
        (b"a[1]=x&a[]=y", "a.", "among"),
        (b"a[1]=x&a[][n]=y", "a..n", "among"),
        (b"a[][]=x&a[0]=y&a[0]=z", "a[0]", "twice"),
        (b"l[s][0][id]=%ff", "l.s[0].id", "UTF-8"),
        (b"l[s][0][id]=%d0", "l.s[0].id", "UTF-8"),
        (b"a=%zz", "a", "escape"),
        (b"a=%", "a", "escape"),
        (b"a=%00", "a", "NUL"),
        (b"%ff=1", "%ff", "UTF-8"),
        (b"=1", "$", "key"),
        (b"[a]=1", "[a]", "key"),
        (b"a[b=1", "a[b", "key"),
        (b"a[b]c=1", "a[b]c", "key"),
        (b"a[[b]]=1", "a[[b]]", "key"),
        (b"a" + b"[b]" * MAX_DEPTH + b"=1", "a" + "[b]" * MAX_DEPTH, "deeper"),
        (b"a" * (MAX_KEY + 1) + b"=1", "a" * 100, "bytes"),
        (b"a[]=1&" * MAX_FIELDS + b"b=1", "$", "fields"),
    ],
)
def test_what_is_refused_names_its_place(body: bytes, path: str, reason: str) -> None:
    error = refused(body)

    assert (error.path, reason in error.reason) == (path, True)


def test_the_deepest_the_longest_and_the_most_that_are_allowed_are_read() -> None:
    assert parse_form(b"a" + b"[b]" * (MAX_DEPTH - 1) + b"=1")
    assert parse_form(b"a" * MAX_KEY + b"=1")
    assert len(parse_form(b"a[]=1&" * MAX_FIELDS)["a"]) == MAX_FIELDS


def test_the_steps_of_a_form_grow_with_its_fields_and_not_faster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = 0
    put, settled = forms._put, forms._settled

    def counted(call: Any) -> Any:
        def counting(*arguments: Any) -> Any:
            nonlocal steps
            steps += 1
            return call(*arguments)

        return counting

    monkeypatch.setattr(forms, "_put", counted(put))
    monkeypatch.setattr(forms, "_settled", counted(settled))
    costs = {}
    for count in (500, 5_000):
        steps = 0
        pairs = [(f"leads[add][{index // 10}][f{index % 10}]", "7") for index in range(count)]
        parse_form(body_of(pairs))
        costs[count] = steps

    assert costs[5_000] <= 10.1 * costs[500]


@pytest.mark.parametrize(
    ("body", "megabytes"),
    [
        (body_of([(f"l[u][{n // 9}][f{n % 9}]", "y" * 90) for n in range(5_000)]), 10),
        # As many objects as the limits leave room for.
        (
            body_of(
                [("a" + "".join(f"[{n}.{step}]" for step in range(11)), "1") for n in range(10_000)]
            ),
            50,
        ),
    ],
    ids=["five-thousand-fields", "as-deep-as-allowed"],
)
def test_what_a_form_takes_of_memory_is_bounded(body: bytes, megabytes: int) -> None:
    tracemalloc.start()
    try:
        parse_form(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < megabytes * 1_000_000


def test_a_reader_names_the_places_of_a_form() -> None:
    form = Reader(parse_form(b"leads[status][0][id]=7&leads[status][1][name]=x"))

    (first, second) = form["leads"]["status"]

    assert first["id"].id() == "7"
    with pytest.raises(PayloadUnrecognised, match=r"leads\.status\[1\]\.id: missing"):
        second["id"].id()


def test_a_field_says_where_its_value_stands_among_the_bytes() -> None:
    body = b"event=X&auth%5Baccess_token%5D=se%20cret&empty&last="

    found = {path_of(keys_of(field.key)): body[field.start : field.end] for field in fields(body)}

    assert found == {"event": b"X", "auth.access_token": b"se%20cret", "empty": b"", "last": b""}


_PATH = "auth.token"
#: Spellings of its key that are right, and some that are nearly.
_SPELLED = st.sampled_from(
    "auth[token] auth%5Btoken%5D auth%5btoken%5d %61uth[tok%65n] auth[token][] auth[token auth "
    "auth[Token] auth[token]x xauth[token] auth[token]%00 auth+[token] auth%255Btoken%5D".split()
)


@given(st.lists(st.tuples(_SPELLED, st.sampled_from(["", "=", "=v", "=a=b", "=%5B"])), max_size=6))
def test_the_fields_of_a_path_are_those_whose_keys_spell_it(pieces: list[tuple[str, str]]) -> None:
    body = "&".join(key + value for key, value in pieces).encode()

    def spells(field: Field) -> bool:
        try:
            return keys_of(field.key) == ("auth", "token")
        except PayloadUnrecognised:
            return False

    assert fields_of(_PATH, body) == [field for field in fields(body) if spells(field)]
    assert fields_of(_PATH, b"&&" + body + b"&") == [
        field for field in fields(b"&&" + body + b"&") if spells(field)
    ]
