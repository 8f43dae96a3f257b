"""The report of a soak: one table for people, one value for machines, one verdict."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checker.figures import quantile
from .checker.sales import Sales
from .checker.staging import Staging
from .director import Struck, inside, recovery, silence, taken, touched
from .gauges import Gauges
from .sender import Told
from .wire import PATIENCE
from .workload import Workload

if TYPE_CHECKING:
    from .live import Options

_CENT = Decimal("0.01")
#: Goals, in seconds; visibility without Redis has one of its own.
_P99, _DRAIN, _VISIBLE_WITHOUT_REDIS, _RATE = 0.25, 60.0, 20.0, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was seen from the outside while it ran."""

    told: Told
    api: Counter[str]
    edits: int
    unanswered: int
    struck: Sequence[Struck]
    skipped: Sequence[str]
    started: float
    #: Unix time less monotonic time.
    clock: float
    seconds: float
    drain: float
    gauges: Gauges
    wal: int


@dataclass(slots=True, kw_only=True)
class Report:
    """``broken`` are promises that did not hold, ``missed`` goals that a slow machine can miss."""

    value: dict[str, Any]
    broken: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def build(
    *, options: "Options", made: Workload, run: Run, kept: Staging, sold: Sales,
    lags: list[tuple[float, float]], attempts: Mapping[int, int], dead_rows: Mapping[str, int],
    verified: Sequence[str], commit: str, journal: Path,
) -> Report:  # fmt: skip
    """Put everything together."""
    load = {
        "deliveries": made.deliveries,
        "acknowledged": run.told.acknowledged,
        "attempts_to_send": run.told.sent.total(),
        "per_second": round(run.told.acknowledged / max(run.seconds, 1), 1),
        "sales": len(made.wanted),
        "edits_by_hand": run.edits,
        "shares_percent": made.shares(),
    }
    value: dict[str, Any] = {
        "seed": options.seed,
        "commit": commit,
        "seconds": round(run.seconds, 1),
        "redis": options.redis,
        "defects": list(options.defects),
        "journal": str(journal),
        "load": load,
        "faults": _faults(run),
        "skipped": list(run.skipped),
        "answers": dict(sorted(run.told.causes.items())),
        "api_answers": dict(sorted(run.api.items())),
        "tampered": {str(status): n for status, n in sorted(run.told.tampered.items())},
        "staging": asdict(kept),
        "sales": asdict(sold),
        "verify_failed": list(verified),
        "ack_ms": _latency(run),
        "visible_s": _visible(run, lags),
        "backlog": {"peak": run.gauges.peak, "drain_s": round(max(run.drain, 0.0), 1)},
        "attempts": {str(number): count for number, count in attempts.items()},
        "memory_mb": {"rss": _rounded(run.gauges.rss), "pss": _rounded(run.gauges.pss)},
        "dead_rows": dict(dead_rows),
        "wal_bytes_per_delivery": round(run.wal / max(kept.staged, 1)),
    }
    value["lost"] = kept.lost + kept.edits_lost
    value["unexpected"] = kept.unexpected + run.told.stale_taken
    value["doubled"] = sold.doubled + kept.edits_doubled
    value["money"] = {
        currency: str(amount.quantize(_CENT)) for currency, amount in sorted(sold.money.items())
    }
    value["errors_5xx"] = _errors(run)
    report = Report(value=value)
    report.broken = _broken(report, run, kept, sold)
    report.missed = _missed(report, options)
    value["broken"], value["missed"] = report.broken, report.missed
    value["ok"] = not report.broken
    return report


def _faults(run: Run) -> list[dict[str, Any]]:
    times = taken(run.told.answers)
    return [
        {
            "at": round(one.begun - run.started, 1),
            "name": one.name,
            "lasted": round(one.ended - one.begun, 1),
            "until_2xx": None if (after := recovery(one, times)) is None else round(after, 2),
            "longest_without_2xx": round(silence(one, times), 2),
            **({"error": one.error} if one.error else {}),
        }
        for one in run.struck
    ]


def _latency(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = {}
    accepted = [one for one in run.told.answers if 200 <= one.status < 300]
    for name, within in (("outside_faults", False), ("inside_faults", True)):
        chosen = sorted(
            1000 * one.seconds
            for one in accepted
            if inside(run.struck, one.at - one.seconds) == within
        )
        found[name] = _spread(chosen)
    answered = [one.seconds for one in run.told.answers if one.status]
    found["slowest_answer_of_any_kind"] = round(1000 * max(answered, default=0.0), 1)
    return found


def _visible(run: Run, lags: list[tuple[float, float]]) -> dict[str, Any]:
    """Tell those apart that no fault touched while they waited."""
    calm = [
        lag for at, lag in lags if not touched(run.struck, at - run.clock, at - run.clock + lag)
    ]
    return {"outside_faults": _spread(calm), "all": _spread([lag for _, lag in lags])}


def _spread(values: list[float]) -> dict[str, Any]:
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    found = {name: quantile(values, share) for name, share in shares.items()}
    rounded = {name: None if v is None else round(v, 2) for name, v in found.items()}
    return {"n": len(values), **rounded}


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in values.items()}


def _errors(run: Run) -> int:
    """Count the answers of 500 and above that are not 503, of hooks and API alike."""
    both = (*run.told.causes.items(), *run.api.items())
    return sum(times for cause, times in both if cause[:1] == "5" and cause[:3] != "503")


def _broken(report: Report, run: Run, kept: Staging, sold: Sales) -> list[str]:
    value = report.value
    forged = sum(n for status, n in run.told.tampered.items() if 200 <= status < 300)
    odd = {
        cause for cause in value["answers"]
        if cause[:1] in ("1", "3", "4")
    }  # fmt: skip
    counts = {
        "lost": value["lost"],
        "unexpected in staging": value["unexpected"],
        "doubled effects": value["doubled"],
        "sales missing": sold.missing,
        "sales wrong": sold.wrong,
        "twins that differ": sold.twins_differ,
        "events missing in the ledger": sold.events_missing,
        "dead letters that differ": sold.dead_differ,
        "unsettled": kept.pending + sold.unsettled,
        "never acknowledged": run.unanswered,
        "tampered deliveries taken": forged,
        "5xx other than 503": value["errors_5xx"],
        "genuine deliveries refused": sum(value["answers"][cause] for cause in odd),
        "faults that could not strike": sum(bool(one.error) for one in run.struck),
        "broken by the product's own checks": len(value["verify_failed"]),
    }
    found = [f"{name}: {count}" for name, count in counts.items() if count]
    money = {currency: n for currency, n in sold.money.items() if n != Decimal(0)}
    return found + [f"money differs: {n} {currency}" for currency, n in money.items()]


def _missed(report: Report, options: "Options") -> list[str]:
    value, found = report.value, []
    outside = value["ack_ms"]["outside_faults"]["p99"]
    slowest = value["ack_ms"]["slowest_answer_of_any_kind"]
    late = value["answers"].get("timeout", 0)
    if outside is not None and outside > 1000 * _P99:
        found.append(f"p99 outside faults {outside} ms > {1000 * _P99:g} ms")
    if late or slowest > 1000 * PATIENCE:
        found.append(f"{late} answers later than {PATIENCE:g} s")
    if value["backlog"]["drain_s"] > _DRAIN:
        found.append(f"drained after {value['backlog']['drain_s']} s > {_DRAIN:g} s")
    if value["load"]["per_second"] < min(_RATE, options.rate * 0.75):
        found.append(f"{value['load']['per_second']} deliveries/s < {_RATE:g}")
    visible = value["visible_s"]["outside_faults"]["p99"]
    if not options.redis and visible is not None and visible > _VISIBLE_WITHOUT_REDIS:
        found.append(f"visible after {visible} s (p99) > {_VISIBLE_WITHOUT_REDIS:g} s")
    return found
