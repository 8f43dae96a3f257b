"""How a provider's API is asked, as data and pure functions; ``tasks/fetching`` makes the calls.

A provider that only names what changed, or can list what was lost, declares ``Provider.api``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlencode

#: A token may be a JWT, and stands in a header.
_LONGEST_TOKEN = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a provider's API: everything but the host, which is never a body's to say.

    ``path`` is absolute; ``units`` is what the call costs of the provider's budget.
    """

    path: str
    query: Sequence[tuple[str, str]] = ()
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    units: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API answered: its status, headers with lower-case names, and parsed JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call is built from: the object, the source's settings, and its API secret, or the
    token that was given for it."""

    kind: str
    external_id: str
    settings: Mapping[str, Any]
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a list to page through: what changed from ``since`` until ``until``."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Access:
    """A token that lets calls in, and for how many seconds from now."""

    token: str = field(repr=False)
    seconds: float


def _never(_secret: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How an API secret becomes a token: kept in memory alone, and made anew when it is over.

    ``call`` is made from the secret, and raises ValueError for one of another form; it goes to the
    API's own host unless ``host`` names another. ``is_token`` knows a secret that needs none of it.
    ``access`` reads the answer's body; None where it lets nobody in. An ``Asked`` then carries the
    token, not the secret.
    """

    call: Callable[[str], Call]
    access: Callable[[Any], Access | None]
    host: str | None = None
    #: Whether a secret is a token itself, for providers that have given out both.
    is_token: Callable[[str], bool] = _never


class NextCall(Protocol):
    def __call__(self, asked: Asked, replies: Sequence[Reply], /) -> Call | None:
        """Return the next request for one object, None where the replies are complete."""


@dataclass(frozen=True, slots=True)
class Listing:
    """How a list is paged through. A cursor is a short text of the provider's own making (an
    offset, the last id), kept between pages so that an interrupted walk goes on.

    ``call`` builds the request for the page behind a cursor (None is the first); ``cursor`` reads
    from its reply where the next page begins, None at the end of the list.
    """

    call: Callable[[Asked, Window, str | None], Call]
    cursor: Callable[[Reply, str | None], str | None]
    #: The longest window that may be asked for at once, where there is one.
    longest: timedelta | None = None
    #: How many lists stand around that of its items: orders grouped by shop have one.
    nested: int = 0
    #: How far back it goes, where what is older is simply not in it: to ask for more is refused,
    #: for an empty list would look like "nothing was lost".
    reaches: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one account of a provider may ask: units per window (seconds), and at once."""

    units: int
    seconds: float
    at_once: int = 1


def next_offset(found: int, cursor: str | None, *, page: int, again: int) -> str | None:
    """Return the offset of the page behind one with so many items, for lists that know no cursor;
    None where it was not full. ``again`` of a page are asked for once more with the next: what
    leaves its place meanwhile moves the others up."""
    return str(int(cursor or 0) + page - again) if found >= page else None


def client_in(secret: str) -> tuple[str, str]:
    """Return the id and the secret of a client from ``id:secret``. Raises ValueError."""
    name, colon, word = secret.partition(":")
    if not (name and colon and word):
        raise ValueError
    return name, word


def client_credentials(secret: str, path: str) -> Call:
    """Ask for a token as OAuth's client credentials do (RFC 6749, 4.4), from ``id:secret``, both in
    the form. Raises ValueError."""
    name, word = client_in(secret)
    return posted_form(
        path,
        {"grant_type": "client_credentials", "client_id": name, "client_secret": word},
    )


def posted_form(path: str, fields: Mapping[str, str]) -> Call:
    """Return the call that posts a form."""
    return Call(
        path=path,
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields).encode(),
    )


@dataclass(frozen=True, slots=True)
class SecretForm:
    """What an API secret looks like, so that a slip shows when it is typed and not by a 401.

    ``read`` raises ValueError for one of another form; the words say what is expected instead.
    """

    read: Callable[[str], object]
    russian: str
    english: str


CLIENT = SecretForm(client_in, "код клиента:его ключ", "the client's id:its key")


def access_in(body: Any, token: str, seconds: str) -> Access | None:
    """Return what lets calls in, under the names of the token and of its seconds; None where one
    of them is not there, or impossible."""
    lives = body.get(seconds) if isinstance(body, dict) else None
    if type(lives) is not int or not 0 < lives < 10**9:
        return None
    return access_for(body, token, float(lives))


def access_for(body: Any, token: str, seconds: float) -> Access | None:
    """Return what lets calls in for so many seconds, where no answer says for how many; None where
    the token is not there, or impossible."""
    text = body.get(token) if isinstance(body, dict) else None
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_TOKEN:
        return None
    return Access(text, seconds) if text.isascii() and text.isprintable() else None


def status_as_sent(reply: Reply) -> int:
    """Return the status that an answer came with."""
    return reply.status


def missing_by_status(reply: Reply) -> bool:
    """Say whether an answer means that the object is gone: 404 or 410."""
    return reply.status in (404, 410)


def never_missing(reply: Reply) -> bool:
    """Say no: where only lists are asked for, a 404 is an error and not the end of one."""
    return False


def pause_by_header(reply: Reply) -> float | None:
    """Return for how many seconds to ask nothing, where ``Retry-After`` says so: in seconds, or as
    a time, which is as far away as it is from the answer's own ``Date``."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 7:
        return float(text)
    then, now = (http_date(one) for one in (text, reply.headers.get("date", "")))
    return None if then is None or now is None else max((then - now).total_seconds(), 0.0) or None


def http_date(text: str) -> datetime | None:
    """Return the time that a header such as ``Date`` holds, None where it holds none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """How a provider is asked: pure functions and limits as data; the calls are made elsewhere.

    ``host`` gives the host from the source's settings, as pinned as the provider allows. An answer
    is read by the normaliser of ``<kind>.read``, one that says that the object is gone by
    ``<kind>.missing``, a page of a list by ``<kind>.listed``. Only the first reply can say that
    the object is gone: of what belongs to it, "missing" is a ``null`` among the answers, and a
    ``Reply`` without a body.
    """

    host: Callable[[Mapping[str, Any]], str]
    budget: Budget
    reads: Mapping[str, NextCall]
    lists: Mapping[str, Listing] = field(default_factory=dict)
    #: What status an answer means, for those who write an error into the body of a 200: with
    #: 401, 403, 404 or 429 it is then treated like an answer of theirs.
    status: Callable[[Reply], int] = status_as_sent
    missing: Callable[[Reply], bool] = missing_by_status
    pause: Callable[[Reply], float | None] = pause_by_header
    #: Settings without which nothing can be asked (a portal's domain): name → what it is.
    requires: Mapping[str, str] = field(default_factory=dict)
    #: Whether the API needs a secret of kind ``api``.
    needs_secret: bool = True
    #: What the secret has to look like, where it is no single word.
    secret_form: SecretForm | None = None
    #: How the secret becomes a token, for those who do not take the secret itself.
    login: Login | None = None
    #: Kind of entity → kind of read: what to ask for where two events tell an entity in two ways
    #: as of one and the same clock.
    ties: Mapping[str, str] = field(default_factory=dict)
    #: Whether only what a list has found is read: the events themselves say all they know.
    only_lost: bool = False
    #: Seconds that the clock lists again and again, for senders that never repeat a lost webhook.
    window: float | None = None

    @property
    def is_needed(self) -> bool:
        """Say whether sales wait for what it answers: else it only finds what was lost."""
        return bool(self.reads) and not self.only_lost
