"""Who is taken in and who is refused at once: expected waits, the loop's turns, sparing lines."""

import asyncio
import math
import time

import pytest

from ingest import sparing
from ingest.limits import Limits
from ingest.pace import Pace
from ingest.sparing import Sparing
from ingest.turn import Turn

LIMITS = Limits(batch_rows=100, batch_bytes=1000, statement_seconds=2.0, answer_seconds=3.0)


def paced(*commits: tuple[int, float], limits: Limits = LIMITS) -> Pace:
    """Return the pace after commits of so many rows and seconds."""
    pace = Pace(limits)
    for rows, seconds in commits:
        pace.committed(rows, seconds)
    return pace


def test_a_row_waits_for_the_full_batches_before_its_own() -> None:
    pace = paced(*[(100, 0.2)] * 20)

    waits = [pace.wait(rows, 0, running=0.1) for rows in (0, 99, 100, 350)]

    assert waits == pytest.approx([0, 0, 0.2, 0.6], abs=0.001)
    assert pace.wait(3, 2500, running=0.1) == pytest.approx(0.4, abs=0.001)


def test_two_writers_halve_the_wait() -> None:
    limits = Limits(batch_rows=100, writers=2)

    pace = paced(*[(100, 0.2)] * 20, limits=limits)

    assert pace.wait(400, 0, running=0.1) == pytest.approx(0.4, abs=0.001)


def test_nobody_waits_before_anything_was_measured() -> None:
    assert Pace(LIMITS).wait(10_000, 10**9, running=0.01) == 0


def test_behind_a_commit_that_hangs_nobody_queues() -> None:
    pace = paced((100, 0.01))

    assert pace.wait(0, 0, running=1.4) == 0
    assert pace.wait(0, 0, running=1.6) == math.inf


def test_after_a_failure_one_batch_tries_and_the_others_are_refused_meanwhile() -> None:
    pace = paced((100, 0.01))

    pace.failed(slow=False)

    assert pace.wait(0, 0, running=None) == 0
    assert pace.wait(0, 0, running=0.001) == math.inf
    pace.committed(1, 0.01)
    assert pace.wait(150, 0, running=0.001) == pytest.approx(0.01)


def test_batches_shrink_until_the_database_finishes_them_and_grow_again_when_it_is_quick() -> None:
    pace = paced()
    for _ in range(3):
        pace.failed(slow=True)
    shrunk = pace.rows

    pace.committed(12, 1.9)
    pace.committed(11, 0.01)
    kept = pace.rows
    for _ in range(5):
        pace.committed(pace.rows, 0.1)

    assert (shrunk, kept, pace.rows) == (12, 12, 100)
    for _ in range(20):
        pace.failed(slow=True)
    assert pace.rows == 1


def test_a_turn_of_the_loop_is_measured_from_its_first_question_and_ends_with_it() -> None:
    async def ask() -> tuple[float, float, float]:
        turn = Turn()
        first = turn.spent()
        time.sleep(0.02)
        second = turn.spent()
        await asyncio.sleep(0)
        return first, second, turn.spent()

    first, second, after = asyncio.run(ask())

    assert first < 0.01
    assert second >= 0.02
    assert after < 0.01


def test_one_line_of_a_kind_passes_and_the_next_tells_how_many_did_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sparing, "PAUSE", 60.0)
    lines = Sparing()

    taken = [lines.take("overloaded") for _ in range(4)]
    other = lines.take("database")

    monkeypatch.setattr(time, "monotonic", lambda: math.inf)

    assert taken == [0, None, None, None]
    assert other == 0
    assert lines.take("overloaded") == 3
