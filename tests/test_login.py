"""Guessing a password: after a few failures a name is refused to the address that guesses."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db.models import F
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password-of-vera"
GUESSER, OTHER = "198.51.100.7", "198.51.100.8"


@pytest.fixture(autouse=True)
def vera() -> User:
    return User.objects.create_superuser("vera", password=PASSWORD)


def login(path: str, password: str, *, address: str = GUESSER, **headers: str) -> Any:
    """Send the form from an address; each time as a browser without a past."""
    form = {"username": "vera", "password": password}
    return Client(headers=headers).post(path, form, REMOTE_ADDR=address)


def statuses(path: str, times: int = 10, **how: str) -> list[int]:
    return [login(path, f"guess-{n}", **how).status_code for n in range(times)]


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_F95_ten_bad_logins_are_refused_and_then_the_right_one_too(path: str) -> None:
    assert statuses(path) == [200] * 4 + [429] * 6

    refused = login(path, PASSWORD)

    assert (refused.status_code, refused["Retry-After"]) == (429, "900")
    assert set(refused.json()) == {"code", "detail", "hint", "request_id"}
    assert refused.json()["code"] == "too_many_logins"
    assert "sessionid" not in refused.cookies


@pytest.mark.parametrize(("language", "word"), [("ru", "неудачных"), ("en", "failed logins")])
def test_F95_the_refusal_speaks_the_language_of_the_page(language: str, word: str) -> None:
    statuses("/login/")

    assert word in login("/login/", "x", Accept_Language=language).json()["detail"]


def test_F95_the_right_password_works_after_the_pause() -> None:
    statuses("/login/")
    assert login("/login/", PASSWORD).status_code == 429

    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(seconds=901))

    assert login("/login/", PASSWORD).status_code == 302


def test_F95_guesses_from_elsewhere_do_not_lock_the_owner_out() -> None:
    statuses("/login/")

    assert login("/login/", PASSWORD, address=OTHER).status_code == 302


def test_F95_behind_our_proxy_the_address_is_the_clients() -> None:
    proxy = "127.0.0.1"

    assert statuses("/login/", address=proxy, X_Forwarded_For=GUESSER)[-1] == 429
    assert login("/login/", PASSWORD, address=proxy, X_Forwarded_For=OTHER).status_code == 302


@pytest.mark.parametrize("forwarded", ["{n}.1.1.1", "{n}.1.1.1, 198.51.100.7", "junk-{n}"])
def test_F95_a_forged_header_is_no_new_address(forwarded: str) -> None:
    tried = [
        login("/login/", "guess", X_Forwarded_For=forwarded.format(n=n)).status_code
        for n in range(10)
    ]

    assert tried[-1] == 429


def test_F95_success_forgets_the_failures_before_it() -> None:
    for _ in range(3):
        assert statuses("/login/", 3) == [200] * 3
        assert login("/login/", PASSWORD).status_code == 302


def test_F95_the_password_that_was_tried_is_not_kept() -> None:
    login("/login/", "nearly-the-right-one")

    kept = AccessAttempt.objects.values().get()
    assert "nearly" not in str(kept)
