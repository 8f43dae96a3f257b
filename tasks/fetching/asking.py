"""One object asked for, call by call, over a line to its account at the provider."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.asking import Access, Api, Asked, Call, Login, Reply, Window, http_date
from integrations.contract import PayloadUnrecognised
from integrations.reading import parse_json

from .. import metrics
from .failures import Cause, Failed
from .gate import Gate
from .http import Client, Raw
from .tokens import Token

#: Calls that one object may take; more is a mistake of its provider's reading.
_MOST_CALLS = 50
_OK = range(200, 300)
_REFUSED = frozenset({401, 403})
_TOO_MANY = 429
#: What OAuth answers to a secret that is none (RFC 6749, 5.2).
_BAD_REQUEST = 400
_CLOSED = "доступ закрыт, дайте новый / access is refused, give a new one"
_NO_TOKEN = "в ответе на вход нет токена / the answer to a log-in holds no token"  # noqa: S105 - words
_OTHER_FORM = "ключ API не того вида / the secret of the API is of another form"
_OVER = "токен больше не действует, возьмём новый / the token is over, a new one is asked for"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered for one object or page: JSON texts, and the provider's own date."""

    outcome: str
    texts: tuple[bytes, ...]
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """How one source's account is reached: host, secret and settings, budget. ``source`` names it
    in what people are told."""

    source: int
    provider: str
    api: Api
    host: str
    secret: str = field(repr=False)
    settings: Mapping[str, Any]
    gate: Gate
    token: Token
    client: Client

    def asked(self, kind: str, external_id: str, *, until: float) -> Asked:
        """Return what a call for an object is built from; log in where that takes a token.

        Raises Failed.
        """
        login = self.api.login
        proof = self.secret if login is None else self.token.text(lambda: self._enter(login, until))
        return Asked(kind, external_id, self.settings, proof)

    def call(self, call: Call, *, until: float) -> tuple[Reply, Raw]:
        """Make one call within the budget; its reply is a good one, or says "missing".

        Raises Failed.
        """
        raw = self._sent(self.host, call, until)
        sent = Reply(raw.status, raw.headers, _parsed(raw))
        reply = replace(sent, status=self.api.status(sent))
        try:
            self._heed(reply, raw)
        except Failed as failed:
            # Without a login it is the secret itself that was refused.
            if failed.cause is Cause.REFUSED and self.token.refused() and self.api.login:
                raise Failed(Cause.FAILED, _OVER) from failed
            raise
        self.token.answered()
        return reply, raw

    def _sent(self, host: str, call: Call, until: float) -> Raw:
        with self.gate.entered(call.units, until=until):
            try:
                return self.client.send(host, call)
            except Failed:
                self.gate.failed()
                raise

    def _enter(self, login: Login, until: float) -> Access:
        """Exchange the secret for a token. Raises Failed, without a word of the answer."""
        try:
            call = login.call(self.secret)
        except ValueError:
            raise Failed(Cause.SETTING, self._refused(_OTHER_FORM)) from None
        raw = self._sent(login.host or self.host, call, until)
        status = 401 if raw.status == _BAD_REQUEST else raw.status
        body = _parsed(raw)
        self._heed(Reply(status, raw.headers, body), raw)
        access = login.access(body)
        if access is None:
            self.gate.failed()
            raise Failed(Cause.FAILED, _NO_TOKEN)
        return access

    def _heed(self, reply: Reply, raw: Raw) -> None:
        """Pause the account where the reply says so. Raises Failed where it is no answer."""
        pause = self.api.pause(reply)
        if pause:
            self.gate.pause(pause)
        if reply.status in _OK or self.api.missing(reply):
            self.gate.answered()
            if reply.status in _OK and raw.body.strip() and reply.body is None:
                _strictly(raw.body)
            return
        if pause or reply.status == _TOO_MANY:
            wait = pause or max(self.api.budget.seconds, 5.0)
            self.gate.pause(wait)
            raise Failed(
                Cause.BUSY, f"{reply.status}: просят подождать / asked to wait", pause=wait
            )
        self.gate.failed()
        if reply.status in _REFUSED:
            raise Failed(Cause.REFUSED, self._refused(f"{reply.status}: {_CLOSED}"))
        raise Failed(Cause.FAILED, f"ответ / answer {reply.status}")

    def _refused(self, why: str) -> str:
        if self.api.needs_secret:
            return f"{why}: manage.py source secret {self.source} --kind api --secret -"
        names = ", ".join(self.api.requires) or "…"
        return f"{why}: manage.py source set {self.source} --setting ({names})"


def ask(line: Line, kind: str, external_id: str, *, until: float) -> Answer:
    """Ask for one object with all the calls it takes, until a time (monotonic seconds).

    The object is missing where its first reply says so; a later reply that does becomes a null,
    for the provider to make sense of. Raises Failed.
    """
    next_call = line.api.reads.get(kind)
    if next_call is None:
        raise Failed(Cause.FAILED, f"не умеем читать «{kind}» / {kind!r} cannot be read")
    asked = line.asked(kind, external_id, until=until)
    replies: list[Reply] = []
    texts: list[bytes] = []
    date: datetime | None = None
    while (call := next_call(asked, tuple(replies))) is not None:
        if len(replies) == _MOST_CALLS or time.monotonic() > until:
            raise Failed(Cause.FAILED, "слишком много вызовов / it takes too many calls")
        reply, raw = line.call(call, until=until)
        missing = line.api.missing(reply)
        replies.append(replace(reply, body=None) if missing else reply)
        texts.append(b"null" if missing or reply.body is None else raw.body.strip())
        date = date or date_of(reply)
        if missing and len(replies) == 1:
            metrics.FETCH_CALLS.labels(provider=line.provider, result="missing").inc()
            return Answer("missing", (), date)
        metrics.FETCH_CALLS.labels(provider=line.provider, result="answered").inc()
    return Answer("read", tuple(texts), date)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list, and behind which cursor the next one is; None at the end."""

    answer: Answer
    cursor: str | None


def ask_page(line: Line, kind: str, window: Window, cursor: str | None, *, until: float) -> Listed:
    """Ask for one page of a list, until a time (monotonic seconds). Raises Failed."""
    listing = line.api.lists.get(kind)
    if listing is None:
        raise Failed(Cause.FAILED, f"нет списка «{kind}» / there is no list of {kind!r}")
    call = listing.call(line.asked(kind, "", until=until), window, cursor)
    reply, raw = line.call(call, until=until)
    metrics.FETCH_CALLS.labels(provider=line.provider, result="answered").inc()
    if line.api.missing(reply) or reply.body is None:
        # That is how some say that the list is empty, or over.
        return Listed(Answer("listed", (), date_of(reply)), None)
    following = listing.cursor(reply, cursor)
    if following is not None and following == cursor:
        raise Failed(Cause.FAILED, "список не кончается / the list does not come to an end")
    return Listed(Answer("listed", (raw.body.strip(),), date_of(reply)), following)


def date_of(reply: Reply) -> datetime | None:
    """Return the answer's own ``Date``; None where there is none, or an impossible one."""
    date = http_date(reply.headers.get("date", ""))
    # An impossible date is no date.
    possible = date is not None and abs(date - datetime.now(UTC)) < timedelta(days=1)
    return date if possible else None


def _parsed(raw: Raw) -> Any:
    try:
        return parse_json(raw.body)
    except PayloadUnrecognised:
        return None


def _strictly(body: bytes) -> None:
    """Raise Failed unless the body is JSON (``null`` included)."""
    try:
        parse_json(body)
    except PayloadUnrecognised as error:
        raise Failed(
            Cause.FAILED, f"ответ — не JSON / the answer is no JSON ({error.reason})"
        ) from error
