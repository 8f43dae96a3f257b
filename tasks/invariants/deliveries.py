"""I1 and I2: what was acknowledged is there, byte for byte."""

from .base import BODIES, Check, Walk

CHECKS = (
    Check(
        id="I1.staged",
        title="каждая ожидающая доставка есть в хранилище / every pending delivery is staged",
        advice="восстановите ingest_delivery из копии / restore ingest_delivery from the backup",
        run=Walk(
            table="ingest_inbox",
            key=("delivery_id",),
            broken="""
                SELECT b.delivery_id::text AS what FROM batch b
                LEFT JOIN ingest_delivery d ON d.id = b.delivery_id
                WHERE d.id IS NULL OR (d.account_id, d.source_id) <> (b.account_id, b.source_id)
            """,
        ),
    ),
    Check(
        id="I2.content",
        title="тела доставок не изменились / delivery bodies equal their digests",
        advice="хранилище изменено: сверьте с копией / staging was changed: compare the backup",
        run=Walk(
            table="ingest_delivery",
            only="redacted = ''",
            limit=BODIES,
            broken="SELECT b.id::text AS what FROM batch b WHERE sha256(b.body) <> b.sha256",
        ),
    ),
)
