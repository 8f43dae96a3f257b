"""What a source waits for of its provider, as people and programs see it."""

from typing import Any

from accounts.models import Source

from .. import options
from ..models import Backfill, Fetch


def describe(source: Source) -> dict[str, Any]:
    """Return how much waits to be asked, how much of it fails again and again, and why."""
    waiting = Fetch.objects.filter(source=source)
    walking = Backfill.objects.filter(source=source, state=Backfill.State.RUNNING)
    most = options.fetch_attempts()
    errors = [
        rows.exclude(last_error=None).order_by("-attempts").values_list("last_error", flat=True)
        for rows in (waiting, walking)
    ]
    return {
        "pending": waiting.count(),
        "failing": sum(rows.filter(attempts__gte=most).count() for rows in (waiting, walking)),
        "last_error": next((said for rows in errors for said in rows[:1]), None),
    }
