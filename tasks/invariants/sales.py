"""I5 and I10: the parts of sales fit together, and every row has the id its key computes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sales.drafts import entity_id, part_id

from .base import Check, Cursor, Finding, Judged, Once, Scope, Walk

_REBUILD = "manage.py replay --help"
_BOUNDS = (
    "sales_sale_amounts",
    "sales_line_amounts",
    "sales_payment_amounts",
    "sales_refund_amounts",
)
_ONCE = (
    "sales_sale_once",
    "sales_location_once",
    "sales_device_once",
    "sales_employee_once",
    "sales_category_once",
    "sales_product_once",
    "sales_customer_once",
)
_ONCE_UNLESS_OWNED = ("sales_payment_once", "sales_refund_once")
_REFERENCES = "location device employee category product customer".split()

_LINES = Walk(
    table="sales_saleline",
    key=("sale_id", "pos"),
    broken="""
        SELECT 'line ' || b.sale_id || ' #' || b.pos AS what FROM batch b
        LEFT JOIN sales_sale s ON s.id = b.sale_id
        WHERE s.id IS NULL OR (b.stamp <> s.lines_stamp AND NOT s.hand ? 'lines')
    """,
)
_FISCAL = Walk(
    table="sales_fiscal",
    key=("owner_id", "pos"),
    broken="""
        SELECT 'receipt ' || b.owner_id || ' #' || b.pos AS what FROM batch b
        LEFT JOIN sales_sale s ON b.owner_kind = 'sale' AND s.id = b.owner_id
        LEFT JOIN sales_refund r ON b.owner_kind = 'refund' AND r.id = b.owner_id
        WHERE b.stamp IS DISTINCT FROM coalesce(s.header_stamp, r.content_stamp)
    """,
)


def _owned(table: str) -> Walk:
    return Walk(
        table=table,
        only="owned",
        broken=f"""
            SELECT '{table} ' || b.id AS what FROM batch b
            LEFT JOIN sales_sale s ON s.id = b.sale_id
            WHERE s.id IS NULL OR b.content_stamp <> s.money_stamp
        """,  # noqa: S608
    )


def _linked(table: str) -> Walk:
    return Walk(
        table=table,
        only="sale_id IS NOT NULL AND NOT owned",
        broken=f"""
            SELECT '{table} ' || b.id AS what FROM batch b
            WHERE NOT EXISTS (SELECT FROM sales_sale s WHERE s.id = b.sale_id)
        """,  # noqa: S608
    )


_LINKS = Walk(
    table="sales_refund",
    broken="""
        SELECT 'sales_refund ' || b.id AS what FROM batch b
        LEFT JOIN sales_payment p ON p.id = b.link_payment_id
        WHERE b.sale_id IS DISTINCT FROM coalesce(b.link_sale_id, p.sale_id)
    """,
)


def constraints(cursor: Cursor, scope: Scope) -> Finding:
    """Find constraints that are gone or were never validated: they hold for every row, always."""
    cursor.execute(
        "SELECT conname FROM pg_constraint WHERE convalidated AND contype IN ('c', 'u')"
        " UNION ALL SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indisunique AND i.indisvalid AND i.indisready"
    )
    there = {name for (name,) in cursor.fetchall()}
    finding = Finding()
    for name in (*_BOUNDS, *_ONCE, *_ONCE_UNLESS_OWNED):
        finding.examined += 1
        if name not in there:
            finding.add(name)
    return finding


def _ids(table: str, columns: str, computed: Callable[..., UUID]) -> Judged:
    """Return a check that computes ids in Python, as whoever writes them does."""

    def judge(key: UUID, *values: Any) -> str | None:
        return None if computed(*values) == key else ""

    return Judged(table=table, columns=columns.split(", "), judge=judge)


def _entity(kind: str) -> Callable[..., UUID]:
    return lambda source, name: entity_id(source, kind, name)


def _part(kind: str) -> Callable[..., UUID]:
    def computed(source: int, name: str, owned: bool, sale: UUID | None, pos: int) -> UUID | None:
        if not owned:
            return entity_id(source, kind, name)
        return part_id(sale, kind, pos) if sale else None

    return computed  # type: ignore[return-value]


_PART_COLUMNS = "source_id, external_id, owned, sale_id, pos"

CHECKS = (
    Check(
        id="I5.parts",
        title="позиции, оплаты, возвраты и чеки — у своих продаж / parts belong to their sales",
        advice=f"разберите доставки продажи снова: {_REBUILD} / settle the sale's deliveries again",
        parts=(
            _LINES,
            _owned("sales_payment"),
            _owned("sales_refund"),
            _linked("sales_payment"),
            _linked("sales_refund"),
            _FISCAL,
        ),
    ),
    Check(
        id="I5.links",
        title="возвраты связаны, как сказано / refunds are linked as stated",
        advice=f"разберите доставки возврата снова: {_REBUILD} / settle its deliveries again",
        parts=(_LINKS,),
    ),
    Check(
        id="I5.constraints",
        title="границы сумм и уникальность в силе / amounts are bounded, keys unique",
        advice="верните ограничение из миграций / restore the constraint from the migrations",
        parts=(Once(constraints),),
    ),
    Check(
        id="I10.ids",
        title="id вычислены из ключей / ids are computed from keys",
        advice=f"разберите доставки снова: {_REBUILD} / settle the deliveries again",
        parts=(
            _ids("sales_sale", "source_id, external_id", _entity("sale")),
            *(
                _ids(f"sales_{kind}", "source_id, external_id", _entity(kind))
                for kind in _REFERENCES
            ),
            _ids("sales_payment", _PART_COLUMNS, _part("payment")),
            _ids("sales_refund", _PART_COLUMNS, _part("refund")),
        ),
    ),
)
