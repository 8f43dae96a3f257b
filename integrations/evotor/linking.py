"""How a merchant is linked to an app: the calls that Evotor's cloud makes, and what they get.

The app's token proves a call, so the user it names is Evotor's statement. It proves nothing else:
a user's token is given where the app is open to whoever installs it, or for a login and password
that were given out. No call connects anybody to an account: only a person does.
"""

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from integrations.contract import Answer, Brought, Called, Delivery, PayloadUnrecognised, Secret
from integrations.reading import parse_json
from integrations.schemes import call_of, is_user, user_token

CREATE, VERIFY, TOKEN = "user/create", "user/verify", "user/token"
#: What the app is told of itself: no sales.
NOTES: Mapping[str, str] = {
    "subscription/event": "subscription",
    "installation/event": "installation",
}
#: Proven by the app's token alone.
OWN_CALLS = frozenset({CREATE, VERIFY, TOKEN, *NOTES})
REGISTRATION = "registration"
OPEN, CLOSED = "open", "closed"
#: A call is a short form: six fields at most are asked for.
_LONGEST_FORM = 16_384
#: The name of today, and the one of 2017.
_USER_NAMES = ("userId", "userUuid")
_JSON = "application/json; charset=utf-8"
#: As long as a source's API secret may be, and as plain.
_TOKEN = re.compile(r"[!-~]{1,4000}")
_LOGIN = re.compile(r"[a-z0-9._@-]{1,64}")
_PASSWORD_GROUPS = range(0, 20, 5)

_Form = Mapping[str, Any]


class _Wrong(Exception):
    """A call is not as documented; ``answer`` is the documented error."""

    def __init__(self, status: HTTPStatus, code: int, **more: str) -> None:
        super().__init__(str(code))
        self.answer = _answer({"errors": [{"code": code, **more}]}, status)


def respond(called: Called) -> Answer | None:
    """Return what a call gets; None for all that is no call."""
    serve = _SERVED.get(call_of(called.delivery.path))
    if serve is None:
        return None
    try:
        return serve(_form(called.delivery.body), called)
    except _Wrong as wrong:
        return wrong.answer


def refusal(path: str) -> Answer:
    """Return the 401 for a path: 1001 is the app's token, 1002 a user's."""
    code = 1001 if call_of(path) in OWN_CALLS else 1002
    return _Wrong(HTTPStatus.UNAUTHORIZED, code).answer


def brings(delivery: Delivery) -> Brought | None:
    """Return the token of Evotor's API for a user, where a call hands it over."""
    if call_of(delivery.path) != TOKEN:
        return None
    try:
        form = _form(delivery.body)
        return Brought(_user(form)[1], _token(form))
    except _Wrong:
        return None


def invite(login: str, secret: Secret) -> str:
    """Return the password of a login: 100 bits. Raises ValueError for what is no login."""
    if not _LOGIN.fullmatch(login):
        raise ValueError(login)
    # No user can be named so: none holds a NUL.
    digest = hmac.digest(secret.value.encode(), f"invite\0{login}".encode(), "sha256")
    letters = base64.b32encode(digest).decode().lower()
    return "-".join(letters[start : start + 5] for start in _PASSWORD_GROUPS)


def read_registration(text: str) -> str:
    """Return ``open`` or ``closed``. Raises ValueError."""
    word = text.strip().lower()
    if word not in (OPEN, CLOSED):
        raise ValueError(text)
    return word


def user_of(payload: Any) -> str | None:
    """Return the user that a parsed call names, None where it names none."""
    try:
        return _user(payload)[1] if isinstance(payload, dict) else None
    except _Wrong:
        return None


def _create(form: _Form, called: Called) -> Answer:
    name, user = _user(form)
    if called.settings.get(REGISTRATION) != OPEN:
        raise _Wrong(HTTPStatus.CONFLICT, 2005)
    return _answer({name: user, "token": user_token(user, called.secrets[0])})


def _verify(form: _Form, called: Called) -> Answer:
    name, user = _user(form)
    if not _is_invited(_text(form, "username"), _text(form, "password"), called.secrets):
        raise _Wrong(HTTPStatus.UNAUTHORIZED, 1006)
    token = user_token(user, called.secrets[0])
    # Billing is Evotor's.
    return _answer({name: user, "hasBilling": False, "token": token})


def _receive(form: _Form, called: Called) -> None:
    _user(form)
    _token(form)


_SERVED: Mapping[str, Callable[[_Form, Called], Answer | None]] = {
    CREATE: _create,
    VERIFY: _verify,
    TOKEN: _receive,
}


def _form(body: bytes) -> _Form:
    try:
        found = parse_json(body) if len(body) <= _LONGEST_FORM else None
    except PayloadUnrecognised:
        found = None
    if not isinstance(found, dict):
        raise _Wrong(HTTPStatus.BAD_REQUEST, 2001)
    return found


def _text(form: _Form, name: str) -> str:
    found = form.get(name)
    if found is None or found == "":
        raise _Wrong(HTTPStatus.BAD_REQUEST, 2002, reason="missing", subject=name)
    if not isinstance(found, str):
        raise _incorrect(name)
    return found


def _user(form: _Form) -> tuple[str, str]:
    """Return under which name a user is told, and the user."""
    name = next((one for one in _USER_NAMES if one in form), _USER_NAMES[0])
    user = _text(form, name)
    if not is_user(user):
        raise _incorrect(name)
    return name, user


def _token(form: _Form) -> str:
    token = _text(form, "token")
    if not _TOKEN.fullmatch(token):
        raise _incorrect("token")
    return token


def _incorrect(name: str) -> _Wrong:
    # Without the value: it may be a secret.
    return _Wrong(HTTPStatus.BAD_REQUEST, 2003, reason="incorrect", subject=name)


def _is_invited(username: str, password: str, secrets: Sequence[Secret]) -> bool:
    login = username.strip().lower()
    if not _LOGIN.fullmatch(login):
        return False
    given = _bare(password)
    fits = [hmac.compare_digest(given, _bare(invite(login, one))) for one in secrets if one.value]
    return any(fits)


def _bare(password: str) -> bytes:
    """Return a password as it is compared: however it was spaced, and whatever its case."""
    return "".join(password.split()).replace("-", "").lower().encode()


def _answer(value: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Answer:
    return Answer(json.dumps(value).encode(), _JSON, status)
