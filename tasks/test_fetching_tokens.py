"""Logging in: a secret becomes a token, once, and again when the token is over."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.models import Source
from accounts.rls import scoped
from integrations.asking import Access, Asked, Call, Login, access_in
from integrations.contract import Provider
from tasks.fetching import tokens
from tasks.fetching.failures import Cause, Failed
from tasks.fetching.tokens import Token
from tasks.fetching.work import Work
from tasks.models import Fetch
from tasks.pipeline import settle
from tests.played import Request, Said, ask_all, due_reads, playing, turn_until, working
from tests.settling import put
from tests.thin import HOST, SECRET, Crm, answers_of, make_thin, reads, told, with_api

pytestmark = pytest.mark.django_db(transaction=True)

DOOR = "login.thin.example"


def _log_in(secret: str) -> Call:
    return Call(path="/login", method="POST", body=json.dumps({"key": secret}).encode())


LOGIN = Login(call=_log_in, access=lambda body: access_in(body, "token", "lives"), host=DOOR)
PROVIDERS: Mapping[str, Provider] = with_api(login=LOGIN)


@dataclass(slots=True)
class Doors:
    """A CRM that lets in who has the token of the latest login. ``lives`` in seconds."""

    crm: Crm
    lives: Any = 3600
    good: str = SECRET
    valid: str = ""
    logins: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Said:
        """Answer a login, or what is asked with a token."""
        if request.path == "/login":
            return self._login(request)
        if request.headers.get("authorization") != f"Bearer {self.valid}":
            return Said(401, {})
        proof = {**request.headers, "authorization": f"Bearer {SECRET}"}
        return self.crm(replace(request, headers=proof))

    def _login(self, request: Request) -> Said:
        if json.loads(request.body)["key"] != self.good or "authorization" in request.headers:
            return Said(400, {"error": "invalid_grant"})
        with self.lock:
            self.logins += 1
            self.valid = f"token-{self.logins}"
        return Said(200, {"token": self.valid, "lives": self.lives})


def doors(count: int, **more: Any) -> Doors:
    deals = {str(n): {"id": str(n), "total": "1.00", "updated": n} for n in range(count)}
    return Doors(Crm(deals), **more)


def hear(source: Source, numbers: range) -> None:
    settle(put(source, *(told(f"e{n}", n) for n in numbers)), providers=PROVIDERS)


def ask(doors: Doors) -> None:
    with playing(doors) as played:
        ask_all(PROVIDERS, played.client(HOST, DOOR))


def test_many_objects_are_asked_for_at_once_with_one_login() -> None:
    source = make_thin()
    hear(source, range(20))
    api = doors(20)

    ask(api)

    assert len(answers_of(source)) == 20
    assert api.logins == 1


def test_a_secret_that_is_a_token_itself_is_taken_as_it_is_and_its_end_needs_a_person() -> None:
    providers = with_api(login=replace(LOGIN, is_token=lambda secret: secret == SECRET))
    source = make_thin()
    hear(source, range(1))
    api = doors(1, valid=SECRET)

    with playing(api) as played:
        ask_all(providers, played.client(HOST, DOOR))
        api.valid = "another"
        hear(source, range(1, 2))
        ask_all(providers, played.client(HOST, DOOR))

    assert (len(answers_of(source)), api.logins) == (1, 0)
    (row,) = reads(source)
    assert "access is refused" in str(row.last_error)


def test_what_is_staged_and_kept_holds_neither_secret_nor_token() -> None:
    source = make_thin()
    hear(source, range(1))
    api = doors(1)

    ask(api)

    (answer,) = answers_of(source)
    kept = bytes(answer.body) + str(answer.headers).encode()
    assert api.valid.encode() not in kept
    assert SECRET.encode() not in kept


def turn_to_the_end(work: Work) -> None:
    turn_until(work, lambda: not work.running and not due_reads())


def due_again(source: Source) -> None:
    with scoped([source.account_id]):
        Fetch.objects.filter(source=source).update(due_at=Now())


def test_a_token_that_is_over_is_made_anew_and_nothing_is_lost() -> None:
    source = make_thin()
    hear(source, range(3))
    api = doors(6)

    with playing(api) as played, working(PROVIDERS, played.client(HOST, DOOR), threads=1) as work:
        turn_to_the_end(work)
        api.valid = "revoked"
        hear(source, range(3, 4))
        turn_to_the_end(work)
        (row,) = reads(source)
        due_again(source)
        turn_until(work, lambda: not reads(source))

    assert "a new one is asked for" in str(row.last_error)
    assert len(answers_of(source)) == 4
    assert api.logins == 2


def test_a_token_is_renewed_before_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_SHORTEST", 0.0)
    source = make_thin()
    hear(source, range(3))
    short, long = doors(3, lives=int(tokens._EARLY)), doors(3, lives=int(tokens._EARLY) + 60)

    ask(short)
    hear(source, range(3, 6))
    ask(long)

    assert short.logins == 3
    assert long.logins == 1


def test_two_sources_of_one_account_log_in_once_and_two_accounts_twice() -> None:
    one, twin, other = make_thin("a"), make_thin("b"), make_thin("c", secret="another-key")
    for source in (one, twin, other):
        hear(source, range(2))
    asked: Counter[str] = Counter()

    def answer(request: Request) -> Said:
        if request.path != "/login":
            return Said(200, {"id": "1", "total": "1.00"})
        asked[json.loads(request.body)["key"]] += 1
        return Said(200, {"token": "good", "lives": 3600})

    with playing(answer) as played:
        ask_all(PROVIDERS, played.client(HOST, DOOR))

    assert asked == {SECRET: 1, "another-key": 1}


@pytest.mark.parametrize(
    ("said", "told_so"),
    [
        (Said(400, {"error": "invalid_grant"}), "access is refused"),
        (Said(401, {}), "access is refused"),
        (Said(403, {}), "access is refused"),
        (Said(429, {}, {"Retry-After": "7"}), "asked to wait"),
        (Said(500, {}), "answer 500"),
        (Said(404, {}), "holds no token"),
        (Said(200, {}), "holds no token"),
        (Said(200, b"<html>"), "no JSON"),
        (Said(200, {"token": "", "lives": 60}), "holds no token"),
        (Said(200, {"token": "a b\r\nX: y", "lives": 60}), "holds no token"),
        (Said(200, {"token": "good", "lives": "60"}), "holds no token"),
        (Said(200, {"token": "good", "lives": -1}), "holds no token"),
        (Said(200, {"token": "good", "lives": True}), "holds no token"),
        (Said(302, {}, {"Location": "http://127.0.0.1/"}), "answer 302"),
    ],
)
def test_without_a_token_nothing_is_asked_and_the_read_waits(said: Said, told_so: str) -> None:
    source = make_thin()
    hear(source, range(1))

    with playing(lambda _: said) as played:
        ask_all(PROVIDERS, played.client(HOST, DOOR))

    (row,) = reads(source)
    assert told_so in str(row.last_error)
    assert SECRET not in str(row.last_error)
    assert {*played.paths} == {"/login"}


def test_a_secret_of_another_form_is_named_and_nothing_is_asked() -> None:
    source = make_thin()
    hear(source, range(1))

    def strict(secret: str) -> Call:
        raise ValueError(secret)

    with playing(lambda _: Said(500)) as played:
        ask_all(with_api(login=replace(LOGIN, call=strict)), played.client(HOST, DOOR))

    (row,) = reads(source)
    assert "another form" in str(row.last_error)
    assert f"source secret {source.pk} --kind api" in str(row.last_error)
    assert SECRET not in str(row.last_error)
    assert played.paths == []


def test_what_a_good_token_does_not_open_is_refused_and_not_asked_with_new_ones() -> None:
    source = make_thin()
    hear(source, range(1))

    def answer(request: Request) -> Said:
        return Said(200, {"token": "good", "lives": 60}) if request.path == "/login" else Said(403)

    with playing(answer) as played:
        ask_all(PROVIDERS, played.client(HOST, DOOR))

    (row,) = reads(source)
    assert "--kind api" in str(row.last_error)
    assert played.paths == ["/login", "/deals/0"]


def test_no_text_of_what_we_ask_with_shows_the_secret() -> None:
    told = (Access("a-token", 60), Asked("deal", "1", {}, "a-token"), Token())

    assert not [one for one in told if "a-token" in f"{one!r} {one}"]


def test_a_login_that_fails_leaves_no_token_behind() -> None:
    token = Token()

    def broken() -> Access:
        raise Failed(Cause.FAILED, "no")

    with pytest.raises(Failed):
        token.text(broken)

    assert token.text(lambda: Access("second", 600)) == "second"
    assert token.text(lambda: Access("third", 600)) == "second"
