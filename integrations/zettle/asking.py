"""How Zettle is asked for purchases that were lost (authorization and purchase.adoc of
github.com/iZettle/api-documentation, read 2026-11)."""

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
    access_in,
    client_in,
    posted_form,
)

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: The most purchases on a page are 1000; one of a page holds all of its products.
_PAGE = 200
_MINUTE = timedelta(minutes=1)
#: Purchases of the last three years are there.
_LONGEST = timedelta(days=92)


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host of the purchases."""
    return "purchase.izettle.com"


def log_in(secret: str, /) -> Call:
    """Exchange an API key, which lives until it is revoked, for a token of two hours."""
    name, key = client_in(secret)
    fields = {"grant_type": _GRANT, "client_id": name, "assertion": key}
    return posted_form("/token", fields)


def access(body: Any, /) -> Access | None:
    """Read the token and its seconds."""
    return access_in(body, "access_token", "expires_in")


def page(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the purchases of a window, oldest first; a cursor is the hash of the last one."""
    since, until = (_minute(at) for at in (window.since, window.until + _MINUTE))
    behind = () if cursor is None else (("lastPurchaseHash", cursor),)
    return Call(
        path="/purchases/v2",
        query=(("startDate", since), ("endDate", until), ("limit", str(_PAGE)), *behind),
        headers={"Authorization": f"Bearer {asked.secret}"},
    )


def _minute(time: datetime) -> str:
    """Write a time as the examples do, in UTC: nothing finer than a minute is promised."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def following(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the hash behind which the next page is; an empty page is the end."""
    if not isinstance(reply.body, dict) or not reply.body.get("purchases"):
        return None
    found = reply.body.get("lastPurchaseHash")
    return found if isinstance(found, str) and found != cursor else None


API = Api(
    host=host_of,
    budget=Budget(units=2, seconds=1),
    reads={},
    lists={"purchase": Listing(page, following, longest=_LONGEST)},
    secret_form=CLIENT,
    login=Login(call=log_in, access=access, host="oauth.zettle.com"),
)
