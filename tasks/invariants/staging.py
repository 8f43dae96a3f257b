"""I6: staging is append-only, by triggers of its own and by missing grants."""

from collections.abc import Sequence

from .base import Check, Cursor, Finding, Once, Scope

_PARTS = """
    SELECT oid::regclass::text, oid = 'ingest_delivery'::regclass FROM pg_class
    WHERE oid = 'ingest_delivery'::regclass
       OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'ingest_delivery'::regclass)
       OR (relkind = 'r' AND relname LIKE 'ingest\\_delivery\\_%%')
"""
#: ``O`` would sleep in a session of replica mode; ``A`` is ALWAYS.
_TRIGGERS = """
    SELECT t.tgrelid::regclass::text, t.tgtype FROM pg_trigger t
    JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE p.proname = 'refuse_change' AND t.tgenabled = 'A' AND t.tgparentid = 0
      AND t.tgqual IS NULL AND cardinality(t.tgattr::int2[]) = 0
"""
#: Bits of ``tgtype``: row 1 + before 2 + delete 8 + update 16, and before 2 + truncate 32.
_WANTED = {27: "UPDATE/DELETE", 34: "TRUNCATE"}

_MONTHS = """
    SELECT to_char(month, 'YYYYMM'), EXISTS (
      SELECT FROM pg_inherits WHERE inhparent = 'ingest_delivery'::regclass
      AND inhrelid = to_regclass('ingest_delivery_' || to_char(month, 'YYYYMM')))
    FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + i * interval '1 month' AS month
          FROM generate_series(0, 1) AS i) m
"""

#: Table → what the application's role must not be able to do.
_FORBIDDEN = {
    "ingest_delivery": ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
    "tasks_event": ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
    "tasks_attempt": ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
}
_EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER")


def triggers(cursor: Cursor, scope: Scope) -> Finding:
    """Find partitions, attached or detached, without append-only triggers of their own."""
    found = {(table, kind) for table, kind in _rows(cursor, _TRIGGERS)}
    cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'refuse_change'")
    refusing = all("RAISE EXCEPTION" in source for (source,) in cursor.fetchall())
    finding = Finding()
    for table, _ in _rows(cursor, _PARTS):
        finding.examined += 1
        for kind, name in _WANTED.items():
            if (table, kind) not in found or not refusing:
                finding.add(f"{table}: {name}")
    return finding


def grants(cursor: Cursor, scope: Scope) -> Finding:
    """Find what the application's role may do to tables that are only added to."""
    forbidden = dict(_FORBIDDEN)
    forbidden |= {part: _EVERYTHING for part, is_parent in _rows(cursor, _PARTS) if not is_parent}
    finding = Finding()
    for table, rights in sorted(forbidden.items()):
        for right in rights:
            finding.examined += 1
            cursor.execute(
                "SELECT has_table_privilege(%s, %s::regclass, %s)", [scope.role, table, right]
            )
            if cursor.fetchall() != [(False,)]:
                finding.add(f"{table}: {right}")
    return finding


def role(cursor: Cursor, scope: Scope) -> Finding:
    """Find powers of the application's role that no policy or grant binds."""
    cursor.execute(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole,"
        " EXISTS (SELECT FROM pg_class WHERE relname = 'ingest_delivery'"
        "         AND pg_has_role(%s, relowner, 'MEMBER')) FROM pg_roles WHERE rolname = %s",
        [scope.role, scope.role],
    )
    finding = Finding(examined=1)
    for powers, owns in cursor.fetchall():
        if powers:
            finding.add(f"{scope.role}: SUPERUSER, BYPASSRLS or CREATEROLE")
        if owns:
            finding.add(f"{scope.role}: is the owner")
    return finding


def partitions(cursor: Cursor, scope: Scope) -> Finding:
    """Find a missing month, this one or the next, and rows that fell into DEFAULT."""
    finding = Finding()
    cursor.execute(_MONTHS)
    for month, there in cursor.fetchall():
        finding.examined += 1
        if not there:
            finding.add(f"ingest_delivery_{month}")
    cursor.execute(
        "SELECT count(*) FROM ingest_delivery WHERE tableoid = 'ingest_delivery_default'::regclass"
    )
    ((strays,),) = cursor.fetchall()
    finding.examined += 1
    if strays:
        finding.add(f"ingest_delivery_default: {strays}")
    return finding


def _rows(cursor: Cursor, query: str) -> Sequence[tuple[str, int]]:
    cursor.execute(query.replace("%%", "%"))
    return cursor.fetchall()


CHECKS = (
    Check(
        id="I6.triggers",
        title="хранилище только пополняется / staging refuses UPDATE, DELETE and TRUNCATE",
        advice="SELECT guard_partition('…') от имени владельца / as the owner",
        parts=(Once(triggers),),
    ),
    Check(
        id="I6.grants",
        title="прав на изменение у приложения нет / the application may only add to it",
        advice="manage.py migrate выдаст права заново / gives the grants anew",
        parts=(Once(grants),),
    ),
    Check(
        id="I6.role",
        title="роль приложения не владелец / the application's role is not the owner",
        advice="задайте DATABASE_OWNER_URL: см. deploy/env.example / set DATABASE_OWNER_URL",
        parts=(Once(role),),
        warning=True,
    ),
    Check(
        id="I6.partitions",
        title="месяцы готовы, DEFAULT пуст / partitions are ahead, DEFAULT is empty",
        advice="SELECT ensure_delivery_partitions(2); для DEFAULT / for DEFAULT:"
        " manage.py partitions --rehome",
        parts=(Once(partitions),),
    ),
)
