"""I1, I2 and I13: what was acknowledged is there, byte for byte, and holds no credentials."""

from ingest.headers import DENIED
from integrations.contract import MERCHANT
from integrations.registry import PROVIDERS

from .base import BODIES, Check, Cursor, Finding, Once, Scope, Walk, old

#: What would let a crash take back what was acknowledged.
_UNSAFE = """
    SELECT name || ' = ' || setting FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'
    UNION ALL
    SELECT concat_ws(' ', 'database', d.datname, 'role', r.rolname, item)
    FROM pg_db_role_setting s
    LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole
    CROSS JOIN LATERAL unnest(s.setconfig) AS item
    WHERE item ~* '^synchronous_commit=(off|false|0|no)$'
      AND (d.oid IS NULL OR d.datname = current_database())
"""
#: Of what no sender may give, the receiver itself gives the merchant.
_SECRET = sorted(
    (DENIED - {MERCHANT}).union(*(one.scheme.secret_headers for one in PROVIDERS.values()))
)
_CREDENTIALS = f"(^|\\n)({'|'.join(_SECRET)}):"


def commits(cursor: Cursor, scope: Scope) -> Finding:
    """Find settings with which a committed row may be gone after a crash."""
    cursor.execute(_UNSAFE)
    finding = Finding(examined=1)
    for (what,) in cursor.fetchall():
        finding.add(what)
    return finding


CHECKS = (
    Check(
        id="I1.commits",
        title="подтверждённое переживёт сбой / a commit is on disk before it is answered",
        advice="верните fsync, full_page_writes и synchronous_commit в on / turn them on again",
        parts=(Once(commits),),
    ),
    Check(
        id="I1.staged",
        title="каждая ожидающая доставка есть в хранилище / every pending delivery is staged",
        advice="восстановите ingest_delivery из копии / restore ingest_delivery from the backup",
        parts=(
            Walk(
                table="ingest_inbox",
                key=("delivery_id",),
                broken="""
                    SELECT b.delivery_id::text AS what FROM batch b
                    LEFT JOIN ingest_delivery d ON d.id = b.delivery_id
                    WHERE d.id IS NULL
                       OR (d.account_id, d.source_id) <> (b.account_id, b.source_id)
                """,
            ),
        ),
    ),
    Check(
        id="I2.content",
        title="тела доставок не изменились / delivery bodies equal their digests",
        advice="хранилище изменено: сверьте с копией / staging was changed: compare the backup",
        parts=(
            Walk(
                table="ingest_delivery",
                only="redacted = ''",
                final=old("received_at"),
                limit=BODIES,
                broken="SELECT b.id::text AS what FROM batch b WHERE sha256(b.body) <> b.sha256",
            ),
        ),
    ),
    Check(
        id="I13.headers",
        title="секретных заголовков в хранилище нет / no credentials in stored headers",
        advice="отзовите секрет у источника: он записан / revoke the secret, it was stored",
        parts=(
            Walk(
                table="ingest_delivery",
                final=old("received_at"),
                broken=f"""
                    SELECT b.id::text AS what FROM batch b
                    WHERE lower(convert_from(b.headers, 'LATIN1')) ~ '{_CREDENTIALS}'
                """,  # noqa: S608
            ),
        ),
    ),
)
