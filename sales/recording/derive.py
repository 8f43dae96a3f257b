"""The derived columns, recomputed from the rows that this transaction holds.

Each statement runs after its locks were taken: a statement sums with the snapshot it began with,
and one that had waited would sum without its neighbour's refund.
"""

from collections.abc import Collection
from uuid import UUID

from .arrays import Cursor, ordered
from .days import DAY, SETTINGS, UNCORRECTED

#: What is alive of a hand's ``deleted`` and a tombstone; {content} is the stamp it competes with.
_DELETED = """CASE WHEN {row}.hand->'deleted'->>'v' IN ('true', 'false')
    THEN ({row}.hand->'deleted'->>'v')::boolean
    ELSE {row}.gone_stamp <> ''
     AND substring({row}.gone_stamp FOR 17) >= substring({row}.{content} FOR 17) END"""


def _day(row: str, time: str) -> str:
    return DAY.format(row=row, time=time, broken=UNCORRECTED.format(row=row))


def _update(table: str, columns: str, derived: str) -> str:
    names = columns.split()
    sets = ", ".join(f"{name} = d.{name}" for name in names)
    mine = ", ".join(f"t.{name}" for name in names)
    theirs = ", ".join(f"d.{name}" for name in names)
    return (
        f"UPDATE {table} t SET {sets}, updated_at = clock_timestamp() FROM ({derived}) d"
        f" WHERE t.id = d.id AND ({mine}) IS DISTINCT FROM ({theirs}) RETURNING t.id"
    )


_REFUNDS = _update(
    "sales_refund",
    "sale_id deleted visible is_test business_date",
    f"""
SELECT r.id, COALESCE(r.link_sale_id, p.sale_id) AS sale_id, x.deleted,
  r.content_stamp <> '' AND NOT x.deleted AS visible,
  r.stated_test OR src.is_test AS is_test,
  CASE WHEN r.content_stamp <> '' THEN {_day("r", "r.occurred_at")} END
    AS business_date
FROM sales_refund r
{SETTINGS.format(row="r", place="r")}
LEFT JOIN sales_payment p ON p.id = r.link_payment_id
CROSS JOIN LATERAL (SELECT {_DELETED.format(row="r", content="content_stamp")} AS deleted) x
WHERE r.id = ANY(%b)
""",
)

#: The revision that read the payment: two bytes of its stamp.
_MAPPER = "COALESCE(get_byte(f.content_stamp, 17) * 256 + get_byte(f.content_stamp, 18), 0)"
#: h: the header as it counts. An implied sale takes it from its first payment, field by field
#: unless a person set one; the link to a customer falls back as long as nobody stated it.
_HEADER = (
    """
CROSS JOIN LATERAL (SELECT s.header_stamp = '' AS headless, COALESCE(s.base, '{}') AS base) b
LEFT JOIN LATERAL (
  SELECT p.* FROM sales_payment p
  WHERE p.sale_id = s.id AND p.content_stamp <> '' AND NOT p.deleted
  ORDER BY p.status = 'completed' DESC, p.paid_at NULLS LAST, p.id LIMIT 1
) f ON b.headless OR s.customer_stamp = ''
LEFT JOIN LATERAL (
  SELECT sum(p.tip) AS tips, bool_or(p.is_test) AS test FROM sales_payment p
  WHERE b.headless AND p.sale_id = s.id AND p.content_stamp <> '' AND NOT p.deleted
    AND p.status = 'completed' AND p.currency = f.currency
) g ON true
CROSS JOIN LATERAL (SELECT
"""
    + ",\n".join(
        f"  CASE WHEN {when} AND NOT b.base ? '{name}' THEN {value} ELSE s.{column} END AS {column}"
        for name, column, when, value in (
            ("occurred_at", "occurred_at", "b.headless", "f.paid_at"),
            ("currency", "currency", "b.headless", "f.currency"),
            ("location", "location_id", "b.headless", "f.location_id"),
            ("device", "device_id", "b.headless", "f.device_id"),
            ("employee", "employee_id", "b.headless", "f.employee_id"),
            ("tip_total", "tip_total", "b.headless", "g.tips"),
            ("customer", "customer_id", "s.customer_stamp = ''", "f.customer_id"),
            ("mapper", "mapper", "b.headless", _MAPPER),
        )
    )
    + ") h"
)

#: What a counter says went back of a payment, less the refunds that it can have counted: those
#: that were there by then and had not failed. An undated one it has counted.
_UNCOUNTED = """GREATEST(p.refunded_cum - COALESCE((
      SELECT sum(c.total) FROM sales_refund c
      WHERE c.sale_id = s.id AND c.link_payment_id = p.id AND c.visible
        AND c.currency = p.currency AND COALESCE(c.occurred_at <= p.counted_at, true)
        AND NOT (c.status = 'failed'
          AND COALESCE(COALESCE(c.provider_at, c.occurred_at) <= p.counted_at, true))
    ), 0), 0)"""

#: p, r, l: sums over the parts that live, in the sale's own currency.
_SUMS = f"""
CROSS JOIN LATERAL (
  SELECT count(*) AS alive,
    count(*) FILTER (WHERE p.status = 'completed') AS done,
    count(*) FILTER (WHERE p.status IN ('pending', 'approved')) AS waiting,
    count(*) FILTER (WHERE p.status = 'completed' AND p.currency <> h.currency) AS foreign_ones,
    sum(p.amount) FILTER (WHERE p.status = 'completed'
      AND p.currency IS NOT DISTINCT FROM COALESCE(h.currency, p.currency)) AS paid,
    COALESCE(sum(CASE WHEN p.refunded_cum > 0 THEN {_UNCOUNTED} END) FILTER (
      WHERE p.status = 'completed' AND NOT p.owned
      AND p.currency IS NOT DISTINCT FROM COALESCE(h.currency, p.currency)), 0) AS uncounted
  FROM sales_payment p
  WHERE p.sale_id = s.id AND p.content_stamp <> '' AND NOT p.deleted
) p
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE r.currency <> h.currency) AS foreign_ones,
    COALESCE(sum(r.total) FILTER (
      WHERE r.currency IS NOT DISTINCT FROM COALESCE(h.currency, r.currency)), 0) AS refunded
  FROM sales_refund r
  WHERE r.sale_id = s.id AND r.visible AND r.status = 'completed'
) r
CROSS JOIN LATERAL (
  SELECT count(*) = count(l.gross) AS summable, COALESCE(sum(l.gross), 0) AS gross
  FROM sales_saleline l WHERE l.sale_id = s.id
) l
"""

_FACTS = f"""
CROSS JOIN LATERAL (SELECT
  CASE WHEN NOT b.headless THEN 'stated' WHEN p.alive > 0 THEN 'implied' ELSE 'stub' END AS known,
  {_DELETED.format(row="s", content="header_stamp")} AS deleted,
  s.lines_stamp <> '' OR b.base ? 'lines' AS has_lines,
  s.kind IN ('sale', 'correction') AS revenue,
  CASE WHEN s.stated_status <> '' THEN s.stated_status
       WHEN p.alive = 0 OR (p.done = 0 AND p.waiting > 0) THEN 'open'
       WHEN p.done > 0 THEN 'completed' ELSE 'voided' END AS document,
  CASE WHEN b.headless AND s.stated_total IS NULL AND NOT b.base ? 'total' THEN p.paid
       ELSE s.stated_total END AS total,
  CASE WHEN s.money_stamp <> '' OR p.alive > 0 THEN COALESCE(p.paid, 0) END AS paid,
  r.refunded + p.uncounted AS refunded
) k
CROSS JOIN LATERAL (SELECT
  k.known <> 'stub' AND NOT k.deleted AND s.role = 'sale' AS visible,
  s.stated_test OR src.is_test OR COALESCE(g.test, false) AS is_test,
  CASE WHEN k.document <> 'completed' THEN k.document
       WHEN k.refunded <= 0 THEN 'completed'
       WHEN k.refunded >= k.total THEN 'refunded' ELSE 'partially_refunded' END AS status
) m
"""

_ANOMALIES = """ARRAY(SELECT DISTINCT a COLLATE "C" FROM unnest(
  CASE WHEN b.base ? 'occurred_at' THEN array_remove(s.stated_anomalies, 'clock')
       ELSE s.stated_anomalies END
  || CASE WHEN k.known <> 'stub' THEN ARRAY[
    CASE WHEN k.revenue AND NOT k.has_lines THEN 'lines_missing' END,
    CASE WHEN k.has_lines AND l.summable AND s.gross_total <> l.gross THEN 'lines_mismatch' END,
    CASE WHEN k.total - s.gross_total + COALESCE(s.discount_total, 0)
      - COALESCE(s.service_total, 0) - COALESCE(s.delivery_total, 0) - COALESCE(h.tip_total, 0)
      - COALESCE(s.rounding_total, 0)
      - CASE WHEN s.tax_included THEN 0 ELSE COALESCE(s.tax_total, 0) END <> 0
      THEN 'total_mismatch' END,
    CASE WHEN k.refunded > k.total THEN 'refund_exceeds_sale' END,
    CASE WHEN k.document = 'completed' AND k.paid > k.total THEN 'overpaid' END,
    CASE WHEN k.document = 'completed' AND k.paid < k.total THEN 'underpaid' END,
    CASE WHEN p.foreign_ones + r.foreign_ones > 0 THEN 'currency_mismatch' END,
    CASE WHEN s.ties <> 0 THEN 'tied' END
  ] ELSE '{}' END) a WHERE a IS NOT NULL ORDER BY 1)"""

_SALES = _update(
    "sales_sale",
    "occurred_at currency location_id device_id employee_id customer_id tip_total mapper "
    "total paid_total refunded_total net_total status business_date known deleted visible is_test "
    "counts anomalies",
    f"""
SELECT s.id, h.*, k.total, k.paid AS paid_total, k.refunded AS refunded_total,
  CASE WHEN m.status = 'voided' THEN 0 ELSE k.total - k.refunded END AS net_total,
  m.status, k.known, k.deleted, m.visible, m.is_test,
  CASE WHEN k.known <> 'stub' THEN {_day("s", "h.occurred_at")} END
    AS business_date,
  m.visible AND k.revenue AND m.status <> 'voided' AND NOT m.is_test AND s.mirror_of IS NULL
    AS counts,
  {_ANOMALIES} AS anomalies
FROM sales_sale s
{_HEADER}
{SETTINGS.format(row="s", place="h")}
{_SUMS}
{_FACTS}
WHERE s.id = ANY(%b)
""",
)


def _first_of(kind: str, seen: str) -> str:
    """Of records with one fiscal receipt from several sources, one counts: the highest priority,
    then the smallest id. Only those that are seen take part."""
    return f"""
JOIN accounts_source src ON src.id = s.source_id
CROSS JOIN LATERAL (SELECT {seen.format(row="s")} AS seen) v
CROSS JOIN LATERAL (SELECT (
  SELECT o.id FROM sales_fiscal mine
  JOIN sales_fiscal theirs ON theirs.account_id = mine.account_id
    AND theirs.fn = mine.fn AND theirs.fd = mine.fd AND theirs.owner_kind = '{kind}'
  JOIN sales_{kind} o ON o.id = theirs.owner_id AND o.source_id <> s.source_id
    AND {seen.format(row="o")}
  JOIN accounts_source other ON other.id = o.source_id
  WHERE mine.owner_id = s.id AND v.seen AND (-other.priority, o.id) < (-src.priority, s.id)
  ORDER BY -other.priority, o.id LIMIT 1
) AS first) x"""


_SEEN = "{row}.visible AND NOT {row}.is_test"
_MIRRORS = _update(
    "sales_sale",
    "mirror_of counts",
    f"""
SELECT s.id, x.first AS mirror_of,
  v.seen AND s.kind IN ('sale', 'correction') AND s.status <> 'voided' AND x.first IS NULL
    AS counts
FROM sales_sale s {_first_of("sale", _SEEN)}
WHERE s.id = ANY(%b)
""",
)
_REFUND_MIRRORS = _update(
    "sales_refund",
    "mirror_of",
    f"""
SELECT s.id, x.first AS mirror_of
FROM sales_refund s {_first_of("refund", f"{_SEEN} AND {{row}}.status = 'completed'")}
WHERE s.id = ANY(%b)
""",
)


def _run(cursor: Cursor, statement: str, ids: Collection[UUID]) -> set[UUID]:
    if not ids:
        return set()
    return {row[0] for row in cursor.rows(statement, ordered(ids))}


def refunds(cursor: Cursor, ids: Collection[UUID]) -> set[UUID]:
    """Derive refunds: their sale, day, visibility. Returns the ids of those that changed."""
    return _run(cursor, _REFUNDS, ids)


def sales(cursor: Cursor, ids: Collection[UUID]) -> set[UUID]:
    """Derive sales: totals, status, day, visibility. Returns the ids of those that changed."""
    return _run(cursor, _SALES, ids)


def mirrors(cursor: Cursor, ids: Collection[UUID]) -> set[UUID]:
    """Decide which sale of each fiscal receipt counts. Returns the ids of those that changed."""
    return _run(cursor, _MIRRORS, ids)


def refund_mirrors(cursor: Cursor, ids: Collection[UUID]) -> set[UUID]:
    """Decide which refund of each fiscal receipt counts. Returns the ids of those that changed.

    Whether a refund's sale counts is no part of it: that would be known only under the lock of the
    sale, which comes after the refund's (``sales/selectors.py`` adds it).
    """
    return _run(cursor, _REFUND_MIRRORS, ids)
