"""``verify`` remembers how far it came: seen once, taken up again, red until it is mended."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Source
from tasks.invariants import CHECKS, progress, running
from tasks.invariants.base import Check, Scope, Step, Walk, old
from tasks.invariants.progress import Session, states
from tasks.invariants.running import advance, connect, results, walks
from tasks.metrics import invariants_state
from tasks.pipeline import settle
from tasks.verifying import Verifier
from tests.settling import TOYS, child_environment, make_source, put, sale_event
from tests.test_verify import _past_the_guards, broken, run, verify

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
#: Walks in steps of two rows, so that a few deliveries make several steps.
SMALL = Check(
    id="T.small",
    title="малые шаги / small steps",
    advice="нет / none",
    parts=(
        Walk(
            table="tasks_attempt",
            final=old("created_at"),
            limit=2,
            broken="SELECT b.key AS what FROM batch b WHERE b.outcome = 'lost'",
        ),
    ),
)
AGE = (
    "UPDATE tasks_attempt SET created_at = created_at - interval '1 hour';"
    "UPDATE tasks_event SET created_at = created_at - interval '1 hour'"
)


def deliver(source: Source, first: int, count: int) -> None:
    bodies = [sale_event(f"e{n}", sale=f"s{n}", at=n + 1) for n in range(first, first + count)]
    settle(put(source, *bodies), providers=TOYS)


def age() -> None:
    """Make all that is only added to an hour old."""
    run(AGE)
    run(_past_the_guards("UPDATE {part} SET received_at = received_at - interval '1 hour'")())


@pytest.fixture
def session() -> Iterator[Session]:
    with connect() as opened:
        yield opened


def walk(session: Session, check: Check = SMALL, *, steps: int = 1000) -> int:
    """Take so many steps at most and return how many rows they examined."""
    before = _examined(session, check)
    left = iter(range(steps))
    for _ in advance(
        session, walks([check]), since=now(session), stopped=lambda: next(left, None) is None
    ):
        pass
    return _examined(session, check) - before


def now(session: Session) -> datetime:
    ((moment,),) = session.execute("SELECT clock_timestamp()").fetchall()
    assert isinstance(moment, datetime)
    return moment


def _examined(session: Session, check: Check) -> int:
    state = states(session).get((check.id, 0))
    return 0 if state is None or state.started_at is None else state.examined


def line(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return next(check for check in answer["checks"] if check["id"] == name)


def test_what_is_only_added_to_is_examined_once(capsys: pytest.CaptureFixture[str]) -> None:
    source = make_source()
    deliver(source, 0, 500)
    age()

    first = verify(capsys)
    deliver(source, 500, 3)
    second = verify(capsys)

    assert broken(first) == broken(second) == []
    assert [line(first, "I2.content")[name] for name in ("examined", "covered")] == [500, 500]
    assert [line(second, "I2.content")[name] for name in ("examined", "covered")] == [3, 500]
    assert line(second, "I4.totals")["examined"] == 503


def test_what_came_lately_is_examined_again_because_others_may_still_appear_before_it(
    session: Session,
) -> None:
    deliver(make_source(), 0, 6)
    walk(session)

    assert states(session)["T.small", 0].covered == 0
    run(AGE)
    walk(session)
    assert states(session)["T.small", 0].covered == 6


def test_harm_done_to_what_was_seen_is_found_by_a_full_pass(
    capsys: pytest.CaptureFixture[str],
) -> None:
    deliver(make_source(), 0, 500)
    age()
    verify(capsys)
    run(_past_the_guards("UPDATE {part} SET body = body || 'x'::bytea")())

    assert broken(verify(capsys)) == []
    assert broken(verify(capsys, "--full")) == ["I2.content"]


def test_what_is_broken_stays_red_until_it_is_mended(capsys: pytest.CaptureFixture[str]) -> None:
    deliver(make_source(), 0, 5)
    age()
    run("UPDATE tasks_attempt SET outcome = 'lost' WHERE key = 'e3'")

    assert [broken(verify(capsys)) for _ in range(2)] == [["I3.outcomes"]] * 2
    run("UPDATE tasks_attempt SET outcome = 'recorded' WHERE key = 'e3'")
    assert broken(verify(capsys)) == []


def test_nothing_behind_what_is_broken_is_passed_by(session: Session) -> None:
    deliver(make_source(), 0, 9)
    age()
    run("UPDATE tasks_attempt SET outcome = 'lost' WHERE key = 'e3'")

    passes = []
    for _ in range(2):
        walk(session)
        passes.append(states(session)["T.small", 0])

    assert [(state.covered, state.last_failed) for state in passes] == [(2, 1), (2, 1)]


def test_a_break_found_last_time_stands_while_the_next_pass_is_under_way(session: Session) -> None:
    deliver(make_source(), 0, 7)
    run("UPDATE tasks_attempt SET outcome = 'lost' WHERE key = 'e6'")
    walk(session)
    walk(session, steps=2)

    result = running.result(SMALL, states(session), {})

    assert (result.state, result.complete, result.finding.examples) == ("failed", False, ["e6"])


def test_a_delivery_that_waits_is_not_passed_by(session: Session) -> None:
    source = make_source()
    put(source, sale_event("waiting"))
    deliver(source, 0, 5)
    age()
    (settled,) = next(check.parts for check in CHECKS if check.id == "I3.settled")
    assert isinstance(settled, Walk)
    check = replace(SMALL, parts=(replace(settled, limit=2),))
    walk(session, check)

    run("DELETE FROM ingest_inbox")
    walk(session, check)

    assert states(session)["T.small", 0].last_failed == 1


def test_an_interrupted_pass_goes_on_where_it_stood(session: Session) -> None:
    deliver(make_source(), 0, 9)

    assert walk(session, steps=2) == 4
    state = states(session)["T.small", 0]
    with connect() as other:
        walk(other, steps=1)
        assert states(other)["T.small", 0].examined == 6
    walk(session)

    finished = states(session)["T.small", 0]
    assert (finished.last_examined, finished.last_started_at) == (9, state.started_at)


def test_a_step_that_fails_leaves_no_trace(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(make_source(), 0, 9)
    walk(session, steps=1)
    before = states(session)

    def fail(*_: Any) -> Step:
        raise KeyboardInterrupt

    monkeypatch.setattr(Walk, "step", fail)
    with pytest.raises(KeyboardInterrupt):
        walk(session)

    assert states(session) == before


_KILLED = """
import os, signal
import django
django.setup()
from tasks.invariants import running
from tests.test_verify_progress import LONG_AGO, SMALL
left = iter(range(2))
with running.connect() as session:
    for _ in running.advance(
        session, [(SMALL, 0)], since=LONG_AGO,
        rest=lambda taken: next(left, None) is not None or os.kill(os.getpid(), signal.SIGKILL),
    ):
        pass
"""


def test_a_killed_process_loses_no_more_than_a_step(session: Session) -> None:
    deliver(make_source(), 0, 9)
    run("UPDATE tasks_attempt SET outcome = 'lost' WHERE key = 'e1'")

    killed = subprocess.run(
        [sys.executable, "-c", _KILLED], env=child_environment(), check=False, capture_output=True
    )
    reached = states(session)["T.small", 0]
    walk(session)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (reached.examined, reached.failed) == (6, 1)
    finished = states(session)["T.small", 0]
    assert (finished.last_examined, finished.last_failed) == (9, 1)


def test_two_at_once_examine_each_row_once(session: Session) -> None:
    deliver(make_source(), 0, 40)
    (part,) = SMALL.parts
    assert isinstance(part, Walk)
    slow = replace(part, only="pg_sleep(0.01) IS NOT NULL")
    check = replace(SMALL, parts=(slow,))
    start = threading.Barrier(2)
    since, steps = now(session), list[float]()

    def work() -> None:
        with connect() as own:
            start.wait(10)
            for _ in advance(own, walks([check]), since=since, rest=steps.append):
                pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    # Twenty steps of two rows; the one that finds the end needs no rest.
    assert (len(steps), states(session)["T.small", 0].last_examined) == (20, 40)


def test_another_question_begins_anew(session: Session) -> None:
    deliver(make_source(), 0, 8)
    run(AGE)
    walk(session)
    (part,) = SMALL.parts
    assert isinstance(part, Walk)
    asked = part.broken.replace("'lost'", "'recorded'")
    other = replace(SMALL, parts=(replace(part, broken=asked),))

    walk(session, other)

    state = states(session)["T.small", 0]
    assert (state.last_examined, state.last_failed) == (8, 8)


def test_a_budget_is_kept_and_what_was_not_seen_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    deliver(make_source(), 0, 3)

    call_command("verify", "--budget", "0")
    told = capsys.readouterr().out.splitlines()
    known = verify(capsys, "--last")
    verify(capsys, "--budget", "60")
    after = verify(capsys, "--last")

    assert len(told) == len(CHECKS) + 1
    assert all(one.startswith("partly") and "not yet" in one for one in told[:-1])
    assert told[-1].endswith(f"0 из / of {len(CHECKS)}")
    assert (known["ok"], known["complete"], after["complete"]) == (True, False, True)


def test_ctrl_c_ends_with_what_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(make_source(), 0, 3)
    taken = iter(range(5))
    step = progress.step

    def interrupted(*args: Any, **options: Any) -> Any:
        if next(taken, None) is None:
            os.kill(os.getpid(), signal.SIGINT)
        return step(*args, **options)

    monkeypatch.setattr(running, "step", interrupted)
    with pytest.raises(SystemExit, match="130"):
        call_command("verify")

    told = capsys.readouterr().out.splitlines()
    assert [one.split()[0] for one in told[:-1]].count("ok") >= 3
    assert len(told) == len(CHECKS) + 1


def test_without_the_owner_it_examines_as_the_application(
    capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    deliver(make_source("one"), 0, 2)
    deliver(make_source("other"), 0, 3)
    settings.DATABASE_OWNER = None

    answer = verify(capsys)

    assert broken(answer) == []
    assert line(answer, "I4.totals")["examined"] == 5


def test_one_account_is_examined_without_remembering(capsys: pytest.CaptureFixture[str]) -> None:
    deliver(make_source(), 0, 3)

    assert verify(capsys, "--account", "shop")["complete"] is True
    with connect() as opened:
        assert states(opened) == {}
    with pytest.raises(CommandError, match="--account"):
        call_command("verify", "--account", "shop", "--full")


def test_the_clock_examines_all_of_it_once_a_day(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(make_source(), 0, 3)
    assert invariants_state() == (0, None)

    first = Verifier().examine(session)
    again = Verifier().examine(session)

    assert (first, again) == (len(walks()), 0)
    assert {one.state for one in results(session)} <= {"ok", "warning"}
    count, seconds = invariants_state()
    assert count == 0
    assert seconds is not None
    assert 0 <= seconds < 600
    assert "invariant_broken" not in capsys.readouterr().err


def test_what_the_clock_finds_broken_is_logged_measured_and_shown(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(make_source(), 0, 3)
    run("UPDATE sales_sale SET paid_total = 7")

    Verifier().examine(session)

    logged = [
        json.loads(text)
        for text in capsys.readouterr().err.splitlines()
        if '"invariant_broken"' in text
    ]
    assert [(one["line"], one["failed"], one["level"]) for one in logged] == [
        ("I4.totals", 3, "error")
    ]
    assert invariants_state()[0] == 1
    assert broken(verify(capsys, "--last")) == ["I4.totals"]


def test_the_thread_of_the_clock_holds_nothing_up_and_ends_at_once(session: Session) -> None:
    deliver(make_source(), 0, 3)
    verifier = Verifier()
    with session.transaction():
        session.execute("LOCK TABLE tasks_verification")
        begun = time.monotonic()
        verifier.tick()
        ticked = time.monotonic() - begun
        _until(lambda: verifier._session is not None)
        verifier.stop(20.0)

    assert ticked < 2
    assert verifier._thread is not None
    assert not verifier._thread.is_alive()
    assert states(session) == {}


def test_the_thread_of_the_clock_does_the_work(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIFY_REST", "0")
    deliver(make_source(), 0, 3)
    verifier = Verifier()

    verifier.tick()
    assert verifier._thread is not None
    verifier._thread.join(60)

    assert all(one.complete for one in results(session))


_CLOCK = """
import django
django.setup()
from tasks import clock, verifying
verifying.FIRST = 0.0
clock.run()
"""


def test_the_process_of_the_clock_examines_beside_its_sweep_and_ends_promptly(
    session: Session,
) -> None:
    source = make_source()
    deliver(source, 0, 3)
    environment = child_environment(REDIS_URL="redis://127.0.0.1:1/0", VERIFY_REST="0")
    process = subprocess.Popen([sys.executable, "-c", _CLOCK], env=environment)

    try:
        _until(lambda: len(states(session)) == len(walks()), 60)
        _until(lambda: all(one.complete for one in results(session)))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)

    assert process.returncode == 0


def test_the_clock_may_be_told_to_leave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIFY_EVERY", "0")
    verifier = Verifier()

    verifier.tick()

    assert verifier._thread is None


def _until(happened: Any, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_dead_are_walked_over_without_passing_the_living() -> None:
    source = make_source()
    deliver(source, 0, 5)
    settle(put(source, {"id": "x", "type": "unrecognised"}), providers=TOYS)
    (letters,) = (check for check in CHECKS if check.id == "I3.letters")

    with connect() as session, session.cursor() as cursor:
        first = letters.parts[1].step(cursor, Scope(), None)
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT * FROM tasks_attempt WHERE outcome = 'dead' ORDER BY id")
        plan = "\n".join(str(row[0]) for row in cursor.fetchall())

    assert (first.walked, first.finding.failed) == (1, 0)
    assert "tasks_attempt_dead" in plan
