"""``source check``: does the provider's API let us in, and if not, what has to be set."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.models import Delivery
from tasks import source_checking
from tests.played import Played, Request, Said, playing

pytestmark = pytest.mark.django_db(transaction=True)

RESTAURANT = "d3f0c0de-0000-4000-8000-000000000001"
SECRET = "an-id:a-secret"
LOGIN = "/authentication/v1/authentication/login"
LET_IN = Said(200, {"token": {"accessToken": "access", "expiresIn": 86400}})


def connected(provider: str = "toast", *, secret: str | None, **more: Any) -> int:
    """Connect a source, and return its number."""
    account = Account.objects.create(slug="shop", title="Shop")
    with scoped([account.pk]):
        source = Source.objects.create(account=account, provider=provider, title="Shop", **more)
        if secret is not None:
            endpoints.give_api_secret(source, secret)
    return int(source.pk)


@contextmanager
def toast(answer: Callable[[Request], Said], monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    """Play Toast for the length of a block."""
    with playing(answer) as played:
        client = played.client("ws-api.toasttab.com")
        monkeypatch.setattr(source_checking, "Client", lambda: client)
        yield played


def check(number: int) -> tuple[int, list[dict[str, Any]]]:
    """Run the command; return its exit code and what it found."""
    out, code = StringIO(), 0
    try:
        call_command("source", "check", str(number), "--json", stdout=out)
    except SystemExit as stopped:
        code = int(str(stopped.code))
    return code, json.loads(out.getvalue())["checks"]


def test_an_api_that_lets_us_in_is_asked_once_and_nothing_is_staged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = connected(secret=SECRET, settings={"restaurant": RESTAURANT})

    def answer(request: Request) -> Said:
        return LET_IN if request.path == LOGIN else Said(200, [])

    with toast(answer, monkeypatch) as played:
        found = check(number)

    assert found == (0, [{"kind": "order", "ok": True, "error": None}])
    assert played.paths == [LOGIN, "/orders/v2/ordersBulk"]
    with scoped(Account.objects.values_list("pk", flat=True)):
        assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said(401, {}), ["access is refused", "--kind api"]),
        (Said(429, {}, {"Retry-After": "9"}), ["asked to wait"]),
        (Said(500, {}), ["answer 500"]),
        (Said(200, {}), ["holds no token"]),
    ],
)
def test_one_that_does_not_is_said_with_what_to_do(
    said: Said, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = connected(secret=SECRET, settings={"restaurant": RESTAURANT})

    with toast(lambda _: said, monkeypatch):
        code, (one,) = check(number)

    assert (code, one["ok"]) == (1, False)
    assert all(word in one["error"] for word in words)
    assert SECRET not in one["error"]


@pytest.mark.parametrize(
    ("secret", "settings", "words"),
    [
        (None, {"restaurant": RESTAURANT}, ["no secret of the API", "source secret"]),
        (SECRET, {}, ["restaurant", "source set"]),
    ],
)
def test_what_is_not_set_is_named_and_nothing_is_asked(
    secret: str | None, settings: dict[str, str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = connected(secret=secret, settings=settings)

    with toast(lambda _: LET_IN, monkeypatch) as played:
        code, (one,) = check(number)

    assert (code, played.paths) == (1, [])
    assert all(word in one["error"] for word in words)


def test_a_provider_without_a_list_and_an_app_are_told_so() -> None:
    number = connected("standard", secret=None)
    with scoped(Account.objects.values_list("pk", flat=True)):
        app = Source.objects.create(
            account=Account.objects.get(), provider="stripe", title="Platform", is_app=True
        )

    for one, word in ((number, "no list"), (app.pk, "its merchants are"), (404, "source list")):
        with pytest.raises(CommandError, match=word):
            call_command("source", "check", str(one))
