"""The pure decisions, row by row."""

import psycopg
import pytest
from django.db import DataError, InternalError, OperationalError

from integrations.contract import EventUnsupported, PayloadUnrecognised, PersonNeeded
from tasks.models import Outcome
from tasks.outcomes import Consequence, consequence, decide, finding, fingerprint


@pytest.mark.parametrize(
    ("found", "changed", "known", "reads", "outcome"),
    [
        (None, True, False, False, "recorded"),
        (None, True, True, False, "recorded"),  # a replay that repaired something
        (None, False, True, True, "duplicate"),
        (None, False, False, True, "fetching"),
        (None, True, False, True, "recorded"),
        (None, False, False, False, "superseded"),
        (Outcome.IGNORED, False, True, False, "ignored"),
        (Outcome.DEAD, False, False, False, "dead"),
    ],
)
def test_an_event_has_one_outcome(
    found: Outcome | None, changed: bool, known: bool, reads: bool, outcome: str
) -> None:
    assert decide(found, changed=changed, known=known, reads=reads) == outcome


def test_stated_errors_are_findings_and_all_others_are_bugs() -> None:
    assert finding(PayloadUnrecognised("a.b", "missing")) == (Outcome.DEAD, "missing", "a.b")
    assert finding(PersonNeeded("erase")) == (Outcome.DEAD, "erase", "")
    assert finding(EventUnsupported("x")) == (Outcome.UNSUPPORTED, "x", "")
    assert finding(KeyError("x")) is None


@pytest.mark.parametrize(
    ("cause", "wrapper", "expected"),
    [
        (psycopg.errors.DeadlockDetected, OperationalError, Consequence.REPEAT),
        (psycopg.errors.SerializationFailure, OperationalError, Consequence.REPEAT),
        (psycopg.errors.AdminShutdown, OperationalError, Consequence.GIVE_BACK),
        (psycopg.errors.DiskFull, OperationalError, Consequence.GIVE_BACK),
        (psycopg.errors.TooManyConnections, OperationalError, Consequence.GIVE_BACK),
        (psycopg.errors.LockNotAvailable, OperationalError, Consequence.GIVE_BACK),
        (psycopg.errors.ReadOnlySqlTransaction, InternalError, Consequence.GIVE_BACK),
        (psycopg.OperationalError, OperationalError, Consequence.GIVE_BACK),
        # What one delivery may cause for ever must find that delivery.
        (psycopg.errors.QueryCanceled, OperationalError, Consequence.BISECT),
        (psycopg.errors.ProgramLimitExceeded, OperationalError, Consequence.BISECT),
        (psycopg.errors.NumericValueOutOfRange, DataError, Consequence.BISECT),
    ],
)
def test_a_failed_batch_is_repeated_given_back_or_bisected(
    cause: type[psycopg.Error], wrapper: type[Exception], expected: Consequence
) -> None:
    error = wrapper("wrapped")
    error.__cause__ = cause()

    assert consequence(error) is expected
    assert consequence(cause()) is expected


def test_a_bug_outside_the_database_is_bisected() -> None:
    assert consequence(ValueError()) is Consequence.BISECT


def _fail(text: str) -> str:
    try:
        raise ValueError(text)
    except ValueError as error:
        return fingerprint(error)


def test_a_fingerprint_names_the_place_and_quotes_no_data() -> None:
    assert _fail("card 4111") == _fail("card 4242")
    assert "4111" not in _fail("card 4111")
    assert _fail("x").startswith("ValueError at test_outcomes.py:")
