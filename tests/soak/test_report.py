"""The verdict: every single thing that must not happen makes the report red, and names itself."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from . import table
from .checker.sales import Sales
from .checker.staging import Staging
from .director import Struck
from .gauges import Gauges
from .house import House
from .live import Options
from .report import Report, Run, build
from .sender import Acknowledged, Told
from .workload import Workload

_SHARES = ("p50", "p99", "max")


def run() -> Run:
    told = Told(
        answers=[
            Acknowledged(105.0, 200, 0.02),
            Acknowledged(112.0, 200, 0.9),
            Acknowledged(130.0, 200, 0.04),
        ],
        causes=Counter({"200": 3, "503 unavailable": 2}),
        acknowledged=3,
        tampered=Counter({401: 1}),
    )
    return Run(
        told=told,
        api=Counter({"200": 4}),
        edits=1,
        unanswered=0,
        struck=[Struck("kill -9 PostgreSQL", 110.0, 110.5)],
        skipped=[],
        started=100.0,
        clock=1000.0,
        seconds=0.04,
        drain=12.0,
        gauges=Gauges(cast("House", None)),
        wal=600,
    )


def report(
    seen: Run, *, kept: Staging | None = None, sold: Sales | None = None, verified: Any = ()
) -> Report:  # fmt: skip
    return build(
        options=Options(),
        made=Workload(deliveries=3),
        run=seen,
        kept=kept or Staging(acknowledged=3, staged=3),
        sold=sold or Sales(wanted=1, right=1, money={"RUB": Decimal(0)}),
        # The first was safe before the fault and seen after it, the second long after.
        lags=[(1109.9, 0.2), (1130.0, 0.3)],
        attempts={1: 3},
        dead_rows={},
        verified=verified,
        commit="abc",
        journal=Path("j"),
    )


def test_a_quiet_run_is_green_and_tells_slow_answers_of_faults_from_others() -> None:
    found = report(run())

    assert (found.broken, found.missed) == ([], ["3.0 deliveries/s < 60"])
    assert found.value["ack_ms"]["outside_faults"] == {"n": 2, "p50": 40.0, "p99": 40.0, "max": 40}
    assert found.value["ack_ms"]["inside_faults"]["max"] == 900
    # Struck at 110.0, over at 110.5; acknowledged at 112 and at 130.
    assert found.value["faults"][0]["until_2xx"] == 1.5
    assert found.value["faults"][0]["longest_without_2xx"] == 18
    assert found.value["visible_s"]["outside_faults"] == {"n": 1, **dict.fromkeys(_SHARES, 0.3)}
    assert found.value["visible_s"]["all"]["n"] == 2
    assert found.value["wal_bytes_per_delivery"] == 200


_BREAKS: list[tuple[str, Callable[[Run], Report]]] = [
    ("lost: 1", lambda seen: report(seen, kept=Staging(lost=1))),
    ("lost: 2", lambda seen: report(seen, kept=Staging(edits_lost=2))),
    ("unexpected in staging: 1", lambda seen: report(seen, kept=Staging(unexpected=1))),
    ("doubled effects: 1", lambda seen: report(seen, sold=Sales(doubled=1))),
    ("doubled effects: 3", lambda seen: report(seen, kept=Staging(edits_doubled=3))),
    ("sales missing: 1", lambda seen: report(seen, sold=Sales(missing=1))),
    ("sales wrong: 1", lambda seen: report(seen, sold=Sales(wrong=1))),
    ("twins that differ: 1", lambda seen: report(seen, sold=Sales(twins_differ=1))),
    ("events missing in the ledger: 1", lambda seen: report(seen, sold=Sales(events_missing=1))),
    ("dead letters that differ: 1", lambda seen: report(seen, sold=Sales(dead_differ=1))),
    ("unsettled: 1", lambda seen: report(seen, kept=Staging(pending=1))),
    ("unsettled: 2", lambda seen: report(seen, sold=Sales(unsettled=2))),
    (
        "money differs: 0.01 RUB",
        lambda seen: report(seen, sold=Sales(money={"RUB": Decimal("0.01")})),
    ),
    (
        "broken by the product's own checks: 1",
        lambda seen: report(seen, verified=["I3.settled: 1 []"]),
    ),
]


@pytest.mark.parametrize(("line", "broken"), _BREAKS, ids=[line for line, _ in _BREAKS])
def test_each_damage_is_named_alone(line: str, broken: Callable[[Run], Report]) -> None:
    found = broken(run())

    assert found.broken == [line]
    assert found.value["ok"] is False


def _told(cause: str) -> Run:
    seen = run()
    seen.told.causes[cause] += 1
    return seen


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        ("500 internal", "5xx other than 503: 1"),
        ("502 ?", "5xx other than 503: 1"),
        ("401 signature_invalid", "genuine deliveries refused: 1"),
        ("404 not_found", "genuine deliveries refused: 1"),
    ],
)
def test_an_answer_that_no_provider_should_get_is_named(cause: str, line: str) -> None:
    assert report(_told(cause)).broken == [line]


def test_a_late_answer_and_a_taken_forgery_are_seen() -> None:
    seen = _told("timeout")
    seen.told.tampered[200] += 1

    found = report(seen)

    assert found.broken == ["tampered deliveries taken: 1"]
    assert "1 answers later than 5 s" in found.missed


def test_the_documentation_gets_its_own_block_and_no_other(tmp_path: Path) -> None:
    docs = tmp_path / "reliability.md"
    docs.write_text("a\n<!-- soak:redis -->\nold\n<!-- /soak:redis -->\nb\n")

    table.write(report(run()).value, "make it", docs)

    text = docs.read_text()
    assert text.startswith("a\n<!-- soak:redis -->\n`make it`\n")
    assert text.endswith("<!-- /soak:redis -->\nb\n")
    assert "old" not in text
    assert "kill -9 PostgreSQL" in text


def test_several_runs_are_told_in_a_line_each() -> None:
    values = [report(run()).value, report(_told("timeout")).value]

    lines = table.summary(values, "make them").splitlines()

    heads, _, *told = lines[2:]
    assert {line.count("|") for line in (heads, *told)} == {13}
    assert told[0].endswith("| 3.0 deliveries/s < 60 |")
    assert "answers later than 5 s" in told[1]
