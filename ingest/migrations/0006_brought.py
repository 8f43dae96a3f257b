"""Secrets that deliveries bring, kept with them, and the two doors: one in, one out."""

from typing import ClassVar

import django.db.models.functions.datetime
from django.db import migrations, models

from accounts.rls import protect

#: As ``stage_deliveries``, and in the same statement what some of the rows bring: neither is there
#: without the other. Ids are made first, because what is brought has to name its delivery.
_IN = """
CREATE FUNCTION stage_bringing(
  accounts bigint[], sources bigint[], origins text[], methods text[], paths text[],
  queries bytea[], types text[], headers bytea[], bodies bytea[], digests bytea[],
  redacted text[], merchants text[], secrets bytea[], held bigint[]
) RETURNS TABLE (delivery_id uuid, digest bytea)
  LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
  WITH g AS MATERIALIZED (
    SELECT new_delivery_id() AS id, u.*
    FROM unnest(accounts, sources, origins, methods, paths, queries, types, headers, bodies,
                digests, redacted, merchants, secrets) WITH ORDINALITY
      AS u(account, source, origin, method, path, query, type, head, body, digest, cut, merchant,
           secret, place)
  ), d AS (
    INSERT INTO ingest_delivery (id, account_id, source_id, origin, method, path, query,
                                 content_type, headers, body, sha256, redacted)
    SELECT id, account, source, origin, method, path, query, type, head, body, digest, cut FROM g
  ), i AS (
    INSERT INTO ingest_inbox (delivery_id, account_id, source_id, due_at)
    SELECT id, account, source,
           CASE WHEN source = ANY (held) THEN 'infinity' ELSE now() END
    FROM g
  ), b AS (
    INSERT INTO ingest_brought (account_id, source_id, delivery_id, merchant, sha256,
                                value_encrypted, received_at)
    SELECT account, source, id, merchant, digest, secret, statement_timestamp() FROM g
    WHERE secret IS NOT NULL
  )
  SELECT id, g.digest FROM g ORDER BY place
$fn$;
REVOKE ALL ON FUNCTION stage_bringing(bigint[], bigint[], text[], text[], text[], bytea[],
  text[], bytea[], bytea[], bytea[], text[], text[], bytea[], bigint[]) FROM PUBLIC;
"""
#: A merchant's source has what came for him to its app, which another account may own; a source
#: with an address of its own has what came there. The same words count once, from their first
#: receipt: a late repetition does not bring an older secret back. The newest comes first.
_OUT = """
CREATE FUNCTION brought_secrets(whose bigint) RETURNS TABLE (secret bytea, at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
  SELECT first.value_encrypted, first.received_at FROM (
    SELECT DISTINCT ON (b.sha256) b.value_encrypted, b.received_at, b.delivery_id
    FROM accounts_source s
    JOIN ingest_brought b ON b.source_id = coalesce(s.parent_id, s.id)
      AND (s.parent_id IS NULL OR b.merchant = s.merchant)
    WHERE s.id = whose AND NOT s.is_app
      AND s.account_id = ANY (current_setting('app.accounts')::bigint[])
    ORDER BY b.sha256, b.received_at, b.delivery_id
  ) AS first
  ORDER BY first.received_at DESC, first.delivery_id DESC
$fn$;
REVOKE ALL ON FUNCTION brought_secrets(bigint) FROM PUBLIC;
"""
_SHUT = """
DROP FUNCTION stage_bringing(bigint[], bigint[], text[], text[], text[], bytea[], text[], bytea[],
  bytea[], bytea[], text[], text[], bytea[], bigint[]);
DROP FUNCTION brought_secrets(bigint);
"""


def _owner(to: str, label: str) -> models.ForeignKey:
    return models.ForeignKey(to, db_index=False, on_delete=models.CASCADE, verbose_name=label)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0004_apps"), ("ingest", "0005_routed")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Brought",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account", _owner("accounts.account", "аккаунт")),
                ("source", _owner("accounts.source", "источник")),
                ("delivery_id", models.UUIDField("доставка", unique=True)),
                ("merchant", models.TextField("аккаунт у провайдера")),
                ("sha256", models.BinaryField("sha256 полученного", max_length=32)),
                ("value_encrypted", models.BinaryField()),
                (
                    "received_at",
                    models.DateTimeField(
                        "получено", db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
            ],
            options={
                "verbose_name": "присланный секрет",
                "verbose_name_plural": "присланные секреты",
                "indexes": [
                    models.Index(fields=["source", "merchant"], name="ingest_brought_merchant")
                ],
            },
        ),
        protect("ingest_brought"),
        migrations.RunSQL([_IN, _OUT], _SHUT),
    ]
