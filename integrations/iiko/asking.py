"""How iiko's cloud is asked for deliveries that were lost (schema of iikoCloud API, read 2026-11).

Orders of tables cannot be listed by time alone: the one call for them asks for the tables' ids.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from integrations.asking import (
    Access,
    Api,
    Asked,
    Budget,
    Call,
    Listing,
    Login,
    Reply,
    SecretForm,
    Window,
    access_for,
)
from integrations.clocks import anywhere
from integrations.hosts import read_account

from .orders import DELIVERY

_RUSSIAN = "api-ru.iiko.services"
_DOMAINS = (".iiko.services", ".syrve.live")
#: An answer has no pages: a day of deliveries, and what another zone makes of its ends.
_LONGEST = timedelta(days=1)
#: A token lives for an hour, and no answer says so.
_HOUR = 3600.0


def read_organization(text: str) -> str:
    """Return the id of an organization. Raises ValueError."""
    return str(UUID(text.strip()))


def read_api_host(text: str) -> str:
    """Return the host of the account's cloud: ``api-ru``, the whole name, or its address.

    Raises ValueError.
    """
    return read_account(text, _DOMAINS)


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host: set by a person, or the Russian one."""
    return str(settings.get("api_host", _RUSSIAN))


def log_in(secret: str, /) -> Call:
    """Ask for a token: by an apiLogin, or by ``appId:clientSecret:apiKey`` of an application.

    Raises ValueError.
    """
    parts = secret.split(":")
    names = _FORMS.get(len(parts))
    if names is None or not all(parts):
        raise ValueError
    path, fields = names
    return _posted(path, dict(zip(fields, parts, strict=True)))


#: Parts of a secret → where it is taken, and as what.
_FORMS: Mapping[int, tuple[str, tuple[str, ...]]] = {
    1: ("/api/1/access_token", ("apiLogin",)),
    3: ("/api/v2/access_token", ("appId", "clientSecret", "apiKey")),
}


def access(body: Any, /) -> Access | None:
    """Read the token."""
    return access_for(body, "token", _HOUR)


def page(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the deliveries of a stretch, in every state; their dates are the terminal's own."""
    since, until = anywhere(window.since, window.until)
    body = {
        "organizationIds": [asked.settings["organization"]],
        "deliveryDateFrom": _local(since),
        "deliveryDateTo": _local(until),
        "statuses": list(DELIVERY),
    }
    headers = {"Authorization": f"Bearer {asked.secret}"}
    return _posted("/api/1/deliveries/by_delivery_date_and_status", body, headers)


def _local(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.000")


def _posted(path: str, body: Any, headers: Mapping[str, str] | None = None) -> Call:
    return Call(
        path=path,
        method="POST",
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(body).encode(),
    )


def following(reply: Reply, cursor: str | None, /) -> str | None:
    """Return that there is no other page."""
    return None


API = Api(
    host=host_of,
    budget=Budget(units=1, seconds=1),
    reads={},
    lists={"delivery": Listing(page, following, longest=_LONGEST, nested=1)},
    secret_form=SecretForm(
        log_in,
        "apiLogin или appId:clientSecret:apiKey",
        "an apiLogin, or appId:clientSecret:apiKey",
    ),
    login=Login(call=log_in, access=access),
    requires={"organization": "код организации (organizationId) / the organization's id"},
)
