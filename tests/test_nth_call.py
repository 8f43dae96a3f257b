"""Every call to PostgreSQL and Redis in one scenario is lost in turn, or kills the process.

Afterwards the sweep settles what is left, and the tables are what the rule makes of what was
acknowledged. No window between two calls is left to luck.
"""

import itertools
import os
import time
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.db import connection

from accounts.tokens import issue
from ingest.link import Link
from ingest.writer import Pending, Writer
from tests.catalogue.till import make_source

from .nth.checks import check, drain
from .nth.injection import Injection, Strike
from .nth.scenario import Scenario

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

#: The scenario makes more calls than this, or the test has lost its object.
LEAST = 100
#: Between two calls that fail in one run: more than any single act makes.
APART = 49
LOST = (Strike.LOST_BEFORE, Strike.LOST_AFTER)


def scenario(number: int, redis_url: str, folder: Path) -> Scenario:
    """Make an account of its own: emptying all tables between two runs would take longer."""
    redis.Redis.from_url(redis_url).flushall()
    source, token = make_source(f"shop-{number}")
    editor = issue(source.account, "editor")[0]
    return Scenario(source, f"/hooks/{token}", editor, redis_url, folder / f"journal-{number}")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the doorbell, and pauses are short."""
    monkeypatch.setenv("SWEEP_GRACE", "0")
    monkeypatch.setenv("SETTLE_BACKOFF", "0.01")


def judge(played: Scenario) -> None:
    """Drain and check. Raises AssertionError."""
    connection.close()
    drain()
    check(played.source)
    assert played.statuses <= {200, 201, 404, 503}


def play(played: Scenario, strikes: Mapping[int, Strike]) -> dict[int, str]:
    """Run a scenario with these calls failing, judge it, and return what was hit.

    Raises AssertionError that names the calls.
    """
    injection = Injection(strikes)
    try:
        with injection.armed():
            played.run()
        judge(played)
    except AssertionError as error:
        raise AssertionError(f"{injection.struck}: {error}") from error
    return injection.struck


def test_connections_lost_at_calls_far_apart_lose_and_double_nothing(
    valkey: str, tmp_path: Path
) -> None:
    """Three or four in one run, so that every call has its turn within a minute."""
    struck: set[int] = set()

    for number in range(1, APART + 1):
        kinds = itertools.cycle(LOST if number % 2 else LOST[::-1])
        strikes = dict(zip(range(number, 6 * APART, APART), kinds, strict=False))
        struck |= play(scenario(number, valkey, tmp_path), strikes).keys()

    assert struck >= set(range(1, LEAST))


@pytest.mark.slow
@pytest.mark.parametrize("strike", LOST)
def test_a_connection_lost_at_any_call_loses_and_doubles_nothing(
    strike: Strike, valkey: str, tmp_path: Path
) -> None:
    for number in itertools.count(1):
        if not play(scenario(number, valkey, tmp_path), {number: strike}):
            break

    assert number > LEAST


def killed(played: Scenario, number: int, strike: Strike) -> bool:
    """Run a scenario in a process of its own; say whether the strike has ended it."""
    connection.close()
    with warnings.catch_warnings():
        # Python 3.12 and later warn of threads; ours only waits for its time-out.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            with Injection({number: strike}).armed():
                played.run()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"call {number}"
    return os.WIFSIGNALED(status)


@pytest.mark.slow
@pytest.mark.parametrize("strike", [Strike.KILLED_BEFORE, Strike.KILLED_AFTER])
def test_a_process_killed_at_any_call_loses_and_doubles_nothing(
    strike: Strike, valkey: str, tmp_path: Path
) -> None:
    play(scenario(0, valkey, tmp_path), {})  # whatever is imported late is imported now

    for number in itertools.count(1):
        played = scenario(number, valkey, tmp_path)
        ended = killed(played, number, strike)
        played.run()
        judge(played)
        if not ended:
            break

    assert number > LEAST


def test_an_answer_before_the_commit_is_found_out(
    valkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Writer._stage

    def eager(writer: Writer, link: Link, batch: list[Pending]) -> None:
        writer._loop.call_soon_threadsafe(writer._answer, batch, [uuid4() for _ in batch])
        time.sleep(0.05)  # the answer is on its way
        stage(writer, link, batch)

    monkeypatch.setattr(Writer, "_stage", eager)

    def each_of_the_first() -> None:
        for number in range(1, 8):
            play(scenario(number, valkey, tmp_path), {number: Strike.LOST_BEFORE})

    with pytest.raises(AssertionError):
        each_of_the_first()
