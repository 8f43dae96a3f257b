"""Every refusal in one shape and two languages; nothing a client sends is a 500."""

import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from .messages import PROBLEMS
from .models import Account, Membership, User
from .tokens import issue, revoke


@pytest.fixture
def token(db: None) -> str:
    return issue(Account.objects.create(slug="cafe", title="Кафе"), "owner")[0]


def shape(answer: Any) -> set[str]:
    body = answer.json()
    assert answer["Content-Type"].startswith("application/json")
    assert body["request_id"] == answer["X-Request-Id"]
    assert body["detail"]
    assert body["hint"]
    return set(body) - {"field"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/nowhere/", {}, 404, "not_found"),
        ("GET", "/sales/not-a-uuid/", {}, 404, "not_found"),
        ("GET", "/sales", {}, 404, "slash_missing"),
        ("POST", "/продажи", {}, 404, "slash_missing"),
        ("POST", "/hooks/abc", {}, 404, "hooks_elsewhere"),
        ("GET", "/%00", {}, 404, "not_found"),
        ("GET", "/%ff/", {}, 404, "not_found"),
        ("GET", "/sales/", {"Host": "evil.example"}, 400, "bad_request"),
        ("GET", "/sales/", {"Authorization": ""}, 401, "unauthenticated"),
        ("GET", "/sales/", {"Authorization": "Basic eDp5"}, 401, "unauthenticated"),
        ("GET", "/sales/", {"Authorization": "Bearer"}, 401, "token_invalid"),
        ("GET", "/sales/", {"Authorization": "Bearer gj_wrong"}, 401, "token_invalid"),
        ("GET", "/sales/", {"Authorization": "Bearer \xff\x00"}, 401, "token_invalid"),
        ("PATCH", "/sales/", {}, 405, "method_not_allowed"),
        ("TRACE", "/sales/", {}, 405, "method_not_allowed"),
        ("GET", "/sales/", {"Accept": "text/csv"}, 406, "not_acceptable"),
        ("POST", "/sales/", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("POST", "/sales/", {"Content-Type": "multipart/form-data"}, 415, "unsupported_media_type"),
    ],
)
def test_every_refusal_has_one_shape(
    token: str, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    content_type = headers.get("Content-Type", "application/json")
    answer = Client().generic(
        method, path, b"x", content_type, headers={"Authorization": f"Bearer {token}", **headers}
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert shape(answer) == {"code", "detail", "hint", "request_id"}
    if status == 401:
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.django_db
def test_the_language_follows_the_request_and_is_russian_otherwise() -> None:
    def detail(language: str) -> str:
        headers = {"Accept-Language": language} if language else {}
        return str(Client(headers=headers).get("/sales/").json()["detail"])

    assert detail("en-GB,en;q=0.9") == PROBLEMS["unauthenticated"].detail.en
    assert detail("") == detail("de") == PROBLEMS["unauthenticated"].detail.ru


def test_every_message_has_both_languages_with_the_same_blanks() -> None:
    for code, problem in PROBLEMS.items():
        for pair in (problem.detail, problem.hint):
            assert re.findall(r"\{\w+\}", pair.ru) == re.findall(r"\{\w+\}", pair.en), code
            assert pair.ru != pair.en, code


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_3", True), ("a" * 65, False), ("a\nb", False), ("<x>", False), ("", False)],
)
def test_a_request_id_is_taken_over_only_where_it_is_harmless(given: str, kept: bool) -> None:
    answer = Client(headers={"X-Request-Id": given}).get("/")

    assert (answer["X-Request-Id"] == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer["X-Request-Id"])


def test_a_revoked_or_expired_token_is_refused(token: str) -> None:
    from django.utils import timezone

    account = Account.objects.get()
    gone, row = issue(account, "owner")
    revoke(row)
    expired, _ = issue(account, "owner", expires_at=timezone.now())

    for text in (gone, expired):
        answer = Client(headers={"Authorization": f"Bearer {text}"}).get("/sales/")
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert Client(headers={"Authorization": f"bearer {token}"}).get("/sales/").status_code == 200


@pytest.fixture
def vera(token: str) -> Client:
    user = User.objects.create_user("vera", password="x")
    Membership.objects.create(user=user, account=Account.objects.get(), role="owner")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def test_a_session_needs_its_csrf_token_and_a_bearer_none(vera: Client, token: str) -> None:
    refused = vera.post("/sales/", {}, content_type="application/json")
    bearer = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {token}"})

    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    assert bearer.post("/sales/", {}, content_type="application/json").status_code == 400


def test_pages_for_people_render(vera: Client) -> None:
    for path in ("/", "/продажи/", "/refunds/", "/товары/", "/login/", "/sales/?nonsense=1"):
        answer = vera.get(path, headers={"Accept": "text/html"})

        assert answer.status_code == (400 if "?" in path else 200), path
        assert answer["Content-Type"].startswith("text/html")
    assert Client(headers={"Accept": "text/html"}).get("/sales/").status_code == 401


def test_a_person_logs_in_and_out_and_is_never_sent_elsewhere(db: None) -> None:
    User.objects.create_user("vera", password="secret")
    client = Client()

    for target in ("//evil.example", "https://evil.example", "\\\\evil.example"):
        form = {"username": "vera", "password": "secret", "next": target}
        assert client.post("/login/", form)["Location"] == "/"
    assert client.post("/logout/")["Location"] == "/"
    assert Client().post("/login/", {"username": "vera", "password": "no"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/sales/", "/nowhere/", "/admin/login/", "/login/"])
@pytest.mark.django_db
def test_every_answer_carries_the_headers_that_guard_a_browser(path: str) -> None:
    answer = Client().get(path)

    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


def test_a_database_that_is_away_is_503_and_a_bug_is_500(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)

    def fail_with(error: Exception, place: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(place, fail)
            return client.get("/sales/")

    for place in ("accounts.views.set_scope", "accounts.authentication.authenticate"):
        away = fail_with(OperationalError("gone"), place)
        assert (away.status_code, away.json()["code"]) == (503, "unavailable")
        assert away["Retry-After"] == "5"
    bug = fail_with(ZeroDivisionError("secret text"), "accounts.views.set_scope")
    assert (bug.status_code, bug.json()["code"]) == (500, "internal")
    assert b"secret" not in bug.content
    assert shape(bug) == {"code", "detail", "hint", "request_id"}


def test_a_database_that_fails_at_commit_is_503(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("gone at commit")

    monkeypatch.setattr("accounts.views.ScopedView.dispatch", fail)
    answer = Client(raise_request_exception=False).get("/sales/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_reads_only_is_503_for_whoever_writes(token: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
    body = {"id": "1", "occurred_at": "2026-05-04T09:30:00Z", "total": "1.00"}

    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    answer = client.post("/sales/", body, content_type="application/json")
    with connection.cursor() as cursor:
        cursor.execute("RESET default_transaction_read_only")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"] == "5"
    assert client.post("/sales/", body, content_type="application/json").status_code == 201


def test_a_body_over_the_cap_is_413(token: str, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    client = Client(headers={"Authorization": f"Bearer {token}"})

    answer = client.post("/sales/", b"[" + b" " * 100, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
