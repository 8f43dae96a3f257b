"""A secret among parameters: who has it is heard, whatever a stranger sends is but refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .contract import Delivery, Secret, SignatureInvalid
from .forms import MAX_FIELDS
from .samples import sealed
from .schemes import FormField, Parameter

TOKEN = "51856fefc120afa4b628cc82d3935cce"
SCHEME = FormField("auth.application_token")
KEY = b"auth%5Bapplication_token%5D="


def accepts(body: bytes, *secrets: Secret) -> bool:
    """Say whether the form is accepted; anything but SignatureInvalid fails the test."""
    delivery = Delivery("POST", "", "", {}, body, "https://hooks.example/h")
    try:
        SCHEME.verify(delivery, secrets or (Secret(TOKEN),), 0)
    except SignatureInvalid:
        return False
    return True


@pytest.mark.parametrize(
    "body",
    [
        KEY + TOKEN.encode(),
        b"auth[application_token]=" + TOKEN.encode(),
        b"event=X&" + KEY + b"%351856fefc120afa4b628cc82d3935cce&ts=1",
        # What nobody asks about may be broken: who sent it is known all the same.
        b"name=%ff&a[=1&" + KEY + TOKEN.encode(),
    ],
)
def test_the_owner_of_the_token_is_heard(body: bytes) -> None:
    assert accepts(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"&&&",
        b"auth=" + TOKEN.encode(),
        TOKEN.encode(),
        KEY,
        KEY + TOKEN[:-1].encode(),
        KEY + TOKEN.encode() + b"0",
        KEY + TOKEN.upper().encode(),
        KEY + TOKEN.encode() + b"%00",
        KEY + b"%ff" + TOKEN.encode(),
        KEY + b"%zz",
        KEY + "токен".encode(),
        b"auth[application_token][]=" + TOKEN.encode(),
        b"auth[application_token]x=" + TOKEN.encode(),
        b"auth[0][application_token]=" + TOKEN.encode(),
        b'{"auth": {"application_token": "' + TOKEN.encode() + b'"}}',
        # Which of two a reader takes is not the sender's to choose.
        KEY + b"guess&" + KEY + TOKEN.encode(),
        KEY + TOKEN.encode() + b"&auth[application_token]=" + TOKEN.encode(),
        b"a=1&" * (MAX_FIELDS + 1) + KEY + TOKEN.encode(),
    ],
)
def test_nobody_else_is(body: bytes) -> None:
    assert not accepts(body)


@given(st.binary(max_size=200) | st.text("aut[pn]=&%+0\x00", max_size=80).map(str.encode))
def test_no_body_is_more_than_refused(body: bytes) -> None:
    assert not accepts(body)


def test_neither_an_empty_secret_nor_that_of_the_api_proves_anything() -> None:
    assert not accepts(KEY, Secret(""))
    assert not accepts(KEY + TOKEN.encode(), Secret(TOKEN, "api"))
    assert accepts(KEY + TOKEN.encode(), Secret("other"), Secret(TOKEN))


def test_a_sealed_form_holds_the_secret_and_every_other_byte() -> None:
    body = b"event=X&" + KEY + b"placeholder&ts=1"
    delivery = Delivery("POST", "", "", {}, body, "")

    assert SCHEME.sealed(delivery, Secret("a b&c")) == b"event=X&" + KEY + b"a+b%26c&ts=1"


def test_a_form_without_the_field_is_sealed_with_one() -> None:
    delivery = Delivery("POST", "", "", {}, b"event=X", "")

    assert SCHEME.sealed(delivery, Secret("t")) == b"event=X&" + KEY + b"t"


# --- a parameter of a request: in the query, in a form, in JSON -----------------------------------

OPEN = Parameter("secret")
GOOD = f"secret={TOKEN}"
AS_JSON = f'{{"id": 7, "secret": "{TOKEN}"}}'.encode()


def hears(body: bytes = b"", query: str = "", *secrets: Secret) -> bool:
    """Say whether the request is accepted; anything but SignatureInvalid fails the test."""
    delivery = Delivery("POST" if body else "GET", "", query, {}, body, "https://hooks.example/h")
    try:
        OPEN.verify(delivery, secrets or (Secret(TOKEN),), 0)
    except SignatureInvalid:
        return False
    return True


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (b"", f"id=7&{GOOD}"),
        (f"id=7&{GOOD}".encode(), ""),
        (f"id=7&{GOOD}".encode(), "utm=x"),
        (b"id=7", GOOD),
        (AS_JSON, ""),
        (b" \n" + AS_JSON, "utm=x"),
        (b'{"id": 7}', GOOD),
    ],
)
def test_a_parameter_is_heard_wherever_it_stands(body: bytes, query: str) -> None:
    assert hears(body, query)


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (b"", ""),
        (b"", "secret="),
        (b"", f"{GOOD}0"),
        (b"", f"secret[]={TOKEN}"),
        (b"", "secret=\xff"),
        (b"", f"{GOOD}&secret=guess"),
        # Once in all: which of two is meant is not the sender's to choose.
        (GOOD.encode(), GOOD),
        (AS_JSON, GOOD),
        (b'{"secret": null}', ""),
        (b'{"secret": ["%s"]}' % TOKEN.encode(), ""),
        (b'{"data": %s}' % AS_JSON, ""),
        (AS_JSON[:-1], ""),
        (b'{"secret": "a", "secret": "%s"}' % TOKEN.encode(), ""),
        (b"[%s]" % AS_JSON, ""),
    ],
)
def test_no_other_parameter_is(body: bytes, query: str) -> None:
    assert not hears(body, query)
    assert not hears(body, query, Secret(""), Secret(TOKEN, "api"))


@given(
    st.binary(max_size=120) | st.text('{}":secrt=&%\x00', max_size=60).map(str.encode),
    st.text(st.characters(max_codepoint=255), max_size=60),
)
def test_no_request_is_more_than_refused(body: bytes, query: str) -> None:
    assert not hears(body, query)


@pytest.mark.parametrize(
    ("body", "query", "proven"),
    [
        (b"", "id=7&secret=old", (b"", "id=7&secret=a+b%26c")),
        (b"", "id=7", (b"", "id=7&secret=a+b%26c")),
        (b"id=7&secret=old&x=1", "utm=x", (b"id=7&secret=a+b%26c&x=1", "utm=x")),
        (b'{"secret" : "old", "id": 7}', "", (b'{"secret" : "a b&c", "id": 7}', "")),
        (b'{"id": 7}', "", (b'{"id": 7,"secret":"a b&c"}', "")),
    ],
)
def test_a_sealed_request_holds_the_secret_and_every_other_byte(
    body: bytes, query: str, proven: tuple[bytes, str]
) -> None:
    made = sealed(Delivery("POST", "", query, {}, body, ""), OPEN, Secret("a b&c"))

    assert (made.body, made.query) == proven
    assert hears(made.body, made.query, Secret("a b&c"))
