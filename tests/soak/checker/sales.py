"""Staging against sales: each sale as its model says, each event counted once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ..model import Wanted

Key = tuple[str, str]
_SALES = """
SELECT s.source_id, s.external_id, s.total, s.paid_total, s.refunded_total, s.net_total, s.status,
       s.number, s.known, s.counts, s.visible, s.deleted, s.currency, s.business_date,
       (SELECT count(*) FROM sales_saleline l WHERE l.sale_id = s.id) AS lines,
       (SELECT count(*) FROM sales_payment p WHERE p.sale_id = s.id AND NOT p.deleted) AS payments,
       (SELECT count(*) FROM sales_refund r WHERE r.sale_id = s.id AND r.visible) AS refunds
FROM sales_sale s
"""
_OUTCOMES = """
SELECT a.source_id, a.outcome, count(*) FROM (
  SELECT DISTINCT ON (delivery_id, position) source_id, outcome, delivery_id
  FROM tasks_attempt ORDER BY delivery_id, position, id DESC) a
JOIN ingest_delivery d ON d.id = a.delivery_id
WHERE d.origin = 'push' GROUP BY 1, 2
"""
_UNSETTLED = """
SELECT count(*) FROM ingest_delivery d WHERE NOT EXISTS
  (SELECT FROM tasks_attempt a WHERE a.delivery_id = d.id)
"""
_LEDGER = "SELECT source_id, count(*) FROM tasks_event GROUP BY 1"
_DEAD = """
SELECT d.source_id, encode(d.sha256, 'hex'), count(*)
FROM tasks_deadletter t JOIN ingest_delivery d ON d.id = t.delivery_id
WHERE t.closed_at IS NULL GROUP BY 1, 2
"""
#: Parts that carry money: where there are too many, something had its effect twice.
_PARTS = ("payments", "refunds")


@dataclass(slots=True)
class Sales:
    """What the comparison found, in sales unless said otherwise."""

    wanted: int = 0
    right: int = 0
    missing: int = 0
    wrong: int = 0
    #: Sales nobody sold, parts there are too many of, events that counted twice, twins that differ.
    doubled: int = 0
    unsettled: int = 0
    events: int = 0
    events_missing: int = 0
    twins: int = 0
    twins_differ: int = 0
    dead_expected: int = 0
    dead: int = 0
    dead_differ: int = 0
    #: Currency → the differences of all accounts and days, added up without their signs.
    money: dict[str, Decimal] = field(default_factory=dict)
    turnover: dict[str, Decimal] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)


def compare(
    connection: psycopg.Connection[Any], wanted: Mapping[Key, Wanted], names: Mapping[int, str]
) -> Sales:  # fmt: skip
    """Compare row by row, then the money of every account, currency and day."""
    found = Sales(wanted=len(wanted))
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = {
            (names.get(row["source_id"], ""), row["external_id"]): row
            for row in cursor.execute(_SALES)
        }
    for key, row in rows.items():
        if row["visible"] and key not in wanted:
            _note(found, "doubled", f"a sale that nobody sold: {key}")
    for key, one in wanted.items():
        _judge(found, one, rows.get(key))
    _twins(found, wanted, rows)
    _money(found, wanted, rows)
    return found


def _judge(found: Sales, one: Wanted, row: Mapping[str, Any] | None) -> None:
    if row is None:
        _note(found, "missing", f"no sale {one.key}")
        return
    wrong = {
        name: (value, row[name]) for name, value in _expected(one).items() if value != row[name]
    }
    found.right += not wrong
    if wrong:
        _note(found, "wrong", f"{one.key}: {wrong}")
    if any(name in wrong and wrong[name][1] > wrong[name][0] for name in _PARTS):
        _note(found, "doubled", f"{one.key} has too many parts: {wrong}")


def _expected(one: Wanted) -> dict[str, Any]:
    """Return the columns that the model knows; deleted ones have no others to be judged by."""
    if one.deleted:
        return {"deleted": True, "visible": False, "counts": False}
    if one.either:
        return {"visible": True, "counts": True, "payments": 1, "refunds": 0}

    def money(minor: int | None) -> Decimal | None:
        return None if minor is None else one.till.money(minor)

    return {
        "total": money(one.total),
        "paid_total": money(one.paid),
        "refunded_total": money(one.refunded),
        "net_total": money(one.net),
        "status": one.status,
        "known": one.known,
        "counts": one.counts,
        "visible": True,
        "currency": one.till.currency,
        "business_date": one.till.day(one.occurred_at),
        "lines": one.lines,
        "payments": one.payments,
        "refunds": len(one.refunds),
        **({} if one.number is None else {"number": one.number}),
    }


def _twins(
    found: Sales, wanted: Mapping[Key, Wanted], rows: Mapping[Key, Mapping[str, Any]]
) -> None:  # fmt: skip
    """Two sources that were told the same in opposite orders must hold the same."""
    pairs: dict[str, set[Decimal | None]] = {}
    for key, one in wanted.items():
        if one.either:
            total = rows[key]["total"] if key in rows else None
            pairs.setdefault(one.external_id, set()).add(total)
            if total is not None and total not in {one.till.money(minor) for minor in one.either}:
                _note(found, "wrong", f"{key} holds neither of two contents: {total}")
    found.twins = len(pairs)
    for name, totals in pairs.items():
        if len(totals) > 1:
            _note(found, "twins_differ", f"twins {name} differ: {totals}")


def _money(
    found: Sales, wanted: Mapping[Key, Wanted], rows: Mapping[Key, Mapping[str, Any]]
) -> None:  # fmt: skip
    sums: dict[tuple[str, str, Any], Decimal] = defaultdict(Decimal)
    for one in wanted.values():
        if one.counts and not one.either and one.net is not None:
            day = one.till.day(one.occurred_at)
            sums[one.till.account, one.till.currency, day] += one.till.money(one.net)
            _add(found.turnover, one.till.currency, one.till.money(one.net))
    tills = {one.till.name: one.till for one in wanted.values()}
    for (source, name), row in rows.items():
        either = (source, name) in wanted and wanted[source, name].either
        if row["counts"] and source in tills and not either:
            key = (tills[source].account, row["currency"], row["business_date"])
            sums[key] -= row["net_total"] or Decimal(0)
    for (_, currency, _), difference in sums.items():
        _add(found.money, currency, abs(difference))


def _add(sums: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    sums[currency] = sums.get(currency, Decimal(0)) + amount


def settle(
    connection: psycopg.Connection[Any], found: Sales, events: Counter[Key],
    dead: Mapping[Key, int], names: Mapping[int, str],
) -> None:  # fmt: skip
    """Compare the outcomes: each event counted once, each dead letter one that had to die."""
    ledger = {names.get(source, ""): count for source, count in connection.execute(_LEDGER)}
    counted: Counter[str] = Counter()
    for source, outcome, count in connection.execute(_OUTCOMES):
        found.outcomes[outcome] = found.outcomes.get(outcome, 0) + count
        if outcome in ("recorded", "superseded", "fetching"):
            counted[names.get(source, "")] += count
    for source in set(names.values()):
        told = events[source, "sale"]
        found.events += told
        found.events_missing += abs(told + events[source, "ignored"] - ledger.get(source, 0))
        if counted[source] > told:
            _note(found, "doubled", f"{source}: {told} events counted {counted[source]} times",
                  counted[source] - told)  # fmt: skip
    row = connection.execute(_UNSETTLED).fetchone()
    found.unsettled = row[0] if row else 0
    letters = {(names.get(source, ""), sha): n for source, sha, n in connection.execute(_DEAD)}
    found.dead_expected, found.dead = sum(dead.values()), sum(letters.values())
    found.dead_differ = sum(
        abs(dead.get(key, 0) - letters.get(key, 0)) for key in {*dead, *letters}
    )


def listed(
    found: Sales, wanted: Mapping[Key, Wanted], account: str, rows: Iterable[Key]
) -> None:  # fmt: skip
    """Compare what the API lists to a token of an account with what is that account's."""
    shown = Counter(rows)
    own = {key for key, one in wanted.items() if one.till.account == account and not one.deleted}
    for key in own - shown.keys():
        _note(found, "missing", f"{account} is not shown {key}")
    for key, times in shown.items():
        if key not in own or times > 1:
            _note(found, "doubled", f"{account} is shown {key} {times} times")


def _note(found: Sales, name: str, example: str, times: int = 1) -> None:
    setattr(found, name, getattr(found, name) + times)
    if len(found.examples) < 10:
        found.examples.append(example)
