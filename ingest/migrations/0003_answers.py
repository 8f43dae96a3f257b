"""A door into staging for what we asked a provider for."""

from typing import ClassVar

from django.db import migrations

#: As with ``stage_deliveries``, ids and receipt times are the database's. A push cannot come in
#: here, and nothing may be said to have been asked in the future: the time of asking orders facts.
_DOOR = """
CREATE FUNCTION stage_answer(
  account bigint, source bigint, origin text, body bytea, read_at timestamptz, date timestamptz,
  over bigint, cause uuid
) RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
DECLARE
  made uuid;
BEGIN
  IF origin NOT IN ('fetched', 'backfill') OR read_at IS NULL OR read_at > clock_timestamp() THEN
    RAISE EXCEPTION 'an answer has an origin of its own and was asked for before'
      USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO ingest_delivery (account_id, source_id, origin, method, path, query, content_type,
                               headers, body, sha256, redacted, read_at, date, over, cause)
  VALUES (account, source, origin, 'GET', '', '', 'application/json', '', body, sha256(body), '',
          read_at, date, over, cause)
  RETURNING id INTO made;
  INSERT INTO ingest_inbox (delivery_id, account_id, source_id, due_at)
  SELECT made, account, source, CASE WHEN s.state = 'paused' THEN 'infinity' ELSE now() END
  FROM accounts_source s WHERE s.id = source AND s.account_id = account;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such source of this account' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN made;
END
$fn$;
REVOKE ALL ON FUNCTION stage_answer(bigint, bigint, text, bytea, timestamptz, timestamptz, bigint,
  uuid) FROM PUBLIC;
"""
_SHUT = """
DROP FUNCTION stage_answer(bigint, bigint, text, bytea, timestamptz, timestamptz, bigint, uuid)
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0003_idempotency"),
        ("ingest", "0002_inbox_turns"),
    ]
    operations: ClassVar = [migrations.RunSQL(_DOOR, _SHUT)]
