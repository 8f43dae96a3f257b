"""Journal against staging: what was lost, what nobody sent, what was kept without an answer."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ..journal import lines
from ..model import Message

Key = tuple[str, str]
_STAGED = "SELECT source_id, sha256, body FROM ingest_delivery WHERE origin = 'push'"
_EDITS = "SELECT body FROM ingest_delivery WHERE origin = 'manual'"
_PENDING = "SELECT count(*) FROM ingest_inbox"


@dataclass(slots=True)
class Staging:
    """What the comparison found, in deliveries."""

    acknowledged: int = 0
    staged: int = 0
    lost: int = 0
    #: Nobody sent it with a valid signature, or its bytes are not what its digest says.
    unexpected: int = 0
    #: Kept, and the sender never heard of it (it sent it again).
    recovered: int = 0
    pending: int = 0
    edits: int = 0
    edits_lost: int = 0
    edits_doubled: int = 0
    examples: list[str] = field(default_factory=list)


def compare(
    connection: psycopg.Connection[Any], journal: Any, sent: Counter[Key], names: Mapping[int, str]
) -> tuple[Staging, Counter[Key]]:  # fmt: skip
    """Return the findings, and how often each (source, sha256) is in staging."""
    told = list(lines(journal))
    acknowledged = Counter((one["source"], one["sha256"]) for one in told if "sha256" in one)
    found = Staging(acknowledged=acknowledged.total())
    staged: Counter[Key] = Counter()
    with connection.transaction(), connection.cursor("staged") as cursor:
        for source, digest, body in cursor.execute(_STAGED):
            key = names.get(source, str(source)), bytes(digest).hex()
            staged[key] += 1
            if hashlib.sha256(body).digest() != bytes(digest):
                _note(found, "unexpected", f"another body under its digest: {key}")
    found.staged = staged.total()
    for key, times in (acknowledged - staged).items():
        _note(found, "lost", f"acknowledged, not in staging: {key}", times)
    for key in staged.keys() - sent.keys():
        _note(found, "unexpected", f"in staging, never sent: {key}", staged[key])
    found.recovered = (staged - acknowledged).total() - sum(
        staged[key] for key in staged.keys() - sent.keys()
    )
    row = connection.execute(_PENDING).fetchone()
    found.pending = row[0] if row else 0
    _compare_edits(connection, found, [one for one in told if "edit" in one], names)
    return found, staged


def _compare_edits(
    connection: psycopg.Connection[Any], found: Staging, told: Iterable[Mapping[str, Any]],
    names: Mapping[int, str],
) -> None:  # fmt: skip
    """Every edit that was taken is a delivery, exactly one."""
    staged: Counter[tuple[str, str, str]] = Counter()
    for (body,) in connection.execute(_EDITS):
        data = json.loads(body)["data"]
        for name in data["fields"]:
            staged[names.get(data["source_id"], ""), data["external_id"], name] += 1
    for one in told:
        found.edits += 1
        fields = one["fields"] or ("deleted",)
        wanted = 2 if one["edit"] == "RESTORE" else 1
        for name in fields:
            times = staged[one["source"], one["external_id"], name]
            if times < wanted:
                _note(found, "edits_lost", f"an edit with {times} deliveries: {one}")
            # A person may ask again for what was done unheard: that is an edit of its own.
            if times > wanted and one["edit"] == "PATCH":
                _note(found, "edits_doubled", f"one edit, {times} deliveries: {one}")


def _note(found: Staging, name: str, example: str, times: int = 1) -> None:
    setattr(found, name, getattr(found, name) + times)
    if len(found.examples) < 10:
        found.examples.append(example)


def events(messages: Iterable[Message], staged: Mapping[Key, int]) -> Counter[Key]:
    """Return how many distinct events of each (source, end) are in staging."""
    distinct = {(one.till.name, one.key, digest(one)): one.ends for one in messages}
    return Counter(
        (source, ends) for (source, _, sha), ends in distinct.items() if staged.get((source, sha))
    )


def digest(message: Message) -> str:
    """Return the sha256 of what is sent."""
    return hashlib.sha256(message.body).hexdigest()
