"""How an event ended: one pure decision, and how errors are sorted by their consequence."""

import hashlib
import traceback
from collections.abc import Iterator
from enum import Enum

import psycopg
from django.db import InterfaceError

from accounts.repeating import LOST
from integrations.contract import EventUnsupported, PayloadUnrecognised, PersonNeeded

from .models import Outcome


class Consequence(Enum):
    """What a failure of a whole batch asks for."""

    REPEAT = "repeat"  # a deadlock, a serialization failure: at once
    GIVE_BACK = "give_back"  # the database is away or full: later, and nobody's fault
    BISECT = "bisect"  # one of the batch is to blame


#: Connection, resources, operator, system, locks; 25006 is a server that became read-only. Not
#: 54 (a value over a limit) nor 57014 (too slow), which a single delivery may cause for ever.
_AWAY = ("08", "53", "55P03", "57P", "58", "25006")


def decide(finding: Outcome | None, *, changed: bool, known: bool, reads: bool) -> Outcome:
    """Return the outcome of an event.

    ``finding`` is what reading it alone has shown, ``changed`` says that one of its statements won,
    ``known`` that the ledger had this content before, ``reads`` that it asked for its entity.
    """
    if finding is not None:
        return finding
    if changed:
        return Outcome.RECORDED
    if known:
        return Outcome.DUPLICATE
    return Outcome.FETCHING if reads else Outcome.SUPERSEDED


def finding(error: Exception) -> tuple[Outcome, str, str] | None:
    """Return outcome, reason and path of a stated error; None where it is a bug."""
    if isinstance(error, PayloadUnrecognised):
        return Outcome.DEAD, error.reason, error.path
    if isinstance(error, PersonNeeded):
        return Outcome.DEAD, str(error), ""
    if isinstance(error, EventUnsupported):
        return Outcome.UNSUPPORTED, str(error), ""
    return None


def fingerprint(error: BaseException) -> str:
    """Return a line that names a bug without quoting any data: type, place, hash of the frames."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename.rsplit('/', 2)[-2:]}:{frame.name}" for frame in frames]
    name = type(error).__qualname__
    mark = hashlib.sha256("\n".join((name, *places)).encode()).hexdigest()[:12]
    last = frames[-1] if frames else None
    where = f" at {last.filename.rsplit('/', 1)[-1]}:{last.lineno}" if last else ""
    return f"{name}{where} [{mark}]"


def _states(error: BaseException) -> Iterator[str | None]:
    one: BaseException | None = error
    while one is not None:
        if isinstance(one, psycopg.Error):
            yield one.sqlstate
        one = one.__cause__


def consequence(error: Exception) -> Consequence:
    """Return what to do about a batch that failed."""
    for state in _states(error):
        if state in LOST:
            return Consequence.REPEAT
        if state is None or state.startswith(_AWAY):
            return _without_state(error) if state is None else Consequence.GIVE_BACK
        return Consequence.BISECT
    return _without_state(error)


def _without_state(error: Exception) -> Consequence:
    """Without a SQLSTATE it is the driver or the network that speaks, or no database at all."""
    lost = (psycopg.OperationalError, psycopg.InterfaceError, InterfaceError, ConnectionError)
    causes = (error, error.__cause__)
    if any(isinstance(one, lost) for one in causes):
        return Consequence.GIVE_BACK
    return Consequence.BISECT
