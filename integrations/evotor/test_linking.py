"""What Evotor's calls get: the documented answers, and a token for nobody who proved nothing."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations import samples
from integrations.contract import Answer, Brought, Called, Delivery, Secret, SignatureInvalid
from integrations.samples import TEST_SECRET, TEST_URL
from integrations.schemes import user_token

from . import PROVIDER
from .linking import OWN_CALLS, brings, invite, read_registration, refusal, respond
from .payload import split

ANNA = "01-000000012345678"
FORMER = Secret("the-secret-before-the-rotation")
OPEN = {"registration": "open"}
CREATE, VERIFY, TOKEN = (f"/api/v1/user/{name}" for name in ("create", "verify", "token"))


def call(path: str, body: Any, headers: dict[str, str] | None = None) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery("POST", path, "", headers or {}, raw, TEST_URL)


def answer(path: str, body: Any, settings: dict[str, Any] | None = None) -> Answer | None:
    return respond(Called(call(path, body), (TEST_SECRET, FORMER), settings or {}))


def told(path: str, body: Any, settings: dict[str, Any] | None = None) -> tuple[int, Any]:
    said = answer(path, body, settings)
    return (200, None) if said is None else (said.status, json.loads(said.body))


def error(code: int, **more: str) -> dict[str, Any]:
    return {"errors": [{"code": code, **more}]}


def login(secret: Secret = TEST_SECRET, /, **changes: Any) -> dict[str, Any]:
    return {"userId": ANNA, "username": "cafe", "password": invite("cafe", secret), **changes}


def test_registration_gives_a_token_where_the_app_is_open_and_nowhere_else() -> None:
    granted = {"userId": ANNA, "token": user_token(ANNA, TEST_SECRET)}

    assert told(CREATE, {"userId": ANNA}, OPEN) == (200, granted)
    for chosen in ({}, {"registration": "closed"}, {"registration": None}):
        assert told(CREATE, {"userId": ANNA}, chosen) == (409, error(2005))


def test_the_user_is_answered_under_the_name_he_came_by() -> None:
    status, body = told(CREATE, {"userUuid": ANNA}, OPEN)

    assert (status, sorted(body)) == (200, ["token", "userUuid"])


@pytest.mark.parametrize("secret", [TEST_SECRET, FORMER])
def test_a_password_that_was_given_out_logs_in_and_the_newest_secret_issues(secret: Secret) -> None:
    granted = {"userId": ANNA, "hasBilling": False, "token": user_token(ANNA, TEST_SECRET)}

    assert told(VERIFY, login(secret)) == (200, granted)
    spaced = f" {invite('cafe', secret).upper().replace('-', ' ')} "
    assert told(VERIFY, login(secret, username=" Cafe ", password=spaced)) == (200, granted)


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "bar"},
        {"username": "кафе"},
        {"password": "aaaaa-bbbbb-ccccc-ddddd"},
        {"password": invite("cafe", Secret("another secret"))},
        {"password": invite("cafe", TEST_SECRET)[:-1]},
        {"password": "пароль"},
        {"password": user_token("cafe", TEST_SECRET)},
    ],
    ids=lambda changes: str(next(iter(changes.values())))[:12],
)
def test_whoever_has_no_password_of_ours_gets_no_token(changes: dict[str, str]) -> None:
    # An open app lets new merchants in, and nobody under another's login.
    assert told(VERIFY, login(**changes), OPEN) == (401, error(1006))


def test_without_a_secret_that_has_a_value_nobody_logs_in() -> None:
    nothing = Secret("")
    called = Called(call(VERIFY, login(nothing)), (TEST_SECRET, nothing), OPEN)

    said = respond(called)
    assert said is not None
    assert said.status == 401


@pytest.mark.parametrize("path", [CREATE, VERIFY, TOKEN])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", error(2001)),
        (b"userId=01-1", error(2001)),
        (b"[]", error(2001)),
        (b'{"userId": "a", "userId": "b"}', error(2001)),
        (b'{"userId": "a", "x": "' + b"y" * 20_000 + b'"}', error(2001)),
        (b"{}", error(2002, reason="missing", subject="userId")),
        (b'{"userId": null}', error(2002, reason="missing", subject="userId")),
        (b'{"userId": 7}', error(2003, reason="incorrect", subject="userId")),
        (b'{"userUuid": "no user"}', error(2003, reason="incorrect", subject="userUuid")),
    ],
)
def test_what_is_not_as_documented_gets_the_documented_error(
    path: str, body: bytes, expected: dict[str, Any]
) -> None:
    assert told(path, body, OPEN) == (400, expected)
    assert brings(call(path, body)) is None


@pytest.mark.parametrize("name", ["username", "password"])
def test_a_login_without_one_of_its_fields_is_told_which(name: str) -> None:
    missing = error(2002, reason="missing", subject=name)

    assert told(VERIFY, login(**{name: None})) == (400, missing)


def test_a_token_of_the_cloud_is_taken_with_its_user_and_from_no_other_call() -> None:
    handed = {"userId": ANNA, "token": "f46b89a5"}

    assert brings(call(TOKEN, handed)) == Brought(ANNA, "f46b89a5")
    assert told(TOKEN, handed) == (200, None)
    assert brings(call(CREATE, handed)) is None
    assert brings(call("/documents", handed)) is None
    assert "f46b89a5" not in repr(brings(call(TOKEN, handed)))


@pytest.mark.parametrize("token", ["", "two words", "то\u0301кен", "a\n", "x" * 4001, 7, {}])
def test_what_can_be_no_token_is_told_without_being_repeated(token: Any) -> None:
    handed = {"userId": ANNA, "token": token}
    status, body = told(TOKEN, handed)

    assert (status, body["errors"][0]["subject"]) == (400, "token")
    assert "value" not in body["errors"][0]
    assert brings(call(TOKEN, handed)) is None


def test_a_users_token_proves_documents_and_no_call_of_the_app() -> None:
    headers = {"authorization": f"Bearer {user_token(ANNA, TEST_SECRET)}"}

    PROVIDER.scheme.verify(call("/documents", {}, headers), (TEST_SECRET,), 0)
    for name in OWN_CALLS:
        for path in (f"/{name}", f"/api/v1/{name}/"):
            with pytest.raises(SignatureInvalid):
                PROVIDER.scheme.verify(call(path, {}, headers), (TEST_SECRET,), 0)


def test_an_unproven_call_is_told_whose_token_was_wrong() -> None:
    for path, code in ((CREATE, 1001), (TOKEN, 1001), ("/api/v2/receipts", 1002), ("", 1002)):
        said = refusal(path)
        assert (said.status, json.loads(said.body)) == (401, error(code))


def test_only_the_token_handed_over_names_a_merchant() -> None:
    named = {
        name: split(call(sample.path, sample.body))[0].merchant
        for name, sample in samples.load("evotor").items()
        if name in ("user_create__form", "user_verify__login", "user_token__issued")
    }

    assert named == {
        "user_create__form": None,
        "user_verify__login": None,
        "user_token__issued": ANNA,
    }


def test_an_invitation_is_the_same_every_time_and_for_a_login_only() -> None:
    first = invite("cafe", TEST_SECRET)

    assert first == invite("cafe", TEST_SECRET) != invite("bar", TEST_SECRET)
    assert [len(group) for group in first.split("-")] == [5, 5, 5, 5]
    for wrong in ("", "Cafe", "a b", "кафе", "x" * 65):
        with pytest.raises(ValueError, match=f"^{wrong}$"):
            invite(wrong, TEST_SECRET)


def test_registration_is_one_of_two_words() -> None:
    assert [read_registration(text) for text in (" Open", "closed")] == ["open", "closed"]
    with pytest.raises(ValueError, match="yes"):
        read_registration("yes")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from([f"/api/v1/{name}" for name in sorted(OWN_CALLS)]),
    body=st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(["userId", "userUuid", "token", "username", "password"]),
        st.none() | st.integers() | st.text(max_size=9) | st.lists(st.integers(), max_size=1),
    ),
)
def test_no_body_breaks_a_call(path: str, body: Any) -> None:
    told(path, body, OPEN)
    brings(call(path, body))
