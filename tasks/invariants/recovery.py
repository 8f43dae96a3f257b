"""I12: a restored database goes on where it was, and gives no number a second time."""

from .base import Check, Cursor, Finding, Once, Scope

#: Columns that a sequence fills, and the last number it gave; null to who may not read it.
_NUMBERED = """
    SELECT c.oid::regclass::text, a.attname, s.last_value
    FROM pg_depend d
    JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
    JOIN pg_class c ON c.oid = d.refobjid AND c.relnamespace = 'public'::regnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
    JOIN pg_sequences s ON s.schemaname = 'public' AND s.sequencename = q.relname
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.deptype IN ('a', 'i')
    ORDER BY 1
"""


def sequences(cursor: Cursor, scope: Scope) -> Finding:
    """Find sequences behind their tables: the next rows would collide, or take old numbers."""
    cursor.execute(_NUMBERED)
    finding = Finding()
    for table, column, last in cursor.fetchall():
        if not _may_read(cursor, table):
            continue
        finding.examined += 1
        cursor.execute(f"SELECT max({column}) FROM {table}")  # noqa: S608
        ((greatest,),) = cursor.fetchall()
        if greatest is not None and last is not None and greatest > last:
            finding.add(f"{table}: {last} < {greatest}")
    return finding


def _may_read(cursor: Cursor, table: str) -> bool:
    cursor.execute("SELECT has_table_privilege(%s::regclass, 'SELECT')", [table])
    return cursor.fetchall() == [(True,)]


CHECKS = (
    Check(
        id="I12.sequences",
        title="счётчики не отстали от таблиц / sequences are not behind their tables",
        advice="после восстановления: SELECT setval(…, max(id)) / after a restore: setval()",
        parts=(Once(sequences),),
    ),
)
