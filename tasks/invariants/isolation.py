"""I7: every row belongs to its source's account, and a wall stands behind the queries."""

from .base import Check, Cursor, Finding, Once, Scope, Walk, old

#: Tables of an account that no policy protects, each read by its own narrow door.
EXCEPTIONS = frozenset({"ingest_inbox", "accounts_membership", "accounts_apitoken"})

_POLICY = (
    "(account_id = ANY (((SELECT current_setting('app.accounts'::text)"
    " AS current_setting))::bigint[]))"
)
_TABLES = """
    SELECT c.relname, c.relrowsecurity, (
      SELECT coalesce(array_agg(concat_ws('|', p.polpermissive, p.polcmd, p.polroles,
               pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))), '{}')
      FROM pg_policy p WHERE p.polrelid = c.oid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE a.attname = 'account_id' AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
      AND c.relname NOT LIKE 'ingest\\_delivery\\_%%'
    ORDER BY c.relname
"""


def policies(cursor: Cursor, scope: Scope) -> Finding:
    """Find tables of an account without exactly the one policy."""
    cursor.execute(_TABLES.replace("%%", "%"))
    wanted = _plain(f"true|*|{{0}}|{_POLICY}|{_POLICY}")
    finding = Finding()
    for table, protected, found in cursor.fetchall():
        if table in EXCEPTIONS:
            continue
        finding.examined += 1
        if not protected or [_plain(one) for one in found] != [wanted]:
            finding.add(table)
    return finding


def _plain(text: str) -> str:
    # Versions of PostgreSQL differ in the spaces of what they print.
    return "".join(text.split()).replace("t|*", "true|*")


#: Tables that are only added to → when a row came: its source, protected, never changes account.
_KEPT = {
    "ingest_delivery": "received_at",
    "tasks_event": "created_at",
    "tasks_attempt": "created_at",
}


def _with_source(table: str, key: str = "id") -> Walk:
    return Walk(
        table=table,
        key=(key,),
        final=old(_KEPT[table]) if table in _KEPT else "false",
        broken=f"""
            SELECT '{table} ' || b.{key} AS what FROM batch b
            LEFT JOIN accounts_source s ON s.id = b.source_id
            WHERE s.account_id IS DISTINCT FROM b.account_id
        """,  # noqa: S608
    )


def _with_sale(table: str, key: tuple[str, ...], column: str = "sale_id") -> Walk:
    return Walk(
        table=table,
        key=key,
        broken=f"""
            SELECT '{table} ' || b.{key[0]} AS what FROM batch b
            JOIN sales_sale s ON s.id = b.{column} WHERE s.account_id <> b.account_id
        """,  # noqa: S608
    )


CHECKS = (
    Check(
        id="I7.policies",
        title="строки аккаунтов закрыты политикой / row-level security is on everywhere",
        advice="верните политику: accounts/rls.py, protect() / restore the policy",
        parts=(Once(policies),),
    ),
    Check(
        id="I7.accounts",
        title="каждая строка — в аккаунте источника / every row is in its source's account",
        advice="строки чужого аккаунта: остановите приём и сообщите / rows of a foreign account:"
        " stop and report it",
        parts=(
            _with_source("ingest_delivery"),
            _with_source("ingest_inbox", "delivery_id"),
            *(
                _with_source(f"{app}_{name}")
                for app, names in {
                    "ingest": "sourceendpoint sourcesecret brought rejection",
                    "tasks": "event earlierreceipt attempt deadletter fetch",
                    "sales": "sale payment refund location device employee category product"
                    " customer",
                }.items()
                for name in names.split()
            ),
            _with_sale("sales_saleline", ("sale_id", "pos")),
            _with_sale("sales_payment", ("id",)),
            _with_sale("sales_refund", ("id",)),
            _with_sale("sales_fiscal", ("owner_id", "pos"), "owner_id"),
        ),
    ),
)
