"""How an organization is asked for opportunities that no message told of, and for their rows (REST
API Developer Guide and the help on the client credentials flow, read 2026-11).

The query is one that finds deleted records as well. What ``nextRecordsUrl`` says is a path with a
locator at its end: the locator is all that is taken of it.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.asking import (
    CLIENT,
    Access,
    Api,
    Asked,
    Budget,
    Call,
    Listing,
    Login,
    Reply,
    Window,
    access_for,
    client_credentials,
    never_missing,
    pause_by_header,
)
from integrations.hosts import read_host

from .records import clock_of

#: Spring '26: a version is served for three years at least.
_PATH = "/services/data/v66.0/queryAll"
#: Seconds that a token lives: no answer says it. The session behind one ends after two hours
#: without a call by default, and 15 minutes is the shortest that an administrator can set.
_LIFE = 900.0
#: A message is lost after a day and never repeated, and none has rows: both are found in the hour.
_WINDOW = 3600.0
#: Seconds to ask nothing for where the day's calls are spent: they come back hour by hour.
_SPENT = 600.0
_SECOND = timedelta(seconds=1)
_PRODUCTION = ".my.salesforce.com"
#: A My Domain of production, or of one of the other kinds of organization.
_DOMAIN = re.compile(
    r"[a-z0-9-]+(?:\.(?:sandbox|develop|scratch|trailblaze|demo|patch|free))?\.my\.salesforce\.com"
)
_CURRENCIES = frozenset({"one", "many"})
_LOCATOR = re.compile(r"/services/data/v[0-9.]{1,8}/query(?:All)?/([0-9A-Za-z]{15,40}-[0-9]{1,9})")
#: What a cursor begins with where the list was begun anew: that is done once.
_ANEW = "+"

#: Both clocks: what is kept has to be read anew by the other one where a source changes its clock.
_FIELDS = (
    "Id, Name, StageName, IsWon, IsClosed, IsDeleted, Amount, CloseDate, CreatedDate,"
    " LastStageChangeDate, OwnerId, AccountId, ContactId, LastModifiedDate, SystemModstamp"
)
_ROWS = (
    "SELECT Id, IsDeleted, Product2Id, Product2.Name, ProductCode, Quantity, UnitPrice, TotalPrice"
    " FROM OpportunityLineItems ORDER BY Id"
)


def read_domain(text: str) -> str:
    """Return the host of an organization's My Domain: its part of the name (then of production),
    the whole name, or the address. Raises ValueError."""
    bare = text.strip()
    host = read_host(bare if "." in bare else f"{bare}{_PRODUCTION}")
    if not _DOMAIN.fullmatch(host):
        raise ValueError(text)
    return host


def read_currencies(text: str) -> str:
    """Return whether an organization has one currency or many. Raises ValueError.

    Only one of many has the field CurrencyIsoCode, and asking for a field that is not there is an
    error: a person has to say.
    """
    found = text.strip()
    if found not in _CURRENCIES:
        raise ValueError(text)
    return found


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host of an organization: set by a person, never taken from a body."""
    return str(settings["domain"])


def log_in(secret: str, /) -> Call:
    """Exchange the key and the secret of an external client app for a token of its run-as user."""
    return client_credentials(secret, "/services/oauth2/token")


def access(body: Any, /) -> Access | None:
    """Read the token, which comes without its seconds; one that ends before is refused once, and
    forgotten."""
    return access_for(body, "access_token", _LIFE)


def page(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the opportunities of a window by the source's one clock, oldest first; a cursor is
    the locator of the rest."""
    locator = (cursor or "").removeprefix(_ANEW)
    return Call(
        path=f"{_PATH}/{locator}" if locator else _PATH,
        query=() if locator else (("q", _query(asked.settings, window)),),
        headers={"Authorization": f"Bearer {asked.secret}"},
    )


def _query(settings: Mapping[str, Any], window: Window) -> str:
    clock = clock_of(settings)
    currency = ", CurrencyIsoCode" if settings.get("currencies") == "many" else ""
    since, until = (_second(at) for at in (window.since, window.until + _SECOND))
    parts = (
        f"SELECT {_FIELDS}{currency}, ({_ROWS})",
        "FROM Opportunity",
        f"WHERE {clock} >= {since} AND {clock} <= {until}",
        f"ORDER BY {clock}, Id",
    )
    return " ".join(parts)


def _second(time: datetime) -> str:
    """Write a time as the documented formats do, which know nothing finer than a second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def following(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the locator of the next page; where the answer says it is done, there is none.

    A locator is served for two days (help, INVALID_QUERY_LOCATOR, 2026-04): behind one that is
    over the list begins anew, once; then the same cursor again is what does not come to an end.
    """
    anew = _ANEW if (cursor or "").startswith(_ANEW) else ""
    if _is_over(reply):
        return cursor if anew else _ANEW
    locator = None if _is_done(reply) else _locator(reply)
    return None if locator is None else anew + locator


def _is_done(reply: Reply) -> bool:
    return isinstance(reply.body, dict) and reply.body.get("done") is True


def _locator(reply: Reply) -> str | None:
    said = reply.body.get("nextRecordsUrl") if isinstance(reply.body, dict) else None
    found = _LOCATOR.fullmatch(said) if isinstance(said, str) else None
    return found[1] if found else None


def status_of(reply: Reply, /) -> int:
    """Return what an answer means: spent calls come as 403, which would say that the secret is no
    good; a locator that is over is heeded by the list; and a page that is not the last and does
    not say where the next one is, is no answer."""
    if _is_spent(reply):
        return 429
    if _is_over(reply):
        return 200
    if reply.status == 200 and not _is_done(reply) and _locator(reply) is None:
        return 502
    return reply.status


def pause_of(reply: Reply, /) -> float | None:
    """Return for how many seconds to ask nothing."""
    return pause_by_header(reply) or (_SPENT if _is_spent(reply) else None)


def _is_spent(reply: Reply) -> bool:
    return "REQUEST_LIMIT_EXCEEDED" in _errors(reply)


def _is_over(reply: Reply) -> bool:
    return "INVALID_QUERY_LOCATOR" in _errors(reply)


def _errors(reply: Reply) -> list[Any]:
    """Return the codes of an answer that is a list of errors."""
    found = reply.body if isinstance(reply.body, list) else ()
    return [one.get("errorCode") for one in found if isinstance(one, dict)]


API = Api(
    host=host_of,
    budget=Budget(units=2, seconds=1),
    reads={},
    lists={"opportunity": Listing(page, following)},
    status=status_of,
    missing=never_missing,
    pause=pause_of,
    requires={
        "domain": "узел My Domain, name.my.salesforce.com / the host of My Domain",
        "currencies": "one или many: сколько в организации валют / one or many, the currencies of"
        " the organization",
    },
    secret_form=CLIENT,
    login=Login(call=log_in, access=access),
    only_lost=True,
    window=_WINDOW,
)
