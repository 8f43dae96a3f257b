"""One dead letter as a person reads it: its attempts, and the body at the failing path.

No header is ever shown. What was cut out of the body when it was staged stays cut.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from ingest.models import Delivery

from .excerpts import Excerpt, excerpt, printable
from .models import Attempt, DeadLetter

#: Attempts that are shown, the latest.
_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a letter's delivery; ``redacted`` are the paths that were cut out of it."""

    content_type: str
    received_at: datetime
    redacted: tuple[str, ...]
    excerpt: Excerpt


def attempts(letter: DeadLetter) -> QuerySet[Attempt]:
    """Return the runs over the letter's event, the latest first. Needs a scope."""
    rows = Attempt.objects.select_related("source").filter(
        delivery_id=letter.delivery_id, position=letter.position, account_id=letter.account_id
    )
    return rows.order_by("-id")[:_ATTEMPTS]


def body(letter: DeadLetter) -> Body | None:
    """Return the letter's body at the failing path, None where staging has lost it."""
    columns = ("body", "content_type", "received_at", "redacted")
    row = Delivery.objects.filter(pk=letter.delivery_id).values(*columns).first()
    if row is None:
        return None
    kind = row["content_type"]
    return Body(
        printable(kind[:200]),
        row["received_at"],
        tuple(filter(None, row["redacted"].split("\n"))),
        excerpt(bytes(row["body"]), kind, letter.path, letter.position),
    )


def state(letter: DeadLetter) -> str:
    """Return ``open``, ``settled`` or ``dropped``."""
    if letter.closed_at is None:
        return "open"
    return "settled" if letter.closed_by == "settled" else "dropped"


def marked(found: Excerpt) -> str:
    """Return the lines of an excerpt as text, the marked one with an arrow."""
    return "\n".join(f"{'→' if line.marked else ' '} {line.text}" for line in found.lines)


_COLUMNS = (
    *("id", "created_at", "source_id", "delivery_id", "position", "type", "key", "path", "reason"),
    *("closed_at", "closed_by"),
)
_RUN = ("created_at", "number", "outcome", "mapper", "path", "error")


def whole(letter: DeadLetter) -> dict[str, Any]:
    """Return all there is to know of a letter: for the command line."""
    found = body(letter)
    return {
        **{name: getattr(letter, name) for name in _COLUMNS},
        "state": state(letter),
        "attempts": list(attempts(letter).values(*_RUN)),
        "body": None if found is None else asdict(found),
    }


def as_text(letter: DeadLetter) -> str:
    """Return all there is to know of a letter as text for a terminal."""
    columns = [f"{name:<12} {_plain(getattr(letter, name))}" for name in _COLUMNS]
    return "\n".join((*columns, "", run_lines(letter), "", *body_lines(letter)))


def run_lines(letter: DeadLetter) -> str:
    """Return the attempts at the letter's event, a line each."""
    return "\n".join(
        f"{run.created_at:%Y-%m-%d %H:%M:%S}  {run.outcome:<12} {_plain(run.path)}: "
        f"{_plain(run.error)}"
        for run in attempts(letter)
    )


def _plain(value: Any) -> str:
    return "—" if value in (None, "") else printable(str(value))


def body_lines(letter: DeadLetter) -> list[str]:
    """Return what the body is, and its lines at the failing path."""
    found = body(letter)
    if found is None:
        return ["тела нет в хранилище / the body is not in staging"]
    shown = found.excerpt
    place = (
        "" if shown.found is None else f", {'' if shown.exact else '≥ '}{printable(shown.found)}"
    )
    cut = f"; вырезано / cut: {', '.join(map(printable, found.redacted))}" if found.redacted else ""
    head = f"{found.content_type or '—'} · {shown.form} · {shown.size} B{place}{cut}"
    return [head, marked(shown)]
