"""The derived columns of sales and refunds in plain Python: the reference for the SQL that does it.

Rows are dictionaries of column → value, as the tables have them. No Django in here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from .. import hand

Row = dict[str, Any]
Table = dict[Any, Row]

_VERSION = 17  # of a stamp: rank, clock and seq
_MAPPER = slice(17, 19)
_REVENUE = ("sale", "correction")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """``timezone`` is the source's zone or, where it has none, its account's."""

    timezone: str
    priority: int = 0
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class LocationSettings:
    """An empty ``timezone`` is the source's; ``day_cutoff`` is an hour."""

    timezone: str = ""
    day_cutoff: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """What is no statement: a change of it derives the rows anew."""

    sources: Mapping[int, SourceSettings]
    locations: Mapping[UUID, LocationSettings] = field(default_factory=dict)


def is_dead(row: Row, content: str) -> bool:
    """Say whether a tombstone is not older than the content; a person's word outweighs both."""
    said = row["hand"].get(hand.DELETED)
    if hand.is_set(said):
        return bool(said["v"])
    gone: bytes = row["gone_stamp"]
    return bool(gone) and gone[:_VERSION] >= row[content][:_VERSION]


def business_date(row: Row, settings: Settings) -> date:
    """Return the provider's own day, else the day of the till's time in the location's zone."""
    if row["stated_date"] is not None:
        return row["stated_date"]  # type: ignore[no-any-return]
    times: list[datetime | None] = [row["occurred_at"], row["provider_at"], row["received_at"]]
    if "clock" in clock_checked(row):
        times = [row["received_at"]]
    location = settings.locations.get(row["location_id"], LocationSettings())
    zone = location.timezone or settings.sources[row["source_id"]].timezone
    local = next(time for time in times if time is not None).astimezone(ZoneInfo(zone))
    # The hours of the wall clock: a day that changes to summer time begins at its cut-off too.
    return (local.replace(tzinfo=None) - timedelta(hours=location.day_cutoff)).date()


def clock_checked(row: Row) -> list[str]:
    """Return the stated anomalies; a time that a person set is no broken clock."""
    corrected = "occurred_at" in (row["base"] or {})
    return [x for x in row["stated_anomalies"] if not (corrected and x == "clock")]


def derive_refund(row: Row, payments: Table, settings: Settings) -> None:
    """Fill in a refund's sale, day and visibility."""
    payment = payments.get(row["link_payment_id"], {"sale_id": None})
    own = row["link_sale_id"]
    row["sale_id"] = payment["sale_id"] if own is None else own
    row["deleted"] = is_dead(row, "content_stamp")
    stated = row["content_stamp"] != b""
    row["visible"] = stated and not row["deleted"]
    row["is_test"] = row["stated_test"] or settings.sources[row["source_id"]].is_test
    row["business_date"] = business_date(row, settings) if stated else None


def derive_sale(
    row: Row, *, payments: Sequence[Row], refunds: Sequence[Row], lines: Sequence[Row],
    settings: Settings,
) -> None:  # fmt: skip
    """Fill in a sale's derived columns but for mirrors, from all of its parts."""
    alive = [p for p in payments if p["content_stamp"] != b"" and not p["deleted"]]
    headless = row["header_stamp"] == b""
    tested = _take_from_payments(row, alive, headless=headless)
    row["known"] = "stated" if not headless else "implied" if alive else "stub"
    paid, foreign = _sum(alive, "amount", row["currency"])
    returned = [r for r in refunds if r["visible"]]
    refunded, foreign_refunds = _sum(returned, "total", row["currency"])
    row["paid_total"] = (paid or Decimal(0)) if alive or row["money_stamp"] != b"" else None
    row["refunded_total"] = (refunded or Decimal(0)) + sum(
        (_uncounted(p, returned) for p in alive if row["currency"] in (None, p["currency"])),
        Decimal(0),
    )
    implied = headless and row["stated_total"] is None and "total" not in (row["base"] or {})
    row["total"] = paid if implied else row["stated_total"]
    document = row["stated_status"] or _status_of(alive)
    row["status"] = _status(document, row["total"], row["refunded_total"])
    row["net_total"] = _net(row)
    row["deleted"] = is_dead(row, "header_stamp")
    row["visible"] = row["known"] != "stub" and not row["deleted"] and row["role"] == "sale"
    source = settings.sources[row["source_id"]]
    row["is_test"] = row["stated_test"] or source.is_test or tested
    stub = row["known"] == "stub"
    row["business_date"] = None if stub else business_date(row, settings)
    found = set(clock_checked(row))
    if not stub:
        found |= _anomalies(row, lines, document, foreign=foreign or foreign_refunds)
    row["anomalies"] = sorted(found)
    row["money_gap"] = _gap(row)


def derive_mirrors(
    sales: Table, refunds: Table, receipts: Sequence[Row], settings: Settings
) -> None:
    """Let one record of each fiscal receipt count, where several sources sent it."""
    _mirror(sales, [r for r in receipts if r["owner_kind"] == "sale"], settings)
    _mirror(refunds, [r for r in receipts if r["owner_kind"] == "refund"], settings)
    for sale in sales.values():
        sale["counts"] = (
            _seen(sale)
            and sale["kind"] in _REVENUE
            and sale["status"] != "voided"
            and sale["mirror_of"] is None
        )


def _mirror(rows: Table, receipts: Iterable[Row], settings: Settings) -> None:
    holders: dict[tuple[Any, ...], list[Row]] = {}
    of: dict[UUID, list[tuple[Any, ...]]] = {}
    for receipt in receipts:
        if None not in (receipt["fn"], receipt["fd"]):
            key = (receipt["account_id"], receipt["fn"], receipt["fd"])
            holders.setdefault(key, []).append(rows[receipt["owner_id"]])
            of.setdefault(receipt["owner_id"], []).append(key)

    def place(row: Row) -> tuple[int, UUID]:
        return -settings.sources[row["source_id"]].priority, row["id"]

    for row in rows.values():
        rivals = [
            other
            for key in of.get(row["id"], ())
            for other in holders[key]
            if other["source_id"] != row["source_id"] and place(other) < place(row)
            if _seen(other) and _seen(row)
        ]
        row["mirror_of"] = min(rivals, key=place)["id"] if rivals else None


def _seen(row: Row) -> bool:
    """Say whether a sale or refund takes part: of refunds those that were carried out."""
    done = "known" in row or row["status"] == "completed"
    return bool(row["visible"] and not row["is_test"] and done)


def _take_from_payments(row: Row, alive: Sequence[Row], *, headless: bool) -> bool:
    """Fill the header of an implied sale from its first payment; say whether that was a test."""
    completed = [p for p in alive if p["status"] == "completed"]
    first = min(completed or alive, key=_first, default=None)
    set_by_hand = row["base"] or {}

    def take(field: str, column: str, value: Any) -> None:
        if field not in set_by_hand:
            row[column] = value

    if row["customer_stamp"] == b"":
        take("customer", "customer_id", first and first["customer_id"])
    if not headless:
        return False
    row["mapper"] = int.from_bytes(first["content_stamp"][_MAPPER], "big") if first else 0
    take("occurred_at", "occurred_at", first and first["paid_at"])
    take("currency", "currency", first and first["currency"])
    for field_ in ("location", "device", "employee"):
        take(field_, f"{field_}_id", first and first[f"{field_}_id"])
    same = [p for p in completed if first and p["currency"] == first["currency"]]
    tips = [p["tip"] for p in same if p["tip"] is not None]
    take("tip_total", "tip_total", sum(tips, Decimal(0)) if tips else None)
    return any(p["is_test"] for p in same)


def _first(payment: Row) -> tuple[bool, float, UUID]:
    paid_at: datetime | None = payment["paid_at"]
    return paid_at is None, paid_at.timestamp() if paid_at else 0.0, payment["id"]


def _sum(parts: Sequence[Row], column: str, currency: str | None) -> tuple[Decimal | None, bool]:
    """Sum completed parts of one currency; say whether there were others."""
    completed = [part for part in parts if part["status"] == "completed"]
    same = [p[column] for p in completed if currency is None or p["currency"] == currency]
    return (sum(same, Decimal(0)) if same else None), len(same) < len(completed)


def _uncounted(payment: Row, refunds: Sequence[Row]) -> Decimal:
    """Return what a payment's counter says went back beyond the refunds it can have counted."""
    if payment["refunded_cum"] is None or payment["owned"] or payment["status"] != "completed":
        return Decimal(0)
    counted = [
        refund["total"]
        for refund in refunds
        if refund["link_payment_id"] == payment["id"]
        and refund["currency"] == payment["currency"]
        and _was_counted(refund, payment["counted_at"])
    ]
    uncounted: Decimal = payment["refunded_cum"] - sum(counted, Decimal(0))
    return max(uncounted, Decimal(0))


def _was_counted(refund: Row, at: datetime | None) -> bool:
    """Say whether a refund was there, and had not failed, when a payment's counter was read."""

    def by_then(time: datetime | None) -> bool:
        return at is None or time is None or time <= at

    failed = refund["status"] == "failed" and by_then(
        refund["provider_at"] or refund["occurred_at"]
    )
    return by_then(refund["occurred_at"]) and not failed


def _status_of(alive: Sequence[Row]) -> str:
    states = {payment["status"] for payment in alive}
    if "completed" in states:
        return "completed"
    return "open" if not states or states & {"pending", "approved"} else "voided"


def _status(document: str, total: Decimal | None, refunded: Decimal) -> str:
    if document != "completed" or refunded <= 0:
        return document
    return "refunded" if total is not None and refunded >= total else "partially_refunded"


def _net(row: Row) -> Decimal | None:
    if row["status"] == "voided":
        return Decimal(0)
    return None if row["total"] is None else row["total"] - row["refunded_total"]


def _gap(row: Row) -> Decimal | None:
    if row["total"] is None or row["gross_total"] is None:
        return None

    def known(name: str) -> Decimal:
        return row[name] or Decimal(0)

    charges = sum(map(known, ("service_total", "delivery_total", "tip_total", "rounding_total")))
    tax = Decimal(0) if row["tax_included"] else known("tax_total")
    expected = row["gross_total"] - known("discount_total") + charges + tax
    return row["total"] - expected  # type: ignore[no-any-return]


def _anomalies(row: Row, lines: Sequence[Row], document: str, *, foreign: bool) -> set[str]:
    has_lines = row["lines_stamp"] != b"" or hand.LINES in (row["base"] or {})
    grosses = [line["gross"] for line in lines]
    total, paid = row["total"], row["paid_total"]
    closed = document == "completed" and None not in (total, paid)
    found = {
        "lines_missing": row["kind"] in _REVENUE and not has_lines,
        "lines_mismatch": has_lines
        and row["gross_total"] is not None
        and None not in grosses
        and sum(grosses) != row["gross_total"],
        "total_mismatch": bool(_gap(row)),
        "refund_exceeds_sale": total is not None and row["refunded_total"] > total,
        "overpaid": closed and paid > total,
        "underpaid": closed and paid < total,
        "currency_mismatch": foreign,
        "tied": row["ties"] != 0,
    }
    return {name for name, holds in found.items() if holds}
