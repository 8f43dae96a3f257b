"""How Toast is asked for orders that were lost (doc.toasttab.com, orders API 2.8, read 2026-11)."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

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
)
from integrations.clocks import utc_text

#: The most orders on a page.
PAGE = 100
#: After the last of five deliveries a lost event is never sent again.
_WINDOW = 3600.0


def read_restaurant(text: str) -> str:
    """Return the GUID of a restaurant. Raises ValueError."""
    return str(UUID(text.strip()))


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host of the production API."""
    return "ws-api.toasttab.com"


def page(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the orders that changed in a window; a cursor is the number of a page."""
    return Call(
        path="/orders/v2/ordersBulk",
        query=(
            ("startDate", _written(utc_text(window.since))),
            ("endDate", _written(utc_text(window.until))),
            ("page", cursor or "1"),
            ("pageSize", str(PAGE)),
        ),
        headers={
            "authorization": f"Bearer {asked.secret}",
            "toast-restaurant-external-id": str(asked.settings["restaurant"]),
        },
    )


def _written(time: str) -> str:
    return time.replace("Z", "+0000")


def cursor_of(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the number of the next page; a page that is not full is the last."""
    if not isinstance(reply.body, list) or len(reply.body) < PAGE:
        return None
    return str(int(cursor or "1") + 1)


def log_in(secret: str, /) -> Call:
    """Ask for a token: for a day in production, and the requests for one are limited."""
    name, word = client_in(secret)
    body = {"clientId": name, "clientSecret": word, "userAccessType": "TOAST_MACHINE_CLIENT"}
    return Call(
        path="/authentication/v1/authentication/login",
        method="POST",
        headers={"Content-Type": "application/json"},
        body=json.dumps(body).encode(),
    )


def access(body: Any, /) -> Access | None:
    """Read the token and its seconds."""
    inside = body.get("token") if isinstance(body, dict) else None
    return access_in(inside, "accessToken", "expiresIn")


API = Api(
    host=host_of,
    budget=Budget(units=4, seconds=1),
    reads={},
    # By number of page alone: within an hour few orders change, and leave it, meanwhile.
    lists={"order": Listing(page, cursor_of, longest=timedelta(hours=1))},
    secret_form=CLIENT,
    login=Login(call=log_in, access=access),
    requires={"restaurant": "GUID ресторана / the GUID of the restaurant"},
    window=_WINDOW,
)
