"""``manage.py source check``: whether a provider's API lets us in, before anything depends on it.

One page of each list is asked for and thrown away: nothing is staged. The calls are counted by
nobody else, so they are few, and one after the other.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.commandline import every_account, fail, find_source, table
from integrations.asking import Window
from integrations.registry import PROVIDERS

from .fetching.asking import Line, ask_page
from .fetching.failures import Failed
from .fetching.http import Client
from .fetching.lines import Lines

#: The stretch of a list that is asked for: as good as any to be let in.
_STRETCH = timedelta(minutes=10)
#: Seconds that one question may take, its login included.
_PATIENCE = 60.0
_HEADS = ("kind", "ok", "error")
_YES, _NO = "да / yes", "нет / no"


def checked(number: int, client: Client | None = None) -> tuple[dict[str, Any], str]:
    """Ask for a page of each list; return what came of it, for programs and for people.

    Raises CommandError where the source cannot be asked for a list at all.
    """
    with every_account():
        source = find_source(number)
        provider, is_app = PROVIDERS.get(source.provider), source.is_app
        line = Lines(PROVIDERS, client or Client()).of([number])[number]
    if is_app:
        raise fail(
            "приложение не спрашивают, спрашивают его продавцов: source list",
            "an app is never asked, its merchants are: source list",
        )
    if provider is None or provider.api is None or not provider.api.lists:
        raise fail(
            f"{source.provider}: списка у провайдера нет, проверять нечего",
            f"{source.provider}: the provider has no list, there is nothing to check",
        )
    found = [_check(line, kind) for kind in sorted(provider.api.lists)]
    rows = [[one["kind"], _YES if one["ok"] else _NO, one["error"] or ""] for one in found]
    return {"id": number, "checks": found}, table(_HEADS, rows)


def is_refused(value: dict[str, Any]) -> bool:
    """Say whether some list could not be asked for."""
    return not all(one["ok"] for one in value["checks"])


def _check(line: Line | Failed, kind: str) -> dict[str, Any]:
    try:
        if isinstance(line, Failed):
            raise line
        now = datetime.now(UTC)
        window = Window(now - _STRETCH, now)
        ask_page(line, kind, window, None, until=time.monotonic() + _PATIENCE)
    except Failed as failed:
        return {"kind": kind, "ok": False, "error": failed.reason}
    return {"kind": kind, "ok": True, "error": None}
