"""Quarantine: rejected deliveries, kept for a while and in bounds, behind a door of their own."""

from typing import ClassVar

import django.db.models.functions.datetime
from django.db import migrations, models

from accounts.rls import protect

#: The application may read rejections and take them out; only this door puts one in, so that
#: nobody names its time or goes past the bounds: 50 of a source, 2 000 in all.
_KEEP = """
CREATE FUNCTION keep_rejection(
  account bigint, source bigint, reason text, detail text, address text, method text, path text,
  sealed bytea, size bigint, digest bytea
) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
DECLARE
  made bigint;
BEGIN
  IF octet_length(sealed) > 131072 THEN
    RAISE EXCEPTION 'a rejection of % bytes', octet_length(sealed)
      USING ERRCODE = 'check_violation';
  END IF;
  -- One at a time: bounds are exact, and writers are few and slow by intent.
  PERFORM pg_advisory_xact_lock(hashtext('ingest_rejection'));
  INSERT INTO ingest_rejection (account_id, source_id, reason, detail, address, method, path,
                                sealed, size, sha256)
  SELECT s.account_id, s.id, keep_rejection.reason, keep_rejection.detail, keep_rejection.address,
         keep_rejection.method, keep_rejection.path, keep_rejection.sealed, keep_rejection.size,
         keep_rejection.digest
  FROM accounts_source s WHERE s.id = source AND s.account_id = account
  RETURNING id INTO made;
  DELETE FROM ingest_rejection r WHERE r.source_id = source AND r.id <= (
    SELECT o.id FROM ingest_rejection o WHERE o.source_id = source
    ORDER BY o.id DESC OFFSET 50 LIMIT 1);
  DELETE FROM ingest_rejection r WHERE r.id <= (
    SELECT o.id FROM ingest_rejection o ORDER BY o.id DESC OFFSET 2000 LIMIT 1);
  RETURN made;
END
$fn$;
REVOKE ALL ON FUNCTION keep_rejection(bigint, bigint, text, text, text, text, text, bytea, bigint,
  bytea) FROM PUBLIC;

CREATE FUNCTION expire_rejections() RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
  WITH gone AS (
    DELETE FROM ingest_rejection WHERE at < now() - interval '7 days' RETURNING 1
  )
  SELECT count(*) FROM gone
$fn$;
REVOKE ALL ON FUNCTION expire_rejections() FROM PUBLIC;
"""
_FORGET = """
DROP FUNCTION keep_rejection(bigint, bigint, text, text, text, text, text, bytea, bigint, bytea);
DROP FUNCTION expire_rejections();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("ingest", "0003_answers")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Rejection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="получено",
                    ),
                ),
                ("reason", models.TextField(verbose_name="причина")),
                ("detail", models.TextField(verbose_name="подробность")),
                ("address", models.TextField(verbose_name="с адреса")),
                ("method", models.TextField(verbose_name="метод")),
                ("path", models.TextField(verbose_name="путь")),
                ("sealed", models.BinaryField(verbose_name="присланное, зашифровано")),
                ("size", models.BigIntegerField(verbose_name="байт тела")),
                (
                    "sha256",
                    models.BinaryField(max_length=32, verbose_name="sha256 присланного"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.CASCADE,
                        to="accounts.account",
                        verbose_name="аккаунт",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.CASCADE,
                        to="accounts.source",
                        verbose_name="источник",
                    ),
                ),
            ],
            options={
                "verbose_name": "отклонённая доставка",
                "verbose_name_plural": "отклонённые доставки",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["source", "id"], name="ingest_rejection_source"),
                    models.Index(fields=["at"], name="ingest_rejection_at"),
                ],
            },
        ),
        migrations.RunSQL(_KEEP, _FORGET),
        protect("ingest_rejection"),
    ]
