"""I4: what is derived of sales and refunds equals what their parts give, computed here anew.

Written from ``docs/merge-rule.md`` and apart from ``sales.recording``, so that an error there
shows as well as a row that somebody changed.
"""

from .base import Check, Walk

_AGAIN = "разберите доставки продажи снова: manage.py replay --help / settle its deliveries again"

#: p and r: the parts of a sale that live; b is the sale. What a payment's counter says went back
#: beyond the refunds that were there by then, and had not failed, went back too.
_PARTS = """
    CROSS JOIN LATERAL (
      SELECT count(*) AS alive,
        count(*) FILTER (WHERE status = 'completed') AS done,
        count(*) FILTER (WHERE status IN ('pending', 'approved')) AS waiting,
        coalesce(bool_or(is_test) FILTER (WHERE status = 'completed'), false) AS test,
        sum(amount) FILTER (WHERE status = 'completed'
          AND (b.currency IS NULL OR currency IS NOT DISTINCT FROM b.currency)) AS paid
      FROM sales_payment WHERE sale_id = b.id AND content_stamp <> '' AND NOT deleted
    ) p
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(total) FILTER (WHERE b.currency IS NULL
               OR currency IS NOT DISTINCT FROM b.currency), 0) AS refunded
      FROM sales_refund
      WHERE sale_id = b.id AND status = 'completed' AND content_stamp <> '' AND NOT deleted
    ) told
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(greatest(pay.refunded_cum - counted.total, 0)), 0) AS refunded
      FROM sales_payment pay
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(back.total), 0) AS total FROM sales_refund back
        WHERE back.link_payment_id = pay.id AND back.sale_id = b.id
          AND back.currency = pay.currency AND back.content_stamp <> '' AND NOT back.deleted
          AND NOT coalesce(back.occurred_at > pay.counted_at, false)
          AND (back.status <> 'failed' OR coalesce(
            coalesce(back.provider_at, back.occurred_at) > pay.counted_at, false))
      ) counted
      WHERE pay.sale_id = b.id AND pay.refunded_cum IS NOT NULL AND NOT pay.owned
        AND pay.status = 'completed' AND pay.content_stamp <> '' AND NOT pay.deleted
        AND (b.currency IS NULL OR pay.currency = b.currency)
    ) untold
    CROSS JOIN LATERAL (SELECT told.refunded + untold.refunded AS refunded) r
"""
#: A person's word about "deleted", else the tombstone against the content, a tie being dead.
_DELETED = """coalesce(
  CASE b.hand #>> '{{deleted,v}}' WHEN 'true' THEN true WHEN 'false' THEN false END,
  b.gone_stamp <> '' AND substr(b.gone_stamp, 1, 17) >= substr(b.{content}, 1, 17))"""


def _day(known: str) -> str:
    return f"""CASE WHEN {known} THEN coalesce(b.stated_date, (
      CASE WHEN 'clock' = ANY(b.stated_anomalies) AND NOT coalesce(b.base ? 'occurred_at', false)
           THEN b.received_at ELSE coalesce(b.occurred_at, b.provider_at, b.received_at) END
      AT TIME ZONE coalesce(nullif(place.timezone, ''), nullif(src.timezone, ''), acc.timezone)
      - coalesce(place.day_cutoff, 0) * interval '1 hour')::date) END"""


_OWNERS = """
    LEFT JOIN accounts_source src ON src.id = b.source_id
    LEFT JOIN accounts_account acc ON acc.id = b.account_id
    LEFT JOIN sales_location place ON place.id = b.location_id
"""


def _compare(table: str, columns: str, tables: str, values: str) -> Walk:
    """Walk a table and name the rows and columns whose stored value is not the computed one."""
    names = columns.split()
    differing = " || ".join(
        f"CASE WHEN b.{name} IS DISTINCT FROM x.{name} THEN ' {name}' ELSE '' END" for name in names
    )
    return Walk(
        table=table,
        broken=f"""
            SELECT d.what FROM batch b {tables}
            CROSS JOIN LATERAL (SELECT {values}) AS x({", ".join(names)})
            CROSS JOIN LATERAL (SELECT {differing} AS wrong) w
            CROSS JOIN LATERAL (SELECT '{table} ' || b.id || w.wrong AS what) d
            WHERE w.wrong <> ''
        """,  # noqa: S608
    )


#: A person may say that the total of a sale known by its payments alone is not known.
_TOTAL = """coalesce(b.stated_total,
  CASE WHEN b.header_stamp = '' AND NOT coalesce(b.base ? 'total', false) THEN p.paid END)"""
TOTALS = _compare(
    "sales_sale",
    "total paid_total refunded_total net_total",
    _PARTS,
    f"{_TOTAL}, CASE WHEN b.money_stamp <> '' OR p.alive > 0 THEN coalesce(p.paid, 0) END,"
    f" r.refunded, CASE WHEN b.status = 'voided' THEN 0 ELSE {_TOTAL} - r.refunded END",
)
_DOCUMENT = """CASE WHEN b.stated_status <> '' THEN b.stated_status
  WHEN p.alive = 0 OR (p.done = 0 AND p.waiting > 0) THEN 'open'
  WHEN p.done > 0 THEN 'completed' ELSE 'voided' END"""
STATES = (
    _compare(
        "sales_sale",
        "known deleted status is_test visible counts",
        f"""{_PARTS} {_OWNERS}
        CROSS JOIN LATERAL (SELECT {_DOCUMENT} AS document,
          {_DELETED.format(content="header_stamp")} AS deleted,
          CASE WHEN b.header_stamp <> '' THEN 'stated' WHEN p.alive > 0 THEN 'implied'
          ELSE 'stub' END AS known) k
        CROSS JOIN LATERAL (SELECT
          k.known <> 'stub' AND NOT k.deleted AND b.role = 'sale' AS visible,
          b.stated_test OR src.is_test OR (b.header_stamp = '' AND p.test) AS is_test,
          CASE WHEN k.document <> 'completed' THEN k.document
               WHEN r.refunded <= 0 THEN 'completed' WHEN r.refunded >= b.total THEN 'refunded'
               ELSE 'partially_refunded' END AS status) m""",
        "k.known, k.deleted, m.status, m.is_test, m.visible, m.visible AND m.status <> 'voided'"
        " AND b.kind IN ('sale', 'correction') AND NOT m.is_test AND b.mirror_of IS NULL",
    ),
    _compare(
        "sales_refund",
        "deleted is_test visible",
        f"""{_OWNERS} CROSS JOIN LATERAL (
          SELECT {_DELETED.format(content="content_stamp")} AS gone) k""",
        "k.gone, b.stated_test OR src.is_test, b.content_stamp <> '' AND NOT k.gone",
    ),
)
DAYS = (
    _compare("sales_sale", "business_date", _OWNERS, _day("b.known <> 'stub'")),
    _compare("sales_refund", "business_date", _OWNERS, _day("b.content_stamp <> ''")),
)


def _mirrors(kind: str, seen: str) -> Walk:
    """Find, of each record, the one of another source with the same printed receipt that comes
    first; it is named where it comes before the record itself."""
    table = f"sales_{kind}"
    twin = f"""
        SELECT o.id FROM sales_fiscal mine
        JOIN sales_fiscal theirs ON theirs.account_id = mine.account_id AND theirs.fn = mine.fn
          AND theirs.fd = mine.fd AND theirs.owner_kind = mine.owner_kind
        JOIN {table} o ON o.id = theirs.owner_id AND o.source_id <> b.source_id
          AND {seen.format(row="o")}
        JOIN accounts_source other ON other.id = o.source_id
        WHERE mine.owner_id = b.id AND mine.owner_kind = '{kind}'
        ORDER BY other.priority DESC, o.id LIMIT 1
    """  # noqa: S608
    return Walk(
        table=table,
        broken=f"""
            SELECT '{table} ' || b.id AS what FROM batch b
            LEFT JOIN accounts_source src ON src.id = b.source_id
            LEFT JOIN LATERAL ({twin}) t ON {seen.format(row="b")}
            LEFT JOIN {table} o ON o.id = t.id
            LEFT JOIN accounts_source other ON other.id = o.source_id
            WHERE b.mirror_of IS DISTINCT FROM
              CASE WHEN (-other.priority, o.id) < (-src.priority, b.id) THEN o.id END
        """,  # noqa: S608
    )


_SEEN = "{row}.visible AND NOT {row}.is_test"
MIRRORS = (
    _mirrors("sale", _SEEN),
    _mirrors("refund", _SEEN + " AND {row}.status = 'completed'"),
)
GAPS = Walk(
    table="sales_sale",
    only="known <> 'stub'",
    broken="""
        SELECT 'sales_sale ' || b.id || ' ' || coalesce(b.money_gap, 0) AS what FROM batch b
        WHERE NOT 'total_mismatch' = ANY(b.stated_anomalies)
          AND (coalesce(b.money_gap, 0) <> 0) <> ('total_mismatch' = ANY(b.anomalies))
    """,
)

CHECKS = (
    Check(
        id="I4.totals",
        title="суммы продаж сходятся с частями / totals of sales equal those of their parts",
        advice=_AGAIN,
        parts=(TOTALS,),
    ),
    Check(
        id="I4.states",
        title="состояния выведены верно / status, visibility and counting follow from the facts",
        advice=_AGAIN,
        parts=STATES,
    ),
    Check(
        id="I4.days",
        title="рабочие дни верны / business days follow from zones and cut-offs",
        advice="manage.py location set … / " + _AGAIN,
        parts=DAYS,
    ),
    Check(
        id="I4.mirrors",
        title="чек из двух источников считается один раз / a receipt of two sources counts once",
        advice=_AGAIN,
        parts=MIRRORS,
    ),
    Check(
        id="I5.identity",
        title="расхождение итога отмечено / a total that its parts do not give carries the anomaly",
        advice=_AGAIN,
        parts=(GAPS,),
    ),
)
