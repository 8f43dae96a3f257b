"""How Stripe is asked for the events that were lost (docs.stripe.com/api/events/list,
docs.stripe.com/webhooks/process-undelivered-events, docs.stripe.com/pagination and
docs.stripe.com/rate-limits, read 2026-11-28)."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from integrations.asking import (
    Api,
    Asked,
    Budget,
    Call,
    Listing,
    Reply,
    SecretForm,
    Window,
    never_missing,
)
from integrations.clocks import EPOCH

from .payload import READINGS

#: What is asked for: all that states anything. At most 20 types may be named.
TYPES = tuple(sorted(READINGS))
#: The most events on a page.
PAGE = 100
#: Older events are not listed, whatever is asked for.
_KEPT = timedelta(days=30)
_SECOND = timedelta(seconds=1)
_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]{1,100}")


def read_account(text: str) -> str:
    """Return the id of a connected account (``acct_…``). Raises ValueError."""
    found = text.strip()
    if not _ACCOUNT.fullmatch(found):
        raise ValueError(text)
    return found


def read_key(text: str) -> str:
    """Return a key of the API, restricted or not: neither a public key nor a signing secret.

    Raises ValueError.
    """
    if not text.startswith(("rk_", "sk_")):
        raise ValueError
    return text


def host_of(settings: Mapping[str, Any]) -> str:
    """Return the host of the API. Raises ValueError where the merchant's account is none: what
    was written when he was connected to an app is nobody's reading until then."""
    account = settings.get("account")
    if account:
        read_account(account)
    return "api.stripe.com"


def page(asked: Asked, window: Window, cursor: str | None, /) -> Call:
    """Ask for the events of a window, newest first; a cursor is the id of the last one.

    The filter knows whole seconds: the window is widened to them. The account is the source's
    setting, and never anything that an event says.
    """
    behind = () if cursor is None else (("starting_after", cursor),)
    account = asked.settings.get("account")
    return Call(
        path="/v1/events",
        query=(
            ("created[gte]", str((window.since - EPOCH) // _SECOND)),
            ("created[lt]", str(_second_after(window.until))),
            *(("types[]", name) for name in TYPES),
            ("limit", str(PAGE)),
            *behind,
        ),
        headers={
            "Authorization": f"Bearer {asked.secret}",
            **({"Stripe-Account": account} if account else {}),
        },
    )


def _second_after(time: datetime) -> int:
    """Return the whole seconds since 1970 of a time, rounded up."""
    return -((EPOCH - time) // _SECOND)


def following(reply: Reply, cursor: str | None, /) -> str | None:
    """Return the id behind which the next page is; a page that has no more after it, or is
    empty, is the last."""
    body = reply.body if isinstance(reply.body, dict) else {}
    events = body.get("data")
    if body.get("has_more") is not True or not isinstance(events, list) or not events:
        return None
    found = events[-1].get("id") if isinstance(events[-1], dict) else None
    return found if isinstance(found, str) else None


API = Api(
    host=host_of,
    # Of 25 reads a second of one address, in test mode of all; the merchant's own need some.
    budget=Budget(units=10, seconds=1, at_once=2),
    reads={},
    lists={"event": Listing(page, following, reaches=_KEPT)},
    missing=never_missing,
    secret_form=SecretForm(read_key, "ключ rk_… (или sk_…)", "a key rk_… (or sk_…)"),
)
