"""What apps' deliveries hold of each merchant, and the door through which it is routed."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

from accounts.rls import protect

#: The one place where a row of one account makes one of another, so it decides by itself: the app's
#: delivery has to be of the caller's scope, and the merchant's source is the one connected below
#: that app. Headers, path and origin are the delivery's; nobody can name another.
_DOOR = """
CREATE FUNCTION route_part(app_delivery uuid, whose text, part bytea) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
DECLARE
  d ingest_delivery;
  child accounts_source;
  known uuid;
  made uuid;
BEGIN
  SELECT * INTO d FROM ingest_delivery WHERE id = app_delivery
    AND account_id = ANY (current_setting('app.accounts')::bigint[]);
  IF NOT FOUND OR NOT EXISTS (
    SELECT FROM accounts_source s
    WHERE s.id = d.source_id AND s.account_id = d.account_id AND s.is_app
  ) THEN
    RAISE EXCEPTION 'no delivery of an app of this scope' USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- Who connects a merchant waits for those who found him missing: then the run that follows finds
  -- all that they kept.
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('app ' || d.source_id, 0));
  INSERT INTO tasks_routed (account_id, source_id, delivery_id, merchant)
  VALUES (d.account_id, d.source_id, d.id, whose) ON CONFLICT DO NOTHING;
  SELECT r.routed_id INTO known FROM tasks_routed r
  WHERE r.account_id = d.account_id AND r.delivery_id = d.id AND r.merchant = whose FOR UPDATE;
  IF known IS NOT NULL THEN
    RETURN 'known';
  END IF;
  SELECT * INTO child FROM accounts_source s
  WHERE s.parent_id = d.source_id AND s.merchant = whose AND s.state <> 'disabled';
  IF NOT FOUND THEN
    RETURN 'unrouted';
  END IF;
  INSERT INTO ingest_delivery (account_id, source_id, origin, method, path, query, content_type,
                               headers, body, sha256, redacted, cause)
  VALUES (child.account_id, child.id, 'routed', d.method, d.path, d.query, d.content_type,
          d.headers, part, sha256(part), d.redacted, d.id)
  RETURNING id INTO made;
  INSERT INTO ingest_inbox (delivery_id, account_id, source_id, due_at)
  VALUES (made, child.account_id, child.id,
          CASE WHEN child.state = 'paused' THEN 'infinity' ELSE now() END);
  UPDATE tasks_routed r SET child_id = child.id, routed_id = made
  WHERE r.account_id = d.account_id AND r.delivery_id = d.id AND r.merchant = whose;
  RETURN 'routed';
END
$fn$;
REVOKE ALL ON FUNCTION route_part(uuid, text, bytea) FROM PUBLIC;

CREATE FUNCTION lock_app(app bigint) RETURNS void
  LANGUAGE sql SET search_path = public, pg_temp AS $fn$
  SELECT pg_advisory_xact_lock(hashtextextended('app ' || app, 0))
$fn$;
REVOKE ALL ON FUNCTION lock_app(bigint) FROM PUBLIC;
"""
_SHUT = "DROP FUNCTION route_part(uuid, text, bytea); DROP FUNCTION lock_app(bigint);"


def _owner(to: str, label: str) -> models.ForeignKey:
    return models.ForeignKey(
        to,
        django.db.models.deletion.PROTECT,
        db_constraint=False,
        db_index=False,
        verbose_name=label,
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0004_apps"),
        ("ingest", "0005_routed"),
        ("tasks", "0008_backfill"),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Routed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account", _owner("accounts.account", "аккаунт")),
                ("source", _owner("accounts.source", "источник")),
                ("delivery_id", models.UUIDField("доставка")),
                ("merchant", models.TextField("аккаунт у провайдера")),
                ("child_id", models.BigIntegerField("источник", null=True)),
                ("routed_id", models.UUIDField("доставка источника", null=True)),
            ],
            options={
                "verbose_name": "часть доставки приложения",
                "verbose_name_plural": "части доставок приложений",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["account", "delivery_id", "merchant"], name="tasks_routed_once"
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["source", "merchant", "delivery_id"],
                        condition=models.Q(routed_id=None),
                        name="tasks_routed_waiting",
                    )
                ],
            },
        ),
        protect("tasks_routed"),
        migrations.RunSQL(_DOOR, _SHUT),
    ]
